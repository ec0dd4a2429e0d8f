"""Any order of draws, ends, pauses, cancels and crashes."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rivers.lifecycle.backfill.segment import BackfillPlan, Link, Segment
from rivers.lifecycle.backfill.states import BackfillIntent, BackfillStatus
from rivers.lifecycle.backfill.units import ListedUnits
from rivers.partitions.spans import Spans
from tests.properties.backfill.plans import plans
from tests.properties.backfill.story import Blocks, Story

EVENTS = st.one_of(
    st.tuples(st.just("draw")),
    st.tuples(st.just("draw")),
    st.tuples(
        st.just("end"), st.integers(0, 9), st.sampled_from(["complete", "complete", "fail", "cancel"]), st.just(0)
    ),
    st.tuples(st.just("end"), st.integers(0, 9), st.just("complete"), st.integers(0, 15)),
    st.tuples(st.just("ask"), st.sampled_from(["pause", "resume", "cancel"])),
    st.tuples(st.just("crash")),
)


@given(plan=plans(), events=st.lists(EVENTS, max_size=40))
def test_B2_B3_B4_any_story_draws_each_unit_once_and_counts_as_its_rows_do(
    plan: BackfillPlan, events: list[tuple[Any, ...]]
) -> None:
    story = Story(plan)
    for name, *details in events:
        getattr(story, name)(*details)
    story.crash()
    story.finish()


@given(plan=plans(), crashes=st.lists(st.booleans(), min_size=1))
def test_F07_without_failures_every_unit_runs_once_whatever_crashes(plan: BackfillPlan, crashes: list[bool]) -> None:
    story = Story(plan)
    turn = 0
    while not story.backfill.status.is_terminal:
        if crashes[turn % len(crashes)]:
            story.crash()
        story.draw()
        story.end(turn, "complete")
        turn += 1
    assert story.backfill.status == BackfillStatus.COMPLETED
    assert len(story.drawn) == plan.units
    assert story.backfill.counters.completed == plan.partitions


@given(plan=plans(), before=st.integers(0, 8))
def test_F08_a_cancel_draws_nothing_more_and_keeps_what_is_done(plan: BackfillPlan, before: int) -> None:
    story = Story(plan)
    for turn in range(before):
        story.draw()
        story.end(turn, "complete")
    story.draw()
    was_over = story.backfill.status.is_terminal
    completed = story.backfill.counters.completed
    story.ask("cancel")
    runs = story.backfill.counters.runs
    while story.backfill.live:
        story.end(0, "cancel")
        story.draw()
    assert story.backfill.counters.runs == runs
    assert story.backfill.counters.completed == completed
    assert story.backfill.status == (BackfillStatus.COMPLETED if was_over else BackfillStatus.CANCELED)


def test_F10_a_month_starts_when_its_days_are_done_before_other_days_are_drawn() -> None:
    days = Segment(("daily",), ListedUnits(Spans.between(0, 90)))
    months = Segment(("monthly",), ListedUnits(Spans.between(0, 3)), (Link(0, Blocks(30, 90)),))
    story = Story(BackfillPlan((days, months), max_concurrency=4))
    order = []
    while not story.backfill.status.is_terminal:
        known = set(story.drawn)
        story.draw()
        order += sorted(story.drawn - known)
        story.end(0, "complete")
    assert order.index((1, 0)) == 33, "after the 30 days of January and the 3 that were drawn meanwhile"
    assert (1, 2) in order
    assert len(order) == 93


def test_F02_a_month_whose_days_are_done_already_is_run_again_alone() -> None:
    days = Segment(("daily",), ListedUnits(Spans.of([])))
    months = Segment(("monthly",), ListedUnits(Spans.of([1])), (Link(0, Blocks(30, 90)),))
    story = Story(BackfillPlan((days, months)))
    story.draw()
    assert story.drawn == {(1, 0)}
    story.end(0, "complete")
    assert story.backfill.status == BackfillStatus.COMPLETED


def test_F10_a_failed_day_fails_its_month_and_no_other() -> None:
    days = Segment(("daily",), ListedUnits(Spans.between(0, 90)))
    months = Segment(("monthly",), ListedUnits(Spans.between(0, 3)), (Link(0, Blocks(30, 90)),))
    story = Story(BackfillPlan((days, months), max_concurrency=1))
    while not story.backfill.status.is_terminal:
        story.draw()
        story.end(0, "fail" if (0, 40) in story.drawn and (0, 41) not in story.drawn else "complete")
    assert story.backfill.counters.failed == 2
    assert story.backfill.counters.completed == 91
    assert story.rows[1, 1].reason.name == "UPSTREAM_FAILED"
    assert (1, 1) not in story.drawn


@given(plan=plans())
def test_a_paused_backfill_draws_nothing(plan: BackfillPlan) -> None:
    story = Story(plan)
    story.ask("pause")
    story.draw()
    assert not story.drawn
    assert story.backfill.intent == BackfillIntent.PAUSE
    assert story.backfill.status == BackfillStatus.PAUSED
    story.finish()
    assert story.backfill.status == BackfillStatus.COMPLETED
