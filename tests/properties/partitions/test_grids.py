"""Any definition at any moment: count, index, key and slice agree with a plain list of its keys."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from rivers.partitions.definition import PartitionsDefinition
from rivers.partitions.key import PartitionKey

NOW = datetime(2024, 11, 3, 12, 34).astimezone()
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="|,\0"), min_size=1, max_size=4)
STATIC = st.lists(VALUES, min_size=1, max_size=6).map(PartitionsDefinition.static_)


@st.composite
def windows(draw):
    start = datetime(2024, 10, 20) + timedelta(seconds=draw(st.integers(0, 86_400 * 20)))
    end = draw(st.none() | st.integers(-2, 5).map(lambda days: start + timedelta(days=days)))
    offset = 0 if end is not None else draw(st.integers(-3, 3))
    zone = draw(st.sampled_from([None, "America/New_York", "Europe/Berlin"]))
    cron = draw(st.sampled_from([None, "0 * * * *", "0 0 * * *", "*/30 0 1-4 * * *", "15 2 * * 0"]))
    interval = None if cron else draw(st.sampled_from([0.25, 1800, 3600.5, 86_400]))
    fmt = "%Y-%m-%dT%H:%M:%S.%f" if interval is not None else None
    if interval == 0.25:
        start, end = NOW.replace(tzinfo=None) - timedelta(seconds=40), None
    return PartitionsDefinition.time_window(
        start, cron, interval, end, fmt, timezone=zone, end_offset=offset if end is None else 0
    )


ONE_DIMENSION = STATIC | windows()
DEFINITIONS = ONE_DIMENSION | st.dictionaries(
    st.text("abcdefg", min_size=1, max_size=3),
    STATIC | windows().filter(lambda one: one.grid(NOW).count < 200),
    min_size=1,
    max_size=3,
).map(PartitionsDefinition.multi)


@settings(deadline=None)
@given(DEFINITIONS, st.data())
def test_B1_a_grid_is_its_list_of_keys(definition, data):
    grid = definition.grid(NOW)
    keys = list(grid.keys(0, 3000))
    assert len(keys) == min(grid.count, 3000)
    assert len(set(keys)) == len(keys)
    if not keys:
        return
    low = data.draw(st.integers(0, len(keys) - 1))
    high = data.draw(st.integers(low, min(len(keys), low + 50)))
    assert list(grid.keys(low, high)) == keys[low:high]
    for index in range(low, high):
        assert grid.key_at(index) == keys[index]
        assert grid.index_of(keys[index]) == index
        assert grid.has(keys[index])
        assert PartitionKey.from_json(keys[index].to_json()) == keys[index]
    assert grid.index_of(grid.key_at(grid.count - 1)) == grid.count - 1


@settings(deadline=None)
@given(windows())
def test_windows_follow_each_other_without_a_gap(definition):
    grid = definition.grid(NOW)
    spans = [definition.window_of(str(key)) for key in grid.keys(0, 200)]
    assert all(one[1] == other[0] for one, other in pairwise(spans))
    assert all(start < end for start, end in spans) or definition.timezone is not None


@settings(deadline=None)
@given(windows(), st.text(max_size=20))
def test_what_is_no_key_is_refused_and_something_near_is_named(definition, text):
    grid = definition.grid(NOW)
    key = PartitionKey.single(text)
    assert grid.has(key) == (key in list(grid.keys(0, 100_000)))
    for near in grid.nearest(key):
        assert grid.has(PartitionKey.single(near))
