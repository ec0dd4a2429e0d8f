"""Keys taken a page at a time are those taken one by one."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.lifecycle.backfill.selection import KeyList
from rivers.partitions.definition import PartitionsDefinition as P
from rivers.partitions.key_format import KeyFormat

NOW = datetime(2024, 6, 15).astimezone()
GRID = P.daily(datetime(2024, 1, 1), datetime(2024, 5, 1)).grid(NOW)
KEYS = list(map(str, GRID.keys()))

RUNS = st.tuples(st.integers(0, len(KEYS) - 1), st.integers(1, 40)).map(lambda run: KEYS[run[0] : run[0] + run[1]])
PAGES = st.lists(RUNS | st.lists(st.sampled_from(KEYS), min_size=1, max_size=10), max_size=8)


@settings(deadline=None)
@given(PAGES)
def test_pages_and_single_keys_make_the_same_units(pages: list[list[str]]) -> None:
    paged, single = KeyList(GRID, "a"), KeyList(GRID, "a")
    for page in pages:
        paged.add_values(page)
        for value in page:
            single.add_value(value)
    expected = list(dict.fromkeys(value for page in pages for value in page))
    for listed in (paged, single):
        units = listed.units()
        assert [KEYS[index] for index in units.all_indexes()] == expected
        assert units.count == len(expected)


MOMENTS = (
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)).map(lambda at: at.replace(microsecond=0)) | st.datetimes()
)


@given(MOMENTS, st.sampled_from(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]))
def test_a_key_is_what_its_format_says(at: datetime, fmt: str) -> None:
    assert KeyFormat(fmt).key(at) == at.strftime(fmt)


def test_values_of_an_axis_are_those_at_its_places() -> None:
    axis = P.time_window(datetime(2024, 1, 1), interval_seconds=90, end=datetime(2024, 1, 3)).grid(NOW).axes[0]
    assert list(axis.values()) == [axis.value_at(place) for place in range(axis.count)]
    assert list(axis.values(5, 9)) == [axis.value_at(place) for place in range(5, 9)]
    assert list(axis.values(axis.count - 2, axis.count + 5)) == [axis.value_at(axis.count - n) for n in (2, 1)]
    assert timedelta(seconds=90) * axis.count == timedelta(days=2)
