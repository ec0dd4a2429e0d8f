"""Partitions definitions: construction, keys, membership, equality, and the arithmetic of what is large."""

import pickle
import time
import tracemalloc
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import rivers as rs
from rivers.exceptions import PartitionDefinitionError

Defs = rs.PartitionsDefinition
JAN = datetime(2024, 1, 1)
FIVE_DAYS = Defs.daily(JAN, end=datetime(2024, 1, 6))
AB = Defs.static_(["a", "b"])
key, multi = rs.PartitionKey.single, rs.PartitionKey.multi


def _texts(definition):
    return [str(key) for key in definition.get_partition_keys()]


def _now(zone=None):
    return datetime.now(zone).replace(tzinfo=None, microsecond=0)


# -- static ---------------------------------------------------------------------------------------------------------


def test_static_keys_keep_their_order_and_count_once():
    definition = Defs.static_(["b", "a", "b", "x=1"])
    assert isinstance(definition, Defs.Static)
    assert definition.keys == ["b", "a", "x=1"]
    assert _texts(definition) == ["b", "a", "x=1"]


# -- time windows ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("definition", "cron", "interval", "fmt"),
    [
        (Defs.daily(JAN), "0 0 * * *", None, "%Y-%m-%d"),
        (Defs.hourly(JAN), "0 * * * *", None, "%Y-%m-%dT%H:00"),
        (Defs.time_window(JAN, "*/5 * * * *"), "*/5 * * * *", None, "%Y-%m-%dT%H:%M:%S"),
        (Defs.time_window(JAN, interval_seconds=60), None, 60, "%Y-%m-%dT%H:%M:%S"),
    ],
)
def test_the_grid_and_the_default_format_of_each_factory(definition, cron, interval, fmt):
    assert isinstance(definition, Defs.TimeWindow)
    assert (definition.cron_schedule, definition.interval_seconds, definition.fmt) == (cron, interval, fmt)
    assert (definition.start, definition.end) == (JAN, None)


@pytest.mark.parametrize(
    ("definition", "keys"),
    [
        (Defs.daily(JAN, end=datetime(2024, 1, 3)), ["2024-01-01", "2024-01-02"]),
        (Defs.daily(JAN, end=datetime(2024, 1, 2, 12)), ["2024-01-01", "2024-01-02"]),
        (Defs.daily(datetime(2024, 1, 1, 12), end=datetime(2024, 1, 3)), ["2024-01-02"]),
        (Defs.daily(JAN, end=JAN), []),
        (Defs.daily(JAN, end=datetime(2023, 1, 1)), []),
        (Defs.daily(_now() + timedelta(days=3)), []),
        (Defs.hourly(JAN, end=datetime(2024, 1, 1, 2)), ["2024-01-01T00:00", "2024-01-01T01:00"]),
        (Defs.daily(JAN, datetime(2024, 1, 3), "%d.%m.%Y"), ["01.01.2024", "02.01.2024"]),
        (Defs.time_window(JAN, "0 0 1 * *", end=datetime(2024, 3, 1), fmt="%Y-%m"), ["2024-01", "2024-02"]),
        (
            Defs.time_window(JAN, "*/30 0 0 * * *", end=datetime(2024, 1, 1, 0, 1)),
            ["2024-01-01T00:00:00", "2024-01-01T00:00:30"],
        ),
        (
            Defs.time_window(datetime(2024, 1, 1, 0, 0, 7), interval_seconds=90, end=datetime(2024, 1, 1, 0, 3)),
            ["2024-01-01T00:00:07", "2024-01-01T00:01:37"],
        ),
        (
            Defs.time_window(JAN, interval_seconds=0.5, end=datetime(2024, 1, 1, 0, 0, 1), fmt="%Y-%m-%dT%H:%M:%S.%f"),
            ["2024-01-01T00:00:00.000000", "2024-01-01T00:00:00.500000"],
        ),
    ],
)
def test_windows_start_at_or_after_the_start_and_before_the_end(definition, keys):
    assert _texts(definition) == keys


def test_without_an_end_the_window_that_contains_now_is_the_last():
    now = datetime.now()
    keys = _texts(Defs.daily(now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)))
    assert len(keys) in (3, 4)  # midnight may pass meanwhile
    assert now.strftime("%Y-%m-%d") in keys[-2:]


def test_now_is_the_wall_clock_of_the_process(monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")  # 14 hours ahead
    time.tzset()
    ahead = _texts(Defs.hourly(_now(UTC) - timedelta(hours=2)))
    monkeypatch.setenv("TZ", "Etc/GMT+12")
    time.tzset()
    behind = _texts(Defs.hourly(_now(UTC) - timedelta(hours=20)))
    monkeypatch.undo()
    time.tzset()
    assert len(ahead) in (16, 17)
    assert len(behind) in (8, 9)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Defs.time_window(JAN), "time_window requires either cron_schedule or interval_seconds"),
        (
            lambda: Defs.time_window(JAN, "* * * * *", 60),
            "time_window accepts cron_schedule or interval_seconds, not both",
        ),
        (
            lambda: Defs.time_window(JAN, interval_seconds=0),
            "interval_seconds must be positive and at least 1 nanosecond, got 0",
        ),
        (
            lambda: Defs.time_window(JAN, interval_seconds=-2.5),
            "interval_seconds must be positive and at least 1 nanosecond, got -2.5",
        ),
        (
            lambda: Defs.time_window(JAN, interval_seconds=float("nan")),
            "interval_seconds must be positive and at least 1 nanosecond, got nan",
        ),
        (lambda: Defs.time_window(JAN, "61 * * * *"), "Invalid cron expression '61 * * * *': "),
        (lambda: Defs.time_window(JAN, "* * *"), "Invalid cron expression '* * *': "),
        (lambda: Defs.time_window(JAN, "* * * * * * *"), "Invalid cron expression '* * * * * * *': "),
        (lambda: Defs.time_window(JAN, ""), "Invalid cron expression '': "),
        (lambda: Defs.time_window(JAN, "R * * * *"), "Invalid cron expression 'R * * * *': "),
        (
            lambda: Defs.daily(datetime(2024, 1, 1, 0, 0, 0, 5)),
            "cron-gridded time windows require a start on a whole second, got 2024-01-01T00:00:00.000005",
        ),
        (
            lambda: Defs.hourly(datetime(2024, 1, 1, 0, 0, 0, 5)),
            "cron-gridded time windows require a start on a whole second, got 2024-01-01T00:00:00.000005",
        ),
        (
            lambda: Defs.hourly(JAN, fmt="%Y-%m-%d"),
            "fmt '%Y-%m-%d' cannot represent the partition grid: window start 2024-01-01T01:00:00 formats to "
            "'2024-01-01', which parses back to 2024-01-01T00:00:00; use a format at least as fine as the grid",
        ),
        (
            lambda: Defs.time_window(JAN, interval_seconds=0.5),
            "fmt '%Y-%m-%dT%H:%M:%S' cannot represent the partition grid: "
            "window start 2024-01-01T00:00:00.500000 formats to",
        ),
        (lambda: Defs.daily(JAN, fmt="%Y|%m|%d"), "fmt '%Y|%m|%d' produces keys containing reserved character '|' "),
        (lambda: Defs.daily(JAN, fmt="%Y,%j"), "fmt '%Y,%j' produces keys containing reserved character ',' "),
        (lambda: Defs.daily(JAN, fmt="%Y\0"), "fmt '%Y\0' cannot represent the partition grid: "),
        (lambda: Defs.daily(JAN, fmt=""), "fmt '' cannot represent the partition grid: window start 2024-01-01T00"),
        (lambda: Defs.hourly(JAN, fmt=""), "fmt '' cannot represent the partition grid: window start 2024-01-01T00"),
        (lambda: Defs.daily(JAN, fmt="%Y\udc00"), "fmt '%Y\\udc00' cannot be used: "),
        (lambda: Defs.daily(JAN, timezone="../../etc"), "unknown timezone '../../etc'"),
        (lambda: Defs.daily(JAN, timezone="Mars/Olympus"), "unknown timezone 'Mars/Olympus'"),
        (lambda: Defs.daily(JAN, end=JAN, end_offset=1), "end_offset counts from now, so it goes with no end"),
        (lambda: Defs.static_([]), "Static partitions must have at least one key"),
        (lambda: Defs.static_(["a", ""]), "static partition keys must not be empty"),
        (
            lambda: Defs.static_(["a|b"]),
            "partition key 'a|b' contains reserved character '|' (used by the canonical display form)",
        ),
        (
            lambda: Defs.static_(["a,b"]),
            "partition key 'a,b' contains reserved character ',' (used by the canonical display form)",
        ),
        (lambda: Defs.multi({}), "Multi partitions must have at least one dimension"),
        (
            lambda: Defs.multi({"m": Defs.multi({"a": AB})}),
            "Multi partitions cannot contain nested Multi dimensions",
        ),
        (lambda: Defs.multi({"": AB}), "Multi dimension names cannot be empty"),
        (lambda: Defs.multi({"a|b": AB}), "Multi dimension name 'a|b' contains reserved character '|'"),
        (lambda: Defs.multi({"a,b": AB}), "Multi dimension name 'a,b' contains reserved character ','"),
        (lambda: Defs.multi({"a=b": AB}), "Multi dimension name 'a=b' contains reserved character '='"),
        (lambda: Defs.dynamic(""), ""),
    ],
)
def test_what_makes_no_definition_is_refused(make, text):
    with pytest.raises(PartitionDefinitionError) as caught:
        make()
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Defs.daily(datetime(2024, 1, 1, tzinfo=UTC)), "expected a datetime without tzinfo"),
        (lambda: Defs.daily(JAN, end=datetime(2024, 1, 1, tzinfo=UTC)), "expected a datetime without tzinfo"),
        (lambda: Defs.daily(date(2024, 1, 1)), "expected a datetime without tzinfo"),
        (lambda: Defs.static_("ab"), "static partition keys must be a list of str"),
        (lambda: Defs.multi({"a": "b"}), "dimension 'a' must be a PartitionsDefinition, not str"),
        (lambda: Defs.dynamic(3), "the name of dynamic partitions must be a str, not int"),
        (Defs, None),
    ],
)
def test_what_has_another_type_is_refused(make, text):
    with pytest.raises(TypeError) as caught:
        make()
    assert text is None or str(caught.value) == text


def test_a_coarse_format_on_an_equally_coarse_grid_is_fine():
    assert _texts(Defs.time_window(JAN, "0 0 1 1 *", end=datetime(2026, 1, 1), fmt="%Y")) == ["2024", "2025"]


def test_the_format_is_checked_on_the_windows_that_there_are():
    assert _texts(Defs.hourly(JAN, end=datetime(2024, 1, 1, 1), fmt="%Y-%m-%d")) == ["2024-01-01"]


def test_a_constructor_of_a_variant_checks_nothing_and_check_does():
    for definition in (Defs.Static([]), Defs.TimeWindow(None, None, JAN), Defs.Multi([]), Defs.Dynamic("")):
        with pytest.raises(PartitionDefinitionError):
            definition.check()


# -- time zones -----------------------------------------------------------------------------------------------------


def test_a_skipped_hour_has_no_key():
    keys = _texts(Defs.hourly(datetime(2024, 3, 31), datetime(2024, 4, 1), timezone="Europe/Berlin"))
    assert len(keys) == 23
    assert "2024-03-31T02:00" not in keys


def test_a_repeated_hour_has_two_keys_and_the_second_says_its_offset():
    definition = Defs.hourly(datetime(2024, 10, 27), datetime(2024, 10, 28), timezone=ZoneInfo("Europe/Berlin"))
    keys = _texts(definition)
    assert len(keys) == len(set(keys)) == 25
    assert keys[1:5] == ["2024-10-27T01:00", "2024-10-27T02:00", "2024-10-27T02:00+0100", "2024-10-27T03:00"]
    first, second = definition.window_of(keys[2]), definition.window_of(keys[3])
    assert first[0].utcoffset() == timedelta(hours=2)
    assert second[0].utcoffset() == timedelta(hours=1)
    assert first[1].astimezone(UTC) == second[0].astimezone(UTC)
    assert not definition.validate_partition_key(rs.PartitionKey.single("2024-10-27T01:00+0200"))
    assert not definition.validate_partition_key(rs.PartitionKey.single("2024-10-27T02:00+0200"))


def test_a_time_of_day_that_comes_twice_has_one_window_a_day():
    definition = Defs.time_window(
        datetime(2024, 10, 26), "30 2 * * *", end=datetime(2024, 10, 29), timezone="Europe/Berlin"
    )
    assert [key[:10] for key in _texts(definition)] == ["2024-10-26", "2024-10-27", "2024-10-28"]


def test_days_of_a_zone_have_23_to_25_hours():
    definition = Defs.daily(datetime(2024, 4, 5), datetime(2024, 4, 9), timezone="America/Santiago")
    spans = [definition.window_of(key) for key in _texts(definition)]
    hours = [(end.astimezone(UTC) - start.astimezone(UTC)) // timedelta(hours=1) for start, end in spans]
    assert sorted(hours) == [24, 24, 24, 25]


def test_now_of_a_zone_is_that_zones():
    definition = Defs.daily(_now() - timedelta(days=5), timezone="Pacific/Kiritimati")
    assert _texts(definition)[-1] >= datetime.now(ZoneInfo("Pacific/Kiritimati")).strftime("%Y-%m-%d")[:10]


@pytest.mark.parametrize(("offset", "more"), [(0, 0), (2, 2), (-1, -1), (-100, None)])
def test_end_offset_moves_the_last_window(offset, more):
    now = datetime(2024, 1, 10, 12).astimezone()
    count = Defs.daily(JAN, end_offset=offset).grid(now).count
    assert count == (0 if more is None else 10 + more)


def test_a_zone_has_windows_until_the_end_of_the_calendar():
    definition = Defs.hourly(JAN, datetime(9999, 12, 31), timezone="Europe/Berlin")
    grid = definition.grid(datetime.now().astimezone())
    last = grid.key_at(grid.count - 1)
    assert str(last).startswith("9998-12-3")
    assert grid.index_of(last) == grid.count - 1
    assert grid.nearest(key("9999-06-01"))[-1] == str(last)


# -- multi and dynamic ----------------------------------------------------------------------------------------------


def test_the_first_dimension_varies_slowest():
    definition = Defs.multi({"z": AB, "d": Defs.static_(["1", "2", "3"])})
    assert [name for name, _ in definition.dimensions] == ["z", "d"]
    assert definition.get_partition_keys() == [
        rs.PartitionKey.multi({"z": z, "d": d}) for z in ("a", "b") for d in ("1", "2", "3")
    ]


def test_dynamic_keys_are_not_known_here():
    definition = Defs.dynamic("customers")
    assert definition.name == "customers"
    with pytest.raises(NotImplementedError, match="Cannot enumerate dynamic partition keys"):
        definition.get_partition_keys()
    with pytest.raises(NotImplementedError, match="Cannot enumerate dynamic partition keys"):
        Defs.multi({"c": definition, "r": AB}).get_partition_keys()


def test_registered_keys_make_a_grid():
    definition = Defs.multi({"c": Defs.dynamic("customers"), "r": AB})
    grid = definition.grid(datetime.now().astimezone(), {"customers": ["x", "y"]})
    assert grid.count == 4
    assert grid.index_of(rs.PartitionKey.multi({"c": "y", "r": "a"})) == 2
    assert not grid.has(rs.PartitionKey.multi({"c": "z", "r": "a"}))


# -- membership -----------------------------------------------------------------------------------------------------

MULTI = Defs.multi({"date": FIVE_DAYS, "region": AB})


@pytest.mark.parametrize(
    ("definition", "given", "expected"),
    [
        (AB, key("a"), True),
        (AB, key(["a", "b", "a"]), True),
        (AB, key(["a", "c"]), False),
        (AB, multi({"x": "a"}), False),
        (AB, rs.PartitionKey.Set([key("a"), key("b")]), True),
        (AB, rs.PartitionKey.Set([key("a"), key("c")]), False),
        (AB, "a", False),
        (AB, None, False),
        (FIVE_DAYS, key("2024-01-04"), True),
        (FIVE_DAYS, key("2024-1-4"), False),
        (FIVE_DAYS, key("2023-12-31"), False),
        (FIVE_DAYS, key("2024-01-06"), False),
        (FIVE_DAYS, key("2024-01-05"), True),
        (FIVE_DAYS, key("2024-01-04T00:00"), False),
        (FIVE_DAYS, key("yesterday"), False),
        (FIVE_DAYS, key(""), False),
        (Defs.daily(JAN), key("2999-01-01"), False),
        (Defs.hourly(JAN), key("2024-01-01T00:30"), False),
        (MULTI, multi({"date": "2024-01-01", "region": "a"}), True),
        (MULTI, multi({"date": ["2024-01-01", "2024-01-02"], "region": ["a", "b"]}), True),
        (MULTI, multi({"date": ["2024-01-01", "2024-02-01"], "region": "a"}), False),
        (MULTI, multi({"date": "2024-01-01"}), False),
        (MULTI, multi({"date": "2024-01-01", "region": "a", "x": "y"}), False),
        (MULTI, key("2024-01-01"), False),
        (Defs.dynamic("n"), key("whatever"), True),
        (Defs.dynamic("n"), multi({"a": "b"}), True),
        (Defs.hourly(JAN, timezone="Europe/Berlin"), key("9998-01-01T00:00"), False),
        (Defs.hourly(JAN, timezone="Europe/Berlin"), key("0001-01-01T00:00"), False),
        (Defs.hourly(JAN, timezone="Europe/Berlin"), key("9999-12-31T23:00-0500"), False),
        (Defs.multi({"n": Defs.dynamic("n"), "r": AB}), multi({"n": "whatever", "r": "a"}), True),
        (Defs.multi({"n": Defs.dynamic("n"), "r": AB}), multi({"n": "whatever", "r": "c"}), False),
    ],
)
def test_membership(definition, given, expected):
    assert definition.validate_partition_key(given) is expected


@pytest.mark.parametrize(
    ("definition", "given", "near"),
    [
        (Defs.static_(["apple", "pear"]), key("aple"), ["apple"]),
        (Defs.static_(["1", "2", "3", "4"]), key("zzz"), ["1", "2", "3"]),
        (FIVE_DAYS, key("2024-1-4"), ["2024-01-03", "2024-01-04", "2024-01-05"]),
        (FIVE_DAYS, key("2023-12-31"), ["2024-01-01", "2024-01-02", "2024-01-03"]),
        (FIVE_DAYS, key("2024-07-01"), ["2024-01-03", "2024-01-04", "2024-01-05"]),
        (FIVE_DAYS, key("nonsense"), ["2024-01-01", "2024-01-05"]),
        (MULTI, multi({"date": "2024-01-01", "region": "c"}), ["region=a", "region=b"]),
        (MULTI, key("a"), ["date=2024-01-01|region=a", "date=2024-01-01|region=b", "date=2024-01-02|region=a"]),
        (Defs.daily(JAN, end=JAN), key("2024-01-01"), []),
    ],
)
def test_the_nearest_keys_are_named(definition, given, near):
    assert definition.grid(datetime.now().astimezone()).nearest(given) == near


# -- values ---------------------------------------------------------------------------------------------------------

ALL = [
    AB,
    FIVE_DAYS,
    Defs.hourly(JAN, timezone="Europe/Berlin", end_offset=2),
    Defs.time_window(JAN, interval_seconds=1.5, end=datetime(2025, 1, 1), fmt="%Y-%m-%dT%H:%M:%S.%f"),
    MULTI,
    Defs.dynamic("customers"),
]


@pytest.mark.parametrize("definition", ALL, ids=repr)
def test_definitions_compare_by_structure_and_travel(definition):
    copy = pickle.loads(pickle.dumps(definition))
    assert copy == definition
    assert copy is not definition
    assert repr(copy) == repr(definition)
    assert all(copy != other for other in ALL if other is not definition)
    with pytest.raises(TypeError):
        hash(definition)
    with pytest.raises(AttributeError):
        definition.name = "x"


def test_a_repr_is_the_call_that_makes_it():
    names = {"PartitionsDefinition": Defs, "datetime": __import__("datetime")}
    for definition in ALL:
        assert eval(repr(definition), names) == definition


def test_match_patterns_are_positional():
    match FIVE_DAYS:
        case Defs.TimeWindow(cron, interval, start, end, fmt):
            assert (cron, interval, start, end, fmt) == ("0 0 * * *", None, JAN, datetime(2024, 1, 6), "%Y-%m-%d")
    match MULTI:
        case Defs.Multi([("date", Defs.TimeWindow()), ("region", Defs.Static(["a", "b"]))]):
            pass
        case _:
            pytest.fail("no match")
    match Defs.dynamic("n"):
        case Defs.Dynamic(name):
            assert name == "n"
    assert all(isinstance(one, Defs) for one in ALL)


def test_B1_millions_of_keys_take_no_memory():
    decade = Defs.time_window(datetime(2014, 1, 1), interval_seconds=1, end=datetime(2024, 1, 1))
    definition = Defs.multi({"second": decade, "region": Defs.static_([str(n) for n in range(1000)])})
    now = datetime.now().astimezone()
    tracemalloc.start()
    try:
        grid = definition.grid(now)
        assert grid.count == 315_532_800_000
        middle = grid.key_at(grid.count // 2)
        assert grid.index_of(middle) == grid.count // 2
        page = list(grid.keys(grid.count - 3, grid.count))
        assert page[-1] == multi({"second": "2023-12-31T23:59:59", "region": "999"})
        assert grid.has(page[0])
        assert len(grid.nearest(multi({"second": "2013-12-31T23:59:59", "region": "0"}))) == 3
        assert tracemalloc.get_traced_memory()[1] < 300_000
    finally:
        tracemalloc.stop()


# -- contexts -------------------------------------------------------------------------------------------------------


def test_a_context_shows_keys_and_window():
    context = rs.PartitionContext([key("2024-01-02")], FIVE_DAYS)
    assert (context.key, context.keys, context.definition) == (key("2024-01-02"), [key("2024-01-02")], FIVE_DAYS)
    assert context.time_window() == (datetime(2024, 1, 2), datetime(2024, 1, 3))


@pytest.mark.parametrize(
    ("keys", "definition"),
    [
        ([key("a")], AB),
        ([multi({"date": "2024-01-01", "region": "a"})], MULTI),
        ([key("2024-01-01"), key("2024-01-02")], FIVE_DAYS),
    ],
)
def test_what_is_no_single_window_has_none(keys, definition):
    assert rs.PartitionContext(keys, definition).time_window() is None


def test_the_window_of_a_monthly_key():
    months = Defs.time_window(JAN, "0 0 1 * *", end=datetime(2025, 1, 1), fmt="%Y-%m")
    assert rs.PartitionContext([key("2024-02")], months).time_window() == (datetime(2024, 2, 1), datetime(2024, 3, 1))


def test_a_context_has_keys():
    with pytest.raises(ValueError, match="PartitionContext keys must not be empty"):
        rs.PartitionContext([], AB)
