"""Any plan, any order of events: what a run in progress must never do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.definitions.kinds import BackoffKind, TriggerRule
from rivers.definitions.snapshot import RetryDefinition
from rivers.lifecycle.states import AttemptOutcome, RunState, StepState
from rivers.planning.plan import PlannedEdge, PlannedOutput, PlannedStep, RunPlan, StepId
from tests.properties.lifecycle.story import Story

#: Something that happens to a story, to whom the number says.
Event: TypeAlias = Callable[[Story, int], None]
Events: TypeAlias = list[tuple[Event, int]]

POLICIES = st.sampled_from(
    [
        None,
        None,
        RetryDefinition(max_retries=1),
        RetryDefinition(max_retries=2, backoff=BackoffKind.CONSTANT, delay=3.0),
        RetryDefinition(max_retries=1, reasons=("infrastructure",)),
        RetryDefinition(max_retries=1, exception_types=("builtins.ValueError",)),
    ]
)
TRIGGERS = st.sampled_from([TriggerRule.ON_SUCCESS] * 8 + [TriggerRule.ON_DONE, TriggerRule.ON_FAILURE])


@st.composite
def plans(draw: st.DrawFn, triggers: st.SearchStrategy[TriggerRule] = TRIGGERS) -> RunPlan:
    """A plan of up to 40 steps, each reading some outputs of earlier ones."""
    steps: list[PlannedStep] = []
    nodes: list[tuple[int, str]] = []
    for ordinal in range(draw(st.one_of(st.integers(0, 4), st.integers(0, 40)))):
        chosen = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=4)) if nodes else []
        edges = tuple(
            PlannedEdge(nodes[place][1], nodes[place][0], nodes[place][1], draw(triggers)) for place in chosen
        )
        if draw(st.integers(0, 9)) == 0:
            edges += (PlannedEdge("outside", None, "outside"),)
        count = draw(st.sampled_from([1, 1, 1, 2, 3]))
        outputs = tuple(PlannedOutput(f"s{ordinal}" if count == 1 else f"s{ordinal}_{n}") for n in range(count))
        node = outputs[0].node
        steps.append(PlannedStep(StepId(node), node, outputs, edges, retry=draw(POLICIES)))
        nodes += [(ordinal, output.node) for output in outputs]
    return RunPlan(tuple(steps))


def ends(outcome: AttemptOutcome) -> Event:
    """The event that a live attempt ends so."""
    return lambda story, pick: story.end(pick, outcome)


def comes_late(outcome: AttemptOutcome) -> Event:
    """The event that a lost attempt turns out to have ended so."""
    return lambda story, pick: story.arrive_late(pick, outcome)


GOOD: list[Event] = [Story.dispatch] * 4 + [Story.start, Story.materialize] + [ends(AttemptOutcome.SUCCEEDED)] * 3
BAD: list[Event] = (
    [ends(outcome) for outcome in AttemptOutcome if outcome not in (AttemptOutcome.SUCCEEDED, AttemptOutcome.LOST)]
    + [ends(AttemptOutcome.LOST)] * 3
    + [comes_late(outcome) for outcome in AttemptOutcome if outcome != AttemptOutcome.LOST]
    + [Story.wake, Story.wake, Story.fence]
)
RESTORE: list[Event] = [lambda story, _: story.restore()]
STOPS: list[Event] = [lambda story, _: story.cancel(), lambda story, _: story.abandon()]


def tell(plan: RunPlan, budget: int, events: Events) -> Story:
    """Admits the run, plays the events and then lets all go well; checks after each."""
    story = Story(plan, budget)
    story.run.admit()
    story.check()
    for event, pick in events:
        event(story, pick)
        story.check()
    story.finish()
    story.check()
    return story


def events(*kinds: list[Event]) -> st.SearchStrategy[Events]:
    """A sequence of events, each with a number that says to whom it happens. Long ones are as likely as short ones."""
    one = st.tuples(st.sampled_from([event for kind in kinds for event in kind]), st.integers(0, 1000))
    return st.integers(0, 120).flatmap(lambda length: st.lists(one, min_size=length // 2, max_size=length))


@settings(max_examples=300, deadline=None)
@given(plans(), st.integers(0, 3), events(GOOD, BAD, RESTORE))
def test_no_sequence_of_events_breaks_a_run(plan: RunPlan, budget: int, events: Events) -> None:
    tell(plan, budget, events)


@settings(max_examples=200, deadline=None)
@given(plans(), st.integers(0, 3), events(GOOD, BAD, RESTORE, STOPS))
def test_a_run_that_is_stopped_ends_without_live_attempts(plan: RunPlan, budget: int, events: Events) -> None:
    tell(plan, budget, events)


@settings(max_examples=100, deadline=None)
@given(plans(), events(GOOD, RESTORE))
def test_when_nothing_fails_every_body_runs_once(plan: RunPlan, events: Events) -> None:
    story = tell(plan, 0, events)
    wanted = [step for step in story.run.steps if step.state != StepState.SKIPPED]
    assert {step.state for step in wanted} <= {StepState.SUCCEEDED}
    assert all(story.bodies[step.ordinal] == 1 for step in wanted)
    assert story.run.state == RunState.SUCCEEDED


@settings(max_examples=100, deadline=None)
@given(plans(st.just(TriggerRule.ON_SUCCESS)), events(GOOD, BAD, RESTORE))
def test_skips_are_exactly_the_downstream_of_failures(plan: RunPlan, events: Events) -> None:
    story = tell(plan, 1, events)
    unreachable: set[int] = set()
    for ordinal, step in enumerate(plan.steps):
        for edge in step.edges:
            if edge.producer is None or story.run.producer_token(edge.producer, edge.node):
                continue
            assert edge.producer in unreachable or story.run.steps[edge.producer].state == StepState.FAILED
            unreachable.add(ordinal)
    assert unreachable == {step.ordinal for step in story.run.steps if step.state == StepState.SKIPPED}


@given(plans(), st.booleans())
def test_a_queued_run_that_is_stopped_never_starts(plan: RunPlan, cancelled: bool) -> None:
    story = Story(plan, 0)
    story.cancel() if cancelled else story.abandon()
    story.check()
    assert story.run.state == (RunState.CANCELED if cancelled else RunState.FAILED)
    assert not story.run.ready
