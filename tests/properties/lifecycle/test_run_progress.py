"""Any plan, any order of events: what a run in progress must never do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.definitions.kinds import BackoffKind, Delivery, StepKind, TriggerRule
from rivers.definitions.snapshot import RetryDefinition
from rivers.lifecycle.fan_out import is_mapped
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
    """A plan of up to 42 steps, each reading some outputs of earlier ones."""
    steps: list[PlannedStep] = []
    nodes: list[tuple[int, str]] = []
    for _ in range(draw(st.one_of(st.integers(0, 4), st.integers(0, 20)))):
        ordinal = len(steps)
        chosen = draw(st.lists(st.integers(0, len(nodes) - 1), max_size=4)) if nodes else []
        edges = tuple(
            PlannedEdge(nodes[place][1], nodes[place][0], nodes[place][1], draw(triggers)) for place in chosen
        )
        if draw(st.integers(0, 9)) == 0:
            edges += (PlannedEdge("outside", None, "outside"),)
        if nodes and draw(st.integers(0, 5)) == 0:
            steps += fan_out(ordinal, draw(st.sampled_from(nodes)), edges, draw)
            nodes.append((ordinal + 1, f"m{ordinal}__collect"))
            continue
        count = draw(st.sampled_from([1, 1, 1, 2, 3]))
        outputs = tuple(PlannedOutput(f"s{ordinal}" if count == 1 else f"s{ordinal}_{n}") for n in range(count))
        node = outputs[0].node
        steps.append(PlannedStep(StepId(node), node, outputs, edges, retry=draw(POLICIES)))
        nodes += [(ordinal, output.node) for output in outputs]
    return RunPlan(tuple(in_graphs(steps, draw)))


def fan_out(
    ordinal: int, source: tuple[int, str], edges: tuple[PlannedEdge, ...], draw: st.DrawFn
) -> list[PlannedStep]:
    """A task that is mapped over an output, and the gathering of its results."""
    element = PlannedEdge(source[1], source[0], "x", delivery=Delivery.ELEMENT)
    task, gathering = f"m{ordinal}", f"m{ordinal}__collect"
    return [
        PlannedStep(
            StepId(task),
            task,
            (PlannedOutput(task),),
            (element, *edges),
            retry=draw(POLICIES),
            kind=StepKind.MAPPED_TASK,
            max_concurrency=draw(st.integers(0, 2)),
        ),
        PlannedStep(
            StepId(gathering),
            gathering,
            (PlannedOutput(gathering),),
            (PlannedEdge(task, ordinal, None),),
            kind=StepKind.COLLECT,
        ),
    ]


def in_graphs(steps: list[PlannedStep], draw: st.DrawFn) -> list[PlannedStep]:
    """The steps, some of them within a graph asset whose own step comes last."""
    for name in ("g", "h"):
        if len(steps) < 2 or draw(st.booleans()):
            continue
        first = draw(st.integers(0, len(steps) - 1))
        inner = [n for n in range(first, len(steps)) if not steps[n].graph and steps[n].kind != StepKind.GRAPH_ASSET][
            :4
        ]
        for n in inner:
            steps[n] = replace(steps[n], graph=name)
        waits = tuple(PlannedEdge(output.node, n, None) for n in inner for output in steps[n].outputs)
        steps.append(PlannedStep(StepId(name), name, (PlannedOutput(name),), waits, kind=StepKind.GRAPH_ASSET))
    return steps


def ends(outcome: AttemptOutcome) -> Event:
    """The event that a live attempt ends so."""
    return lambda story, pick: story.end(pick, outcome)


def comes_late(outcome: AttemptOutcome) -> Event:
    """The event that a lost attempt turns out to have ended so."""
    return lambda story, pick: story.arrive_late(pick, outcome)


GOOD: list[Event] = (
    [Story.dispatch] * 4 + [Story.start, Story.materialize, Story.tell] + [ends(AttemptOutcome.SUCCEEDED)] * 3
)
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
    for step in wanted:
        kind = story.run.planned[step.ordinal].kind
        most = 0 if kind == StepKind.COLLECT else 1
        least = 0 if is_mapped(story.run.planned[step.ordinal]) else most
        assert least <= story.bodies.get(step.ordinal, 0) <= most
    assert story.run.state == RunState.SUCCEEDED


@settings(max_examples=100, deadline=None)
@given(plans(st.just(TriggerRule.ON_SUCCESS)), events(GOOD, BAD, RESTORE))
def test_skips_are_exactly_the_downstream_of_failures(plan: RunPlan, events: Events) -> None:
    story = tell(plan, 1, events)
    unreachable: set[int] = set()
    for ordinal, step in enumerate(plan.steps):
        for edge in step.edges:
            if edge.producer is None or story._met(edge):
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
