"""`rivers backfill`, left to a scheduler: the same command, its output and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgresql import on_sqlite
from tests.stack import Stack

RIVERS = [sys.executable, "-m", "rivers.cli", "backfill"]
DAYS = ["-a", "daily", "--from", "2024-01-01", "--to", "2024-01-10", "-c", "8"]
SHOP = """
import rivers as rs
@rs.Asset(partitions_def=rs.PartitionsDefinition.static_(["a", "b"]))
def daily() -> int:
    return 1
repo = rs.CodeRepository([daily], default_executor=rs.Executor.in_process())
"""


def run(*arguments: str, **variables: str) -> tuple[int, list[str], str]:
    """Exit code, lines and errors."""
    environment = {**os.environ, **variables}
    done = subprocess.run([*RIVERS, *arguments], capture_output=True, text=True, timeout=60, env=environment)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout.splitlines(), done.stderr.strip()


@on_sqlite
@pytest.mark.parametrize("place", [["team"], []], ids=["by its name", "the only one"])
def test_a_backfill_at_a_scheduler_is_shown_until_it_is_over(stack: Stack, place: list[str]) -> None:
    code, (backfill_id, *lines), err = run(*place, *DAYS, "--scheduler", stack.client.address)
    assert (code, err) == (0, "")
    assert lines[-2].endswith("completed 10/10 partitions")
    assert lines[-1] == f"Backfill {backfill_id}: completed — 10 completed, 0 failed, 0 canceled"
    assert stack.client.backfills.get(backfill_id).backfill.max_concurrency == 8


@on_sqlite
def test_the_scheduler_of_the_environment_is_asked_when_no_module_is_named(stack: Stack) -> None:
    code, lines, _ = run(*DAYS, "--dry-run", RIVERS_SCHEDULER=stack.client.address)
    assert (code, lines[0]) == (0, "Dry run: 10 partitions, 10 runs")


@on_sqlite
def test_a_module_that_is_named_runs_here_whatever_the_environment_says(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    variables = {"RIVERS_SCHEDULER": stack.client.address, "PYTHONPATH": str(tmp_path)}
    code, lines, _ = run("shop", "-p", "a,b", "--memory", **variables)
    assert (code, len(lines)) == (0, 1)
    assert lines[0].endswith("completed — 2 completed, 0 failed, 0 canceled")


@on_sqlite
def test_options_reach_the_scheduler_and_partitions_that_failed_are_1(stack: Stack) -> None:
    options = ["-a", "letters", "-p", "a,b", "-p", "c,b", "--strategy", "single_run", "--on-failure", "stop_on_failure"]
    code, lines, err = run("team", *options, "--scheduler", stack.client.address)
    assert code == 1
    assert err == f"Backfill {lines[0]}: failed — 1 completed, 1 failed, 0 canceled"
    one = stack.client.backfills.get(lines[0]).backfill
    assert (one.total_runs, one.failure_policy.name) == (1, "STOP_ON_FAILURE")

    options = ["-a", "cells", "--range", "date=d1..d2", "--range", "region=us", "--json"]
    code, lines, err = run("team", *options, "--scheduler", stack.client.address)
    assert (code, err) == (0, "")
    assert json.loads(lines[-1])["completed"] == 2


@on_sqlite
def test_a_module_names_the_location_that_serves_it(stack: Stack) -> None:
    (location,) = stack.client.locations.list()
    code, lines, _ = run(location.module, *DAYS, "--dry-run", "--scheduler", stack.client.address)
    assert (code, lines[0]) == (0, "Dry run: 10 partitions, 10 runs")


@on_sqlite
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["team"], 2, "provide --partitions, --from/--to, or --range"),
        (["team", "-a", "daily", "-p", "x"], 2, "Invalid partition_key 'x' for asset 'daily'"),
        (["tame", *DAYS], 1, "'tame' not found"),
        (["team", *DAYS, "--storage-path", "here"], 2, "--storage-path is for a backfill in this process"),
        (["team", *DAYS, "--memory"], 2, "--memory is for a backfill in this process"),
        (["team", *DAYS, "-c", "0"], 2, "--concurrency"),
    ],
)
def test_what_is_wrong_is_one_line(stack: Stack, arguments: list[str], code: int, text: str) -> None:
    found, out, err = run(*arguments, "--scheduler", stack.client.address)
    assert (found, out) == (code, [])
    assert text in err


def test_a_scheduler_that_is_not_there_is_2_and_so_is_no_module() -> None:
    code, _, err = run("team", *DAYS, "--scheduler", "127.0.0.1:1")
    assert (code, "127.0.0.1:1" in err) == (2, True)
    variables = {"RIVERS_SCHEDULER": ""}
    code, _, err = run(*DAYS, **variables)
    assert (code, "Missing argument 'MODULE'" in err) == (2, True)


@on_sqlite
@pytest.mark.parametrize("where", ["here", "scheduler"])
def test_a_terminal_sees_a_bar(stack: Stack, tmp_path: Path, where: str) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    arguments = ["shop", "-p", "a,b"] if where == "here" else ["team", *DAYS, "--scheduler", stack.client.address]
    ours, theirs = os.openpty()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TERM": "xterm-256color", "COLUMNS": "120"}
    with subprocess.Popen([*RIVERS, *arguments], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # how a terminal says that everybody has left
            pass
        assert process.wait(30) == 0
    os.close(ours)
    text = shown.decode()
    assert "━" in text
    assert f"completed — {2 if where == 'here' else 10} completed, 0 failed, 0 canceled" in text
