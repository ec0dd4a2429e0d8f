"""Ids that are used again."""

from __future__ import annotations

import pytest

from rivers.definitions.asset import Asset
from rivers.errors import ConflictError
from rivers.lifecycle.states import RunOwner, RunState
from rivers.storage.rows import RunRow, WriteSet

OK = ["STEP_STARTED", "MATERIALIZED", "STEP_SUCCEEDED"]


@pytest.fixture
def flaky(here):
    """a, then b, which fails the first time, then c."""
    calls = []

    @Asset
    def a():
        calls.append("a")
        return 1

    @Asset
    def b(a):
        calls.append("b")
        if calls.count("b") == 1:
            raise ValueError("first")
        return a

    @Asset
    def c(b):
        calls.append("c")
        return b

    return here.bind(a, b, c), calls


def test_resuming_runs_what_did_not_succeed(here, flaky):
    bound, calls = flaky
    assert here.run(bound=bound, run_id="x").state == RunState.FAILED
    version = here.asset("a").last_data_version
    outcome = here.run(bound=bound, run_id="x", resume=True)
    assert outcome.success
    assert calls == ["a", "b", "b", "c"]
    assert outcome.materialized == ("a", "b", "c")
    row = here.row("x")
    assert (row.state, row.completed_steps, row.failure) == (RunState.SUCCEEDED, 3, None)
    assert [event.seq for event in here.events("x")] == list(range(1, row.last_seq + 1))
    assert here.asset("b").last_input_data_versions == (("a", version),)
    assert [event.attempt for event in here.events("x") if event.node == "b"][-1] == 2


def test_resuming_what_succeeded_does_nothing(here, flaky):
    bound, calls = flaky
    here.run(bound=bound, run_id="x")
    here.run(bound=bound, run_id="x", resume=True)
    before = list(calls)
    assert here.run(bound=bound, run_id="x", resume=True).success
    assert calls == before


def test_without_resume_everything_runs_again_under_the_same_record(here, flaky):
    bound, calls = flaky
    here.run(bound=bound, run_id="x")
    assert here.run(bound=bound, run_id="x").success
    assert calls == ["a", "b", "a", "b", "c"]
    assert here.story("x").count("STEP_STARTED a") == 2


def test_resuming_an_unknown_id_is_a_fresh_run(here, flaky):
    bound, calls = flaky
    here.run(bound=bound, run_id="new", resume=True)
    assert calls == ["a", "b"]
    assert here.row("new").state == RunState.FAILED


def test_another_selection_under_the_same_id(here, flaky):
    bound, calls = flaky
    here.run(bound=bound, run_id="x")
    assert here.run(bound=bound, run_id="x", select=["a", "b"], resume=True).success
    assert here.row("x").nodes == ("a", "b")
    assert calls == ["a", "b", "b"]


def test_a_canceled_run_can_be_resumed(here):
    calls = []

    @Asset
    def a():
        calls.append("a")
        if len(calls) == 1:
            here.cancel("x")

    b = Asset(name="b")(lambda a: calls.append("b"))
    bound = here.bind(a, b)
    assert here.run(bound=bound, run_id="x").state == RunState.CANCELED
    assert here.run(bound=bound, run_id="x", resume=True).success
    assert calls == ["a", "b"]


def test_a_run_that_somebody_executes_is_refused(here):
    @Asset
    def again():
        bound = here.bind(Asset(name="a")(lambda: 1))
        with pytest.raises(ConflictError, match="run 'x' is being executed by"):
            here.run(bound=bound, run_id="x")

    assert here.run(again, run_id="x").success


@pytest.mark.parametrize(("state", "owner"), [(RunState.STARTED, "elsewhere:1:2"), (RunState.STARTED, "")])
def test_a_run_whose_process_is_gone_can_be_resumed(here, flaky, state, owner):
    bound, _ = flaky
    left = RunRow("x", 2, "", None, ("a",), (), 1, RunOwner.PROCESS, owner_id=owner, state=state, owner_expires_at=1)
    from rivers.planning.build import plan_selection

    here.database.write(WriteSet(new_runs=[left], plans=[("x", plan_selection(bound.snapshot, None))]))
    here.run(bound=bound, run_id="x", resume=True)
    assert here.row("x").state == RunState.FAILED


def test_a_run_of_the_scheduler_is_refused(here, flaky):
    bound, calls = flaky
    from rivers.planning.build import plan_selection

    row = RunRow("x", 2, "", None, ("a",), (), 1, RunOwner.SCHEDULER, state=RunState.FAILED)
    here.database.write(WriteSet(new_runs=[row], plans=[("x", plan_selection(bound.snapshot, None))]))
    with pytest.raises(ConflictError, match="belongs to the scheduler"):
        here.run(bound=bound, run_id="x")
    assert calls == []
