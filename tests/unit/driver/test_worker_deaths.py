"""Workers that die."""

from __future__ import annotations

import os
import shutil
import signal
import sys

import pytest

from rivers.definitions.executor import Executor
from rivers.definitions.failure_reason import FailureReason
from rivers.definitions.retry_policy import RetryOn, RetryPolicy
from rivers.driver import crew
from rivers.lifecycle.states import EventType
from rivers.lifecycle.states import FailureReason as Reason
from tests.unit.driver.process_table import is_running, until

PARALLEL = Executor.parallel(max_workers=2)


def test_the_death_of_a_worker_fails_its_step_alone(here, team):
    outcome = here.run(team.exits, team.waits, team.left, team.opens_the_gate, team.after, executor=PARALLEL)
    assert outcome.failed == (
        ("exits", "TerminatedWorkerError: the worker process of step 'exits' ended by exit code 7"),
        ("after", "ExecutionError: Skipped: upstream dependency failed"),
    )
    assert type(outcome.error).__name__ == "TerminatedWorkerError"
    assert set(outcome.materialized) == {"waits", "left", "opens_the_gate"}
    failed = next(event for event in here.events() if event.type == EventType.STEP_FAILED)
    assert (failed.failure.reason, failed.failure.exit_code) == (Reason.INFRASTRUCTURE, 7)
    assert here.story().count("STEP_STARTED exits") == 1


def test_the_signal_of_a_dead_worker_is_named(here, team):
    outcome = here.run(team.killed, team.left, executor=PARALLEL)
    assert outcome.failed[0][1].endswith("ended by signal 9 (SIGKILL)")
    failed = next(event for event in here.events() if event.type == EventType.STEP_FAILED)
    assert failed.failure.signal == 9


@pytest.mark.parametrize("retry_on", [RetryOn.TRANSIENT, [FailureReason.INFRASTRUCTURE], RetryOn.ALL])
def test_a_dead_worker_is_paid_for_by_the_retry_policy(here, team, retry_on):
    outcome = here.run(team.learns, team.left, executor=PARALLEL, retry=RetryPolicy(1, retry_on=retry_on))
    assert outcome.success
    assert [line for line in here.story() if line.endswith(" learns")] == [
        "STEP_STARTED learns",
        "STEP_RETRIED learns",
        "STEP_STARTED learns",
        "MATERIALIZED learns",
        "STEP_SUCCEEDED learns",
    ]


@pytest.mark.parametrize("times", range(3))
def test_a_worker_that_is_killed_while_idle_fails_nothing(here, team, times):
    bound = here.bind(team.one_of_two, team.two_of_two, executor=PARALLEL)
    here.run(bound=bound)
    idle = {team.read("one_of_two"), team.read("two_of_two")}
    for pid in idle:
        os.kill(pid, signal.SIGKILL)
    assert here.run(bound=bound).success
    assert not idle & {team.read("one_of_two"), team.read("two_of_two")}
    assert len([line for line in here.story() if line.startswith("STEP_STARTED")]) == 2


def test_a_worker_that_ends_well_is_dead_all_the_same(here, team):
    outcome = here.run(team.exits_well, team.left, executor=PARALLEL)
    assert outcome.failed[0][1].endswith("the worker process of step 'exits_well' ended by exit code 0")
    assert outcome.materialized == ("left",)


def test_a_fork_that_outlives_its_worker_does_not_hide_its_death(here, team, tmp_path):
    outcome = here.run(team.leaves_a_fork, team.left, executor=PARALLEL)
    (tmp_path / "values" / "go").touch()
    assert outcome.failed[0][1].endswith("ended by exit code 3")


def test_a_fork_that_goes_on_is_not_its_worker(here, team, tmp_path):
    bound = here.bind(team.lets_a_fork_go_on, team.left, executor=PARALLEL)
    for _ in range(2):
        assert here.run(bound=bound).success
    fork = int((tmp_path / "values" / "fork").read_text())
    until(lambda: not is_running(fork))


def test_the_pool_is_whole_again_after_each_death(here, team):
    bound = here.bind(team.killed, team.exits, team.one_of_two, team.two_of_two, executor=PARALLEL)
    for _ in range(3):
        outcome = here.run(bound=bound)
        assert outcome.materialized == ("one_of_two", "two_of_two"), "two that wait for each other need two workers"
        assert {node for node, _ in outcome.failed} == {"killed", "exits"}


def test_where_no_worker_can_be_started_steps_run_here(here, team, monkeypatch, caplog):
    crew.crew.leave()
    bound = here.bind(team.left, team.right, executor=PARALLEL)
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    assert here.run(bound=bound).success
    assert "its worker process ended by exit code 1 before it began" in caplog.text
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert here.run(bound=bound).success
    assert "cannot be sent to a worker process and runs inline: FileNotFoundError" in caplog.text
    assert (team.read("left"), team.read("right")) == (os.getpid(), os.getpid())
