"""Ticks by arithmetic are the ticks that the cron library finds by walking, and those of the wall clock of a zone."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from croniter import CroniterBadDateError, croniter
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from rivers.partitions.cron import parse
from rivers.partitions.ticks import CronTicks, IntervalTicks
from rivers.partitions.zoned_ticks import ZonedCronTicks, ZonedIntervalTicks, changes_of

SECOND = timedelta(seconds=1)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2199, 12, 31))


def _field(low, high):
    number = st.integers(low, high)
    step = st.integers(1, max(high // 2, 1))
    part = st.one_of(
        number.map(str),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        step.map(lambda by: f"*/{by}"),
        st.tuples(number, step).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )
    return st.one_of(st.just("*"), st.just("*"), st.lists(part, min_size=1, max_size=3).map(",".join))


DAYS = st.one_of(_field(1, 31), st.just("L"), st.just("15,L"), st.integers(1, 31).map(lambda day: f"{day}W"))
WEEKDAYS = st.one_of(
    _field(0, 6),
    st.sampled_from(["MON-FRI", "sun", "7", "L5", "5#2", "1#1,3#3", "FRI#5"]),
)
FIVE = st.tuples(_field(0, 59), _field(0, 23), DAYS, _field(1, 12), WEEKDAYS)
EXPRESSIONS = st.one_of(FIVE, st.tuples(_field(0, 59), FIVE).map(lambda pair: (pair[0], *pair[1]))).map(" ".join)


def _walk(expression, start, limit):
    """The library's own ticks at or after a moment."""
    found = croniter(expression, start - timedelta(microseconds=1), ret_type=datetime, second_at_beginning=True)
    try:
        return list(islice(found, limit))
    except CroniterBadDateError:
        return None


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS, MOMENTS)
@example("0 0 29 2 *", datetime(2096, 2, 29))
@example("0 0 13 * 5", datetime(2024, 9, 13))
@example("0 0 31 * 5#2", datetime(2024, 1, 1))
@example("0 0 31W * 1", datetime(2024, 1, 1))
@example("*/7 */11 */5 */3 * *", datetime(2024, 2, 29, 23, 59, 59, 999999))
def test_ticks_are_those_of_the_library(expression, start):
    try:
        walked = _walk(expression, start, 30)
        ticks = CronTicks(expression)
    except ValueError:
        assume(False)
    assume(walked)
    first = ticks.before(start)
    assert [ticks.at(first + n) for n in range(len(walked))] == walked
    for n, tick in enumerate(walked):
        assert ticks.before(tick) == first + n
        assert ticks.before(tick + timedelta(microseconds=1)) == first + n + 1


@settings(max_examples=100, deadline=None)
@given(EXPRESSIONS, MOMENTS, st.integers(0, 10_000_000))
def test_a_tick_has_its_number_however_far_it_is(expression, start, distance):
    try:
        ticks = CronTicks(expression)
        number = ticks.before(start) + distance
        tick = ticks.at(number)
    except (ValueError, OverflowError):
        assume(False)
    assert ticks.before(tick) == number
    assert ticks.before(tick + SECOND) == number + 1


@given(MOMENTS, st.integers(1000, 10**15), st.integers(0, 10**6))
def test_ticks_of_an_interval_have_their_number(start, nanoseconds, number):
    ticks = IntervalTicks(start, nanoseconds)
    try:
        tick = ticks.at(number)
    except OverflowError:
        assume(False)
    assert ticks.before(tick) == number
    assert ticks.before(tick + timedelta(microseconds=1)) == number + 1


ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu", "UTC"]


def _wall_walk(cron, zone, start, end):
    """Minute by minute: the instants whose wall clock the expression names; a named hour only the first time."""
    every_hour, plain = parse(cron).every_hour, CronTicks(cron)
    found, seen, moment = [], set(), start.astimezone(UTC)
    while moment < end:
        local = moment.astimezone(zone)
        wall = local.replace(tzinfo=None, fold=0)
        if plain.at(plain.before(wall)) == wall and (every_hour or wall not in seen):
            seen.add(wall)
            found.append(moment)
        moment += timedelta(minutes=1)
    return found


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["0 * * * *", "30 2 * * *", "*/15 1-3 * * *", "0 0 * * *", "45 * * * 0"])
@pytest.mark.parametrize(
    "begin", [datetime(2024, 3, 9), datetime(2024, 3, 30), datetime(2024, 10, 26, 12), datetime(2024, 11, 2)]
)
def test_ticks_of_a_zone_are_those_of_its_wall_clock(zone, cron, begin):
    zone = ZoneInfo(zone)
    start = begin.replace(tzinfo=zone)
    end = start.astimezone(UTC) + timedelta(days=3)
    walked = _wall_walk(cron, zone, start, end)
    ticks = ZonedCronTicks(CronTicks(cron), zone, start, repeats=parse(cron).every_hour)
    assert [ticks.at(n).astimezone(UTC) for n in range(ticks.before(end))] == walked
    assert [ticks.before(tick) for tick in walked] == list(range(len(walked)))


@settings(deadline=None)
@given(st.sampled_from(ZONES), st.datetimes(datetime(1980, 1, 1), datetime(2060, 1, 1)), st.integers(0, 100_000))
def test_ticks_of_a_zone_have_their_number(zone, start, number):
    ticks = ZonedCronTicks(
        CronTicks("*/20 * * * *"), ZoneInfo(zone), start.replace(tzinfo=ZoneInfo(zone)), repeats=True
    )
    tick = ticks.at(number)
    assert ticks.before(tick) == number
    assert ticks.before(tick + SECOND) == number + 1


def test_an_interval_in_a_zone_is_elapsed_time():
    zone = ZoneInfo("Europe/Berlin")
    ticks = ZonedIntervalTicks(zone, datetime(2024, 3, 31, tzinfo=zone), 3600 * 10**9)
    assert [str(ticks.at(n).time()) for n in range(4)] == ["00:00:00", "01:00:00", "03:00:00", "04:00:00"]


def test_changes_of_a_zone_are_found_to_the_second():
    berlin = [(str(moment), str(offset)) for moment, offset in changes_of(ZoneInfo("Europe/Berlin"), 2024)]
    assert berlin == [("2024-03-31 01:00:00", "2:00:00"), ("2024-10-27 01:00:00", "1:00:00")]
    assert changes_of(ZoneInfo("UTC"), 2024) == ()
