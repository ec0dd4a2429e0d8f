"""Every arrow of every table."""

from __future__ import annotations

import inspect
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from rivers.lifecycle.attempt import ATTEMPT, Attempt, AttemptEvent
from rivers.lifecycle.events import SKIPPED, Failure
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.run import RUN, RunVerb
from rivers.lifecycle.states import AttemptOutcome, AttemptState, FailureReason, RunState, StepState
from rivers.lifecycle.step import STEP, StepEvent, StepProgress
from rivers.lifecycle.table import IllegalTransitionError, Table
from rivers.planning.plan import RunPlan

TABLES: dict[str, tuple[Table[Any, Any], type[IntEnum], type[StrEnum]]] = {
    "run": (RUN, RunState, RunVerb),
    "step": (STEP, StepState, StepEvent),
    "attempt": (ATTEMPT, AttemptState, AttemptEvent),
}
ERROR = Failure(FailureReason.ERROR, "ValueError: boom")
DETAILS: dict[StrEnum, tuple[object, ...]] = {
    StepEvent.DISPATCH: (77,),
    StepEvent.RETRY: (ERROR,),
    StepEvent.FAIL: (ERROR,),
    StepEvent.LOSE: (ERROR,),
    StepEvent.CHARGE: (ERROR,),
    StepEvent.SKIP: (SKIPPED,),
    RunVerb.FAIL: (ERROR,),
    AttemptEvent.END: (AttemptOutcome.LOST,),
    AttemptEvent.CORRECT: (AttemptOutcome.SUCCEEDED,),
}
CASES = [
    pytest.param(noun, state, event, id=f"{noun}-{state.name}-{event.value.replace(' ', '_')}")
    for noun, (_, states, events) in TABLES.items()
    for state in states
    for event in events
]


def subject(noun: str) -> RunProgress | StepProgress | Attempt:
    match noun:
        case "run":
            return RunProgress(RunPlan(()))
        case "step":
            return StepProgress(3, 1)
        case _:
            return Attempt(token=7, run_id="r", ordinal=3, number=1, location="l", home_id="h", boot=1, lease=900.0)


@pytest.mark.parametrize(("noun", "state", "event"), CASES)
def test_an_event_follows_its_arrow_or_is_refused_with_the_story(noun: str, state: Any, event: Any) -> None:
    table = TABLES[noun][0]
    thing = subject(noun)
    if (state, event) in table.arrows:
        assert table.allows(state, event)
        assert table.apply(thing, state, event, *DETAILS.get(event, ())) == table.arrows[state, event][0]
    else:
        assert not table.allows(state, event)
        with pytest.raises(
            IllegalTransitionError, match=rf"{noun} .* is {state.name}: the event '{event.value}' cannot"
        ):
            table.apply(thing, state, event, *DETAILS.get(event, ()))


@pytest.mark.parametrize("noun", TABLES)
def test_a_table_is_whole(noun: str) -> None:
    table, states, events = TABLES[noun]
    reached = {table.initial} | {target for target, _ in table.arrows.values()}
    assert reached == set(states), "every state can be reached"
    assert {event for _, event in table.arrows} == set(events), "every event can happen"
    assert all(inspect.getdoc(arrow) for _, arrow in table.arrows.values()), "every arrow says why it exists"


@pytest.mark.parametrize("noun", ["run", "step"])
def test_nothing_follows_a_terminal_state(noun: str) -> None:
    table, states, _ = TABLES[noun]
    left = {state for state, _ in table.arrows}
    assert {state for state in states if state.is_terminal} == set(states) - left


def test_of_an_ended_attempt_only_the_outcome_is_corrected() -> None:
    assert [
        (event, target) for (state, event), (target, _) in ATTEMPT.arrows.items() if state == AttemptState.ENDED
    ] == [(AttemptEvent.CORRECT, AttemptState.ENDED)]
