"""Hooks at the desk: given to idle workers, killed when they take too long, in nobody's way."""

from __future__ import annotations

from pathlib import Path

import pytest

from codeloc.floor import HOOK_SECONDS
from rivers.v1 import step_service_pb2 as pb
from rivers.v1.run_pb2 import LOG_STREAM_STDOUT
from tests.unit.codeloc.seams import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A desk with a session and two workers."""
    place = Place(tmp_path / "spool")
    place.attach()
    return place


def due(place: Place, step: str = "a") -> None:
    place.send(pb.Command(call_hooks=pb.CallHooks(run_id="run", step=step, nodes=[step])))


def test_hooks_get_an_idle_worker_and_give_it_back(place: Place) -> None:
    due(place)
    assert place.crew.take() == [("hooks", 2, "a")]
    assert not place.desk.is_clear
    place.desk.worker_hooked(2)
    assert place.desk.is_clear
    place.assign(1)
    assert place.crew.take() == [("assign", 2, 1)]


def test_a_worker_that_calls_hooks_gets_no_attempt(place: Place) -> None:
    due(place)
    for token in (1, 2):
        place.assign(token)
    assert place.crew.take() == [("hooks", 2, "a"), ("assign", 1, 1)]
    place.desk.worker_hooked(2)
    assert place.crew.take() == [("assign", 2, 2)]


def test_hooks_wait_until_a_worker_is_idle(place: Place) -> None:
    for token in (1, 2):
        place.assign(token)
    due(place)
    assert [order[0] for order in place.crew.take()] == ["assign", "assign"]
    place.ended(2, 1)
    assert place.crew.take() == [("hooks", 2, "a")]


def test_what_a_hook_writes_is_nobodys_log(place: Place) -> None:
    due(place)
    place.crew.take()
    assert place.desk.worker_output(2, LOG_STREAM_STDOUT, "text") is False


def test_hooks_that_take_too_long_are_killed(place: Place) -> None:
    due(place)
    place.crew.take()
    place.pass_time(HOOK_SECONDS - 1)
    assert place.crew.take() == []
    place.pass_time(1.5)
    assert place.crew.take() == [("kill", 2)]
    place.killed(2)
    assert place.desk.is_clear
    assert ("start", 3, "") in place.crew.take()


def test_a_worker_that_dies_while_it_calls_hooks_costs_nothing(place: Place) -> None:
    due(place)
    place.crew.take()
    place.killed(2)
    assert place.desk.is_clear
    assert place.outlet.end(1) is None


def test_of_too_many_the_oldest_are_dropped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codeloc.floor._MOST_HOOKS", 2)
    for token in (1, 2):
        place.assign(token)
    for step in "abc":
        due(place, step)
    assert [one.step for one in place.desk.floor.roster.hooks] == ["b", "c"]
