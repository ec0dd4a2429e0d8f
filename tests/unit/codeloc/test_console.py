"""The supervisor's lines: one for each event, whatever is in it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from codeloc import console
from rivers.log_options import LogOptions

NASTY = "two\nlines \x1b[2J and = signs"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Other tests find the console as it was."""
    yield
    console.configure(LogOptions())


@pytest.mark.parametrize(("level", "written"), [("debug", 3), ("info", 2), ("warning", 1), ("error", 0)])
def test_what_is_below_the_level_is_not_written(level: str, written: int, capsys: pytest.CaptureFixture[str]) -> None:
    console.configure(LogOptions.parse(level, "console"))
    console.debug("a")
    console.info("b")
    console.warning("c")
    assert len(capsys.readouterr().err.splitlines()) == written
    assert console.is_debug() is (level == "debug")


def test_an_event_for_people_is_one_line_that_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    console.configure(LogOptions(logging.INFO), location="team")
    console.info("worker_ended", exit=NASTY, worker=3)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith(f"exit={NASTY!r} location=team worker=3")
    assert line.isprintable()


def test_an_event_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    console.configure(LogOptions(logging.INFO, is_json=True), location="team")
    console.info("worker_ended", exit=NASTY)
    console.tell("said\n", "told", pid=7)
    ended, told = map(json.loads, capsys.readouterr().err.splitlines())
    assert (ended["event"], ended["level"], ended["location"], ended["exit"]) == ("worker_ended", "info", "team", NASTY)
    assert (told["event"], told["text"], told["pid"]) == ("told", "said", 7)


def test_text_for_people_is_written_as_it_is_at_every_level(capsys: pytest.CaptureFixture[str]) -> None:
    console.configure(LogOptions.parse("error", "console"))
    console.tell("as it is\n", "told", pid=7)
    assert capsys.readouterr().err == "as it is\n"
