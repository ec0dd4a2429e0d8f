"""Ranges of keys: values, and what they select of a definition."""

import pickle
from datetime import datetime

import pytest

import rivers as rs
from rivers.exceptions import ExecutionError, PartitionDefinitionError

Range = rs.PartitionKeyRange
NOW = datetime(2024, 6, 1).astimezone()
LETTERS = rs.PartitionsDefinition.static_(["c", "a", "b"])
DAYS = rs.PartitionsDefinition.daily(datetime(2024, 1, 1), end=datetime(2024, 2, 1))
MULTI = rs.PartitionsDefinition.multi({"date": DAYS, "letter": LETTERS})


@pytest.mark.parametrize(
    ("one", "other", "text"),
    [
        (Range.single("a", "b"), Range.single("a", "b"), 'PartitionKeyRange.single("a", "b")'),
        (
            Range.multi({"d": ("1", "2"), "r": ["us", "eu"]}),
            Range.multi({"r": ["us", "eu"], "d": ("1", "2")}),
            'PartitionKeyRange.multi({"d": ("1", "2"), "r": ["us", "eu"]})',
        ),
    ],
)
def test_equality_is_structural_and_the_repr_is_the_call(one, other, text):
    assert one == other
    assert hash(one) == hash(other)
    assert repr(one) == text
    assert pickle.loads(pickle.dumps(one)) == one
    assert eval(text, {"PartitionKeyRange": Range}) == one


def test_different_ranges_differ():
    ranges = [
        Range.single("a", "b"),
        Range.single("b", "a"),
        Range.multi({"d": ("a", "b")}),
        Range.multi({"d": ["a", "b"]}),
        Range.multi({"d": ["b", "a"]}),
    ]
    assert all(one != other for n, one in enumerate(ranges) for other in ranges[:n])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: Range.multi({}), PartitionDefinitionError, "dimensions dict must not be empty"),
        (lambda: Range.multi({"d": "x"}), TypeError, "dimension 'd': expected (str, str) tuple or list[str], got str"),
        (lambda: Range.multi({"d": 3}), TypeError, "dimension 'd': expected (str, str) tuple or list[str], got int"),
        (lambda: Range.single("a", None), TypeError, "to_key must be a str, not NoneType"),
        (Range, TypeError, None),
    ],
)
def test_bad_ranges_are_refused(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text is None or str(caught.value) == text


def test_a_tuple_that_is_no_pair_is_a_list():
    assert Range.multi({"d": ("a", "b", "c")}) == Range.multi({"d": ["a", "b", "c"]})


@pytest.mark.parametrize(
    ("definition", "given", "keys"),
    [
        (LETTERS, Range.single("c", "a"), ["c", "a"]),
        (LETTERS, Range.single("b", "b"), ["b"]),
        (DAYS, Range.single("2024-01-30", "2024-01-31"), ["2024-01-30", "2024-01-31"]),
        (
            MULTI,
            Range.multi({"date": ("2024-01-01", "2024-01-02"), "letter": ["b", "c"]}),
            [
                "date=2024-01-01|letter=b",
                "date=2024-01-01|letter=c",
                "date=2024-01-02|letter=b",
                "date=2024-01-02|letter=c",
            ],
        ),
        (
            MULTI,
            Range.multi({"date": ["2024-01-05"]}),
            ["date=2024-01-05|letter=c", "date=2024-01-05|letter=a", "date=2024-01-05|letter=b"],
        ),
    ],
)
def test_a_range_selects_in_the_order_of_the_definition(definition, given, keys):
    grid = definition.grid(NOW)
    selection = grid.select(given)
    assert [str(key) for key in selection.keys()] == keys  # noqa: SIM118
    assert selection.count == len(keys)
    for key in selection.keys():  # noqa: SIM118
        assert selection.has(key)
    assert sum(map(selection.has, grid.keys())) == len(keys)


@pytest.mark.parametrize(
    ("definition", "given", "text"),
    [
        (LETTERS, Range.single("a", "x"), "Range endpoint 'x' is not a partition key"),
        (DAYS, Range.single("2023-12-31", "2024-01-02"), "Range endpoint '2023-12-31' is not a partition key"),
        (LETTERS, Range.single("b", "c"), "from_key 'b' is after to_key 'c'"),
        (DAYS, Range.single("2024-01-03", "2024-01-02"), "from_key '2024-01-03' is after to_key '2024-01-02'"),
        (
            MULTI,
            Range.single("a", "b"),
            "a single-dimension range cannot select from Multi partitions; "
            "use PartitionKeyRange.multi() with dimensions: date, letter",
        ),
        (LETTERS, Range.multi({"d": ["a"]}), "PartitionKeyRange.multi() requires a Multi-partitioned asset"),
        (MULTI, Range.multi({"letter": ["x"]}), "Range endpoint 'x' is not a partition key"),
        (
            MULTI,
            Range.multi({"day": ["x"]}),
            "range dimension 'day' is not a dimension of the partitions; available: date, letter",
        ),
    ],
)
def test_a_range_that_does_not_fit_is_refused(definition, given, text):
    with pytest.raises(ExecutionError) as caught:
        definition.grid(NOW).select(given)
    assert str(caught.value) == text


def test_a_range_over_millions_of_keys_is_arithmetic():
    seconds = rs.PartitionsDefinition.time_window(datetime(2000, 1, 1), interval_seconds=1, end=datetime(2024, 1, 1))
    selection = seconds.grid(NOW).select(Range.single("2000-01-01T00:00:01", "2023-12-31T23:59:59"))
    assert selection.count == seconds.grid(NOW).count - 1
    assert selection.index_at(selection.count - 1) == selection.count
