"""Steps that take the place of one that has ended in a worker, before that is decided on."""

from __future__ import annotations

import os
import threading

from rivers.definitions.asset import Asset
from rivers.definitions.executor import Executor
from rivers.lifecycle.states import RunState
from tests.unit.driver.conftest import Here

ALONE, PARALLEL = Executor.parallel(max_workers=1), Executor.parallel(max_workers=2)
NAMES = [f"a{n:02}" for n in range(24)]


def steps(team, **special):
    """Two dozen steps that return their process, some with a function of their own."""
    getpid = os.getpid
    return [Asset(name=name, io_handler=team.shared)(special.get(name, lambda: getpid())) for name in NAMES]


def most_at_once(here: Here) -> int:
    running = most = 0
    for line in here.story():
        running += line.startswith("STEP_STARTED")
        running -= line.startswith(("STEP_SUCCEEDED", "STEP_FAILED"))
        most = max(most, running)
    assert running == 0
    return most


def test_no_more_steps_are_told_to_run_at_once_than_there_are_workers(here, team):
    assert here.run(*steps(team), executor=PARALLEL).success
    assert most_at_once(here) == 2
    assert len({team.read(name) for name in NAMES} - {os.getpid()}) == 2


def test_with_one_worker_steps_are_told_one_after_another(here, team):
    assert here.run(*steps(team), executor=ALONE).success
    assert most_at_once(here) == 1
    assert [line.split()[1] for line in here.story() if line.startswith("STEP_STARTED")] == NAMES


def test_a_worker_that_dies_in_a_step_that_took_over_costs_that_step_alone(here, team):
    def killed():
        os.kill(os.getpid(), 9)

    outcome = here.run(*steps(team, a07=killed, a15=killed), executor=PARALLEL)
    assert {node for node, _ in outcome.failed} == {"a07", "a15"}
    assert outcome.materialized == tuple(name for name in NAMES if name not in ("a07", "a15"))
    assert most_at_once(here) == 2


def test_a_step_that_cannot_travel_gives_its_place_back(here, team):
    lock = threading.Lock()

    def stays():
        with lock:
            return os.getpid()

    outcome = here.run(*steps(team, a05=stays, a06=stays, a17=stays), executor=PARALLEL)
    assert outcome.success
    inline = {name for name in NAMES if team.read(name) == os.getpid()}
    assert inline == {"a05", "a06", "a17"}
    assert most_at_once(here) <= 3, "two workers, and the calling thread"


def test_a_failure_in_between_is_its_steps_alone(here, team):
    def fails():
        raise KeyError("mine")

    outcome = here.run(*steps(team, a03=fails, a11=fails), executor=PARALLEL)
    assert {node for node, _ in outcome.failed} == {"a03", "a11"}
    assert len(outcome.materialized) == len(NAMES) - 2


def test_nothing_takes_over_once_the_run_is_to_stop(here, team, tmp_path):
    until = team.until

    def held():
        (tmp_path / "values" / "held").touch()
        until("go")

    def cancel():
        until("held")
        here.cancel("held up")
        (tmp_path / "values" / "go").touch()

    other = threading.Thread(target=cancel)
    other.start()
    outcome = here.run(*steps(team, a06=held), executor=ALONE, run_id="held up")
    other.join()
    assert outcome.materialized == tuple(NAMES[:7])
    assert here.row().state == RunState.CANCELED


def test_a_run_on_a_file_goes_the_same_way(stored, team):
    assert stored.run(*steps(team), executor=PARALLEL).success
    assert most_at_once(stored) == 2
