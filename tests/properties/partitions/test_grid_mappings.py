"""Mappings as indexes: both directions undo each other, and they agree with what a step loads."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rivers.errors import PartitionValidationError
from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.grid import Grid
from rivers.partitions.grid_mapping import GridMapping, grid_mapping
from rivers.partitions.mapping import PartitionMapping
from rivers.partitions.mapping_image import Dependency, image
from rivers.partitions.spans import Spans

NOW = datetime(2024, 6, 15, 12).astimezone()
LETTERS = [f"k{number}" for number in range(6)]


def days(start: int, count: int) -> PartitionsDefinition.TimeWindow:
    begin = datetime(2024, 1, 20) + timedelta(days=start)
    return PartitionsDefinition.daily(begin, begin + timedelta(days=count))


def months(start: int, count: int) -> PartitionsDefinition.TimeWindow:
    return PartitionsDefinition.time_window(
        datetime(2023, 11 + start, 1) if start < 2 else datetime(2024, start - 1, 1),
        "0 0 1 * *",
        end=datetime(2024, start + count, 1),
        fmt="%Y-%m",
    )


STATIC = st.lists(st.sampled_from(LETTERS), unique=True, min_size=1).map(PartitionsDefinition.static_)
WINDOWS = st.builds(days, st.integers(0, 40), st.integers(1, 60)) | st.builds(
    months, st.integers(0, 3), st.integers(1, 5)
)


@st.composite
def one_dimension(draw: st.DrawFn) -> tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping | None]:
    if draw(st.booleans()):
        offset = draw(st.integers(-2, 2))
        return draw(WINDOWS), draw(WINDOWS), PartitionMapping.time_window(offset)
    mapping = draw(
        st.sampled_from(
            [
                None,
                PartitionMapping.identity(),
                PartitionMapping.subset(),
                PartitionMapping.static_({"k0": "k1", "k1": "k0", "k2": "k0"}),
            ]
        )
    )
    return draw(STATIC), draw(STATIC), mapping


@st.composite
def dependencies(draw: st.DrawFn) -> tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping | None]:
    kind = draw(st.sampled_from(["one", "multi", "to_single", "identity"]))
    if kind == "one":
        return draw(one_dimension())
    first, second = draw(one_dimension()), draw(one_dimension())
    for part in (first, second):
        assume(not isinstance(part[2], PartitionMapping.Subset))
    if kind == "to_single":
        down, up, mapping = first
        return (
            down,
            PartitionsDefinition.multi({"x": up, "y": second[1]}),
            PartitionMapping.multi_to_single("x", mapping),
        )
    inner = [part[2] or PartitionMapping.identity() for part in (first, second)]
    if kind == "identity":
        inner = [PartitionMapping.identity()] * 2
        assume(isinstance(first[0], PartitionsDefinition.Static) and isinstance(second[0], PartitionsDefinition.Static))
    down = PartitionsDefinition.multi({"a": first[0], "y": second[0]})
    up = PartitionsDefinition.multi({"y": second[1], "x": first[1]})
    return down, up, PartitionMapping.multi({"y": inner[1], "x": ("a", inner[0])})


def made(down: PartitionsDefinition, up: PartitionsDefinition, mapping: PartitionMapping | None) -> GridMapping:
    found = grid_mapping(mapping, down.grid(NOW), up.grid(NOW))
    assert found is not None
    return found


@settings(deadline=None)
@given(dependencies())
def test_F10_needs_and_feeds_undo_each_other(
    given_: tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping | None],
) -> None:
    mapping = made(*given_)
    assume(mapping.downstream.count * mapping.upstream.count < 100_000)
    needed = {(down, up) for down in range(mapping.downstream.count) for up in mapping.needs(down)}
    fed = {(down, up) for up in range(mapping.upstream.count) for down in mapping.feeds(up)}
    assert needed == fed


@settings(deadline=None)
@given(dependencies(), st.data())
def test_F10_the_image_of_places_is_what_they_feed(
    given_: tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping | None], data: st.DataObject
) -> None:
    mapping = made(*given_)
    assume(mapping.upstream.count and mapping.downstream.count)
    places = [
        Spans.of(sorted(data.draw(st.sets(st.integers(0, axis.count - 1), min_size=1))))
        for axis in mapping.upstream.axes
    ]
    selected = set(_product(places, mapping.upstream))
    fed = {down for up in selected for down in mapping.feeds(up)}
    assert set(_product(mapping.image(places), mapping.downstream)) == fed


@settings(deadline=None)
@given(dependencies(), st.data())
def test_F10_a_unit_waits_for_what_its_step_loads(
    given_: tuple[PartitionsDefinition, PartitionsDefinition, PartitionMapping | None], data: st.DataObject
) -> None:
    down, up, given_mapping = given_
    mapping = made(*given_)
    assume(mapping.downstream.count)
    index = data.draw(st.integers(0, mapping.downstream.count - 1))
    try:
        loaded = image(Dependency("down", "up", down, up, given_mapping), [mapping.downstream.key_at(index)], NOW)
    except PartitionValidationError:  # a window outside of the upstream: the step fails when it runs
        return
    keys = [one for key in loaded.keys or () for one in key.expand()]
    expected = {mapping.upstream.index_of(key) for key in keys} - {None}
    assert set(mapping.needs(index)) == expected


def test_F10_a_month_needs_its_days_and_no_others() -> None:
    daily, monthly = PartitionsDefinition.daily(datetime(2012, 1, 1), datetime(2016, 1, 1)), months(0, 1)
    monthly = PartitionsDefinition.time_window(datetime(2012, 1, 1), "0 0 1 * *", end=datetime(2016, 1, 1), fmt="%Y-%m")
    mapping = made(monthly, daily, PartitionMapping.time_window(0))
    assert [len(list(mapping.needs(month))) for month in range(3)] == [31, 29, 31]
    assert sum(len(list(mapping.needs(month))) for month in range(48)) == 1461
    assert list(mapping.feeds(31)) == [1]


def test_all_partitions_wait_for_everything() -> None:
    one = PartitionsDefinition.static_(["a"])
    assert grid_mapping(PartitionMapping.all_partitions(), one.grid(NOW), one.grid(NOW)) is None


def _product(places: list[Spans], grid: Grid) -> list[int]:
    indexes = [0]
    for some, axis in zip(places, grid.axes, strict=True):
        indexes = [index * axis.count + place for index in indexes for place in some]
    return indexes
