"""Units by arithmetic are what a walk over all of them says."""

from __future__ import annotations

from itertools import product as combinations

from hypothesis import given
from hypothesis import strategies as st

from rivers.lifecycle.backfill.units import ListedUnits, ProductUnits
from rivers.partitions.spans import Spans
from tests.properties.backfill.plans import listed, product

NUMBERS = st.lists(st.integers(0, 60), unique=True, max_size=40)


@given(NUMBERS)
def test_spans_are_the_numbers_in_their_order(numbers: list[int]) -> None:
    spans = Spans.of(numbers)
    assert list(spans) == numbers
    assert spans.count == len(numbers)
    assert [spans.at(place) for place in range(spans.count)] == numbers
    assert [spans.place_of(number) for number in numbers] == list(range(len(numbers)))
    assert all(spans.place_of(number) is None for number in range(-1, 62) if number not in numbers)
    assert Spans.from_bytes(spans.to_bytes()) == spans


@given(NUMBERS, st.integers(0, 45), st.integers(0, 45))
def test_spans_between_places(numbers: list[int], start: int, stop: int) -> None:
    assert list(Spans.of(numbers).between_places(start, stop)) == numbers[start:stop]


@given(st.one_of(listed(), product()))
def test_each_partition_belongs_to_the_unit_that_lists_it(units: ListedUnits | ProductUnits) -> None:
    seen: list[int] = []
    for unit in range(units.count):
        indexes = list(units.indexes(unit))
        assert len(indexes) == units.size(unit) > 0
        assert {units.unit_of(index) for index in indexes} == {unit}
        assert units.size_between(0, unit) == len(seen)
        assert units.size(unit) <= units.largest
        seen += indexes
    assert len(set(seen)) == len(seen) == units.partitions
    assert seen == list(units.all_indexes())
    assert all(units.unit_of(index) is None for index in range(130) if index not in seen)


@given(product())
def test_a_product_covers_all_combinations(units: ProductUnits) -> None:
    expected = set()
    for places in combinations(*units.places):
        index = 0
        for count, place in zip(units.shape, places, strict=True):
            index = index * count + place
        expected.add(index)
    assert set(units.all_indexes()) == expected


def test_a_billion_partitions_take_no_time_and_no_memory() -> None:
    units = ProductUnits((1_000_000, 1_000), (Spans.between(0, 1_000_000), Spans.between(0, 1_000)))
    assert units.count == units.partitions == 1_000_000_000
    assert list(units.indexes(999_999_999)) == [999_999_999]
    assert units.unit_of(123_456_789) == 123_456_789
    assert len(units.places[0].to_bytes()) < 50
