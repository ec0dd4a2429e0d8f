"""Any backfill: a segment of a grid, and others that depend on it in all ways that there are."""

from __future__ import annotations

from array import array

from hypothesis import strategies as st

from rivers.lifecycle.backfill.segment import BackfillPlan, Link, Segment
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits, Units
from rivers.partitions.spans import Spans
from tests.properties.backfill.story import Blocks, Fan, Shift


@st.composite
def listed(draw: st.DrawFn, indexes: list[int] | None = None) -> ListedUnits:
    """Listed partitions, grouped somehow."""
    if indexes is None:
        indexes = draw(st.lists(st.integers(0, 30), unique=True, min_size=1, max_size=20))
    sizes: list[int] | None = None
    if draw(st.booleans()):
        sizes, left = [], len(indexes)
        while left:
            sizes.append(draw(st.integers(1, left)))
            left -= sizes[-1]
    return ListedUnits(Spans.of(indexes), None if sizes is None else array("q", sizes))


@st.composite
def product(draw: st.DrawFn) -> ProductUnits:
    """Places on up to three axes, some of them outer."""
    shape = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    places = [
        Spans.of(draw(st.lists(st.integers(0, count - 1), unique=True, min_size=1, max_size=count))) for count in shape
    ]
    outer = draw(st.sets(st.sampled_from(range(len(shape))), max_size=len(shape)))
    return ProductUnits(shape, places, sorted(outer))


@st.composite
def plans(draw: st.DrawFn) -> BackfillPlan:
    """A root and up to two segments that depend on earlier ones."""
    root: Units = draw(st.one_of(listed(), product()))
    own = Shift(-1, 100_000) if draw(st.booleans()) else None
    segments = [Segment(("root",), root, own=own)]
    for number in range(draw(st.integers(0, 2))):
        upstream = draw(st.integers(0, number))
        covered = sorted(segments[upstream].units.all_indexes())
        mapping = draw(
            st.sampled_from(
                [Shift(0, 100_000), Shift(-1, 100_000), Shift(2, 100_000), Blocks(3, 100_000), Fan(2, 100_000), None]
            )
        )
        image = covered if mapping is None else sorted({d for index in covered for d in mapping.feeds(index)})
        if mapping is not None:  # and some that are made from nothing of the backfill, as in a rerun
            image = sorted({*image, *draw(st.sets(st.integers(2_000, 2_010), max_size=3))})
        if not image:
            break
        segments.append(Segment((f"node_{number}",), draw(listed(image)), (Link(upstream, mapping),)))
    return BackfillPlan(tuple(segments), draw(st.integers(1, 5)), draw(st.sampled_from(FailurePolicy)))
