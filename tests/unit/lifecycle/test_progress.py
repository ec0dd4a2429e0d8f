"""A run in progress, case by case."""

from __future__ import annotations

from copy import copy

import pytest

from rivers.definitions.kinds import BackoffKind, TriggerRule
from rivers.definitions.snapshot import RetryDefinition
from rivers.lifecycle.events import SKIPPED, Failure
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import AttemptOutcome, EventType, FailureReason, RunState, StepState
from rivers.planning.plan import PlannedEdge, PlannedOutput, PlannedStep, RunPlan, StepId

ERROR = Failure(FailureReason.ERROR, "ValueError: boom", ("builtins.ValueError",))
LOSS = Failure(FailureReason.INFRASTRUCTURE, "no word of the location for 910 s")
HOME_LOST = Failure(FailureReason.HOME_LOST, "the home process is gone")


def step(
    node: str,
    *upstream: tuple[int, str],
    outputs: tuple[str, ...] = (),
    retry: RetryDefinition | None = None,
    trigger: TriggerRule = TriggerRule.ON_SUCCESS,
) -> PlannedStep:
    return PlannedStep(
        StepId(node),
        node,
        tuple(PlannedOutput(name) for name in outputs or (node,)),
        tuple(PlannedEdge(name, producer, name, trigger) for producer, name in upstream),
        retry=retry,
    )


def started(*steps: PlannedStep, budget: int = 0) -> RunProgress:
    run = RunProgress(RunPlan(steps), infrastructure_budget=budget)
    run.admit()
    return run


def dispatch(run: RunProgress, ordinal: int, token: int) -> None:
    run.ready.remove(ordinal)
    run.dispatch(ordinal, token)


def types(run: RunProgress) -> list[str]:
    return [event.type.name for event in run.log]


def states(run: RunProgress) -> list[StepState]:
    return [step.state for step in run.steps]


def test_an_empty_run_succeeds_at_once() -> None:
    run = started()
    assert run.state == RunState.SUCCEEDED
    assert types(run) == ["RUN_STARTED", "RUN_SUCCEEDED"]


def test_a_chain_runs_in_order_and_says_so() -> None:
    run = started(step("a"), step("b", (0, "a")))
    assert run.ready == [0]
    dispatch(run, 0, 11)
    run.start(0)
    run.materialize(0, "a")
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert run.ready == [1]
    assert run.fan_outs.token(0, "a") == 11
    dispatch(run, 1, 12)
    run.end(1, AttemptOutcome.SUCCEEDED)
    assert run.state == RunState.SUCCEEDED
    assert types(run) == [
        "RUN_STARTED",
        "STEP_STARTED",
        "MATERIALIZED",
        "STEP_SUCCEEDED",
        "STEP_SUCCEEDED",
        "RUN_SUCCEEDED",
    ]


def test_S05_a_step_starts_as_soon_as_its_own_inputs_are_done() -> None:
    run = started(step("a"), step("slow"), step("b", (0, "a")))
    dispatch(run, 0, 1)
    dispatch(run, 1, 2)
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert run.ready == [2], "no level barrier"


def test_an_output_of_several_is_ready_before_its_step_ends() -> None:
    run = started(step("m", outputs=("x", "y")), step("b", (0, "x")), step("c", (0, "y")))
    dispatch(run, 0, 1)
    run.materialize(0, "x")
    assert run.ready == [1]
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert states(run) == [StepState.FAILED, StepState.READY, StepState.SKIPPED]


def test_independent_branches_go_on_after_a_failure() -> None:
    run = started(
        step("f0"), step("g0"), step("f1", (0, "f0")), step("g1", (1, "g0")), step("fg", (2, "f1"), (3, "g1"))
    )
    dispatch(run, 0, 1)
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert states(run)[2] == states(run)[4] == StepState.SKIPPED
    for ordinal in (1, 3):
        dispatch(run, ordinal, 2 + ordinal)
        run.end(ordinal, AttemptOutcome.SUCCEEDED)
    assert run.state == RunState.FAILED
    assert run.failure is ERROR
    assert [(planned.key, failure) for planned, failure in run.final_failures()] == [
        ("f0", ERROR),
        ("f1", SKIPPED),
        ("fg", SKIPPED),
    ]


@pytest.mark.parametrize(
    ("trigger", "outcome", "after"),
    [
        (TriggerRule.ON_SUCCESS, AttemptOutcome.SUCCEEDED, StepState.READY),
        (TriggerRule.ON_SUCCESS, AttemptOutcome.FAILED, StepState.SKIPPED),
        (TriggerRule.ON_DONE, AttemptOutcome.SUCCEEDED, StepState.READY),
        (TriggerRule.ON_DONE, AttemptOutcome.FAILED, StepState.READY),
        (TriggerRule.ON_FAILURE, AttemptOutcome.SUCCEEDED, StepState.SKIPPED),
        (TriggerRule.ON_FAILURE, AttemptOutcome.FAILED, StepState.READY),
    ],
)
def test_an_edge_is_met_as_its_trigger_says(trigger: TriggerRule, outcome: AttemptOutcome, after: StepState) -> None:
    run = started(step("a"), step("b", (0, "a"), trigger=trigger))
    dispatch(run, 0, 1)
    run.end(0, outcome, ERROR)
    assert run.steps[1].state == after


def test_a_run_whose_failure_branch_was_not_needed_succeeds() -> None:
    run = started(step("a"), step("clean_up", (0, "a"), trigger=TriggerRule.ON_FAILURE))
    dispatch(run, 0, 1)
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert states(run) == [StepState.SUCCEEDED, StepState.SKIPPED]
    assert run.state == RunState.SUCCEEDED


def test_a_retry_waits_and_the_downstream_with_it() -> None:
    policy = RetryDefinition(1, BackoffKind.CONSTANT, delay=5.0)
    run = started(step("a", retry=policy), step("b", (0, "a")))
    dispatch(run, 0, 1)
    assert run.end(0, AttemptOutcome.FAILED, ERROR) == 5.0
    assert states(run) == [StepState.WAITING, StepState.PENDING]
    run.wake(0)
    run.wake(0)
    assert run.ready == [0]
    dispatch(run, 0, 2)
    assert run.steps[0].attempt == 2
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert run.state == RunState.FAILED
    assert types(run) == ["RUN_STARTED", "STEP_RETRIED", "STEP_FAILED", "STEP_SKIPPED", "RUN_FAILED"]


@pytest.mark.parametrize("outcome", [AttemptOutcome.LOST, AttemptOutcome.CRASHED, AttemptOutcome.STOPPED])
def test_A16_the_infrastructure_budget_pays_before_the_policy_does(outcome: AttemptOutcome) -> None:
    run = started(step("a"), budget=1)
    dispatch(run, 0, 1)
    assert run.end(0, outcome, LOSS) == 0.0
    assert (run.steps[0].state, run.steps[0].lost, run.steps[0].failures) == (StepState.READY, 1, 0)
    dispatch(run, 0, 2)
    run.end(0, outcome, LOSS)
    assert run.steps[0].state == StepState.FAILED


def test_A16_an_attempt_that_never_started_is_free_and_waits_longer_each_time() -> None:
    run = started(step("a"), budget=0)
    waits = []
    for token in range(1, 11):
        dispatch(run, 0, token)
        assert run.steps[0].attempt == 1
        waits.append(run.end(0, AttemptOutcome.NOT_STARTED))
        run.wake(0)
    assert waits[:3] == [0.1, 0.2, 0.4]
    assert waits == sorted(waits)
    assert waits[-1] == 5.0
    assert (run.steps[0].lost, run.steps[0].failures) == (0, 0)


# -- A10: late results of lost attempts that nobody superseded ---------------------------------------------------------


def lost(budget: int = 3, retry: RetryDefinition | None = None) -> RunProgress:
    run = started(step("a", retry=retry), step("b", (0, "a")), budget=budget)
    dispatch(run, 0, 1)
    run.start(0)
    run.end(0, AttemptOutcome.LOST, LOSS)
    assert run.steps[0].token == 1, "a loss leaves the token in place"
    return run


def test_A10_a_late_success_counts_and_gives_its_budget_back() -> None:
    run = lost()
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert states(run) == [StepState.SUCCEEDED, StepState.READY]
    assert run.steps[0].lost == 0
    assert run.fan_outs.token(0, "a") == 1
    assert run.ready == [1], "nobody may dispatch what has succeeded"
    assert run.live == 0


def test_A10_a_late_failure_counts() -> None:
    run = lost()
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert states(run) == [StepState.FAILED, StepState.SKIPPED]
    assert run.ready == []
    assert run.state == RunState.FAILED
    assert run.failure is ERROR


def test_A10_a_late_failure_with_retries_left_leaves_the_next_attempt_as_it_is() -> None:
    run = lost(retry=RetryDefinition(1))
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert states(run) == [StepState.READY, StepState.PENDING]
    assert run.ready == [0]


@pytest.mark.parametrize(
    "outcome",
    [AttemptOutcome.STOPPED, AttemptOutcome.CRASHED, AttemptOutcome.FENCED, AttemptOutcome.NOT_STARTED],
)
def test_A10_a_late_end_that_is_no_result_changes_nothing(outcome: AttemptOutcome) -> None:
    run = lost()
    before = len(run.log)
    assert run.end(0, outcome, LOSS) == 0.0
    assert states(run) == [StepState.READY, StepState.PENDING]
    assert (run.steps[0].lost, run.steps[0].attempt, run.ready) == (1, 1, [0])
    assert len(run.log) == before


def test_A10_where_the_policy_had_paid_there_is_nothing_to_give_back() -> None:
    run = lost(budget=0, retry=RetryDefinition(1, BackoffKind.CONSTANT, delay=1.0))
    assert run.steps[0].state == StepState.WAITING
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert run.steps[0].state == StepState.SUCCEEDED
    assert run.steps[0].lost == 0


def test_A10_a_late_failure_is_not_charged_twice_to_the_policy() -> None:
    run = lost(budget=0, retry=RetryDefinition(1, BackoffKind.CONSTANT, delay=1.0))
    assert (run.steps[0].failures, run.steps[0].lost) == (1, 1)
    run.end(0, AttemptOutcome.FAILED, ERROR)  # the policy has paid for it, and its retry is on its way
    assert run.steps[0].state == StepState.WAITING
    assert run.steps[0].failures == 1
    run.wake(0)
    dispatch(run, 0, 2)
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert run.steps[0].state == StepState.FAILED
    assert (run.steps[0].failures, run.steps[0].attempt) == (2, 2)


def test_A10_a_late_failure_that_the_policy_does_not_pay_for_ends_the_step_charged_once() -> None:
    run = lost(budget=0, retry=RetryDefinition(1, reasons=("infrastructure",), delay=1.0, backoff=BackoffKind.CONSTANT))
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert run.steps[0].state == StepState.FAILED
    assert (run.steps[0].failures, run.steps[0].lost) == (1, 0)


def test_A12_a_fenced_step_waits_for_its_end_and_pays_from_the_infrastructure_budget() -> None:
    run = started(step("a"), budget=1)
    dispatch(run, 0, 1)
    run.fence(0)
    assert (run.steps[0].state, run.steps[0].token, run.live) == (StepState.DISPATCHED, 0, 1)
    run.end(0, AttemptOutcome.FENCED)
    assert run.steps[0].state == StepState.READY
    assert (run.steps[0].lost, run.steps[0].failures) == (1, 0)


# -- stopping ---------------------------------------------------------------------------------------------------------


def test_A14_cancel_lets_running_steps_end_and_starts_nothing() -> None:
    run = started(step("a"), step("b"), step("c", (0, "a")))
    dispatch(run, 0, 1)
    run.cancel("wrong month")
    run.cancel()
    assert run.state == RunState.CANCELING
    assert run.ready == []
    run.end(0, AttemptOutcome.SUCCEEDED)
    assert run.state == RunState.CANCELED
    assert states(run) == [StepState.SUCCEEDED, StepState.CANCELED, StepState.PENDING]
    assert types(run) == ["RUN_STARTED", "RUN_CANCEL_REQUESTED", "STEP_SUCCEEDED", "RUN_CANCELED"]


def test_S06_cancel_beats_retry() -> None:
    run = started(step("a", retry=RetryDefinition(5)), budget=3)
    dispatch(run, 0, 1)
    run.cancel()
    run.end(0, AttemptOutcome.FAILED, ERROR)
    assert states(run) == [StepState.FAILED]
    assert run.state == RunState.CANCELED


def test_A14_a_success_that_was_committed_first_stays_a_success() -> None:
    run = started(step("a"))
    dispatch(run, 0, 1)
    run.end(0, AttemptOutcome.SUCCEEDED)
    run.cancel()
    assert run.state == RunState.SUCCEEDED
    assert EventType.RUN_CANCEL_REQUESTED not in [event.type for event in run.log]


def test_A18_an_abandoned_run_fails_once_nothing_of_it_is_live() -> None:
    run = started(step("a"), step("b"), step("c", (0, "a")))
    dispatch(run, 0, 1)
    run.abandon(HOME_LOST)
    run.abandon(ERROR)
    assert run.state == RunState.STARTED
    run.end(0, AttemptOutcome.CRASHED, LOSS)
    assert run.state == RunState.FAILED
    assert run.failure is HOME_LOST


def test_restoring_an_abandoned_run_starts_nothing() -> None:
    run = started(step("a"), step("b"), step("c", (0, "a")))
    dispatch(run, 0, 1)
    dispatch(run, 1, 2)
    run.abandon(HOME_LOST)
    run.end(0, AttemptOutcome.SUCCEEDED)
    twin = RunProgress(run.plan, state=run.state)
    twin.failure = run.failure
    twin.restore([copy(step) for step in run.steps[:2]])
    assert twin.ready == run.ready == []
    assert states(twin) == states(run)


def test_restoring_sees_outputs_that_a_failed_step_had_stored() -> None:
    run = started(step("m", outputs=("x", "y")), step("slow"), step("b", (0, "x"), (1, "slow")))
    dispatch(run, 0, 1)
    dispatch(run, 1, 2)
    run.materialize(0, "x")
    run.end(0, AttemptOutcome.FAILED, ERROR)
    twin = RunProgress(run.plan, state=run.state)
    twin.restore([copy(step) for step in run.steps[:2]])
    twin.end(1, AttemptOutcome.SUCCEEDED)
    assert twin.ready == [2]
