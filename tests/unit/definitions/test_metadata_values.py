"""Typed metadata: factories, checks, JSON text, entries of events."""

import pickle
from datetime import datetime

import pytest

import rivers as rs
from rivers.definitions.metadata_entries import coerce, entries, restore
from rivers.exceptions import InvalidMetadataError

START, END = datetime(2024, 1, 2), datetime(2024, 1, 1)
M = rs.MetadataValue

VALUES = [
    (M.text("é"), M.Text, "é", '{"Text":{"value":"é"}}'),
    (M.int(3), M.Int, 3, '{"Int":{"value":3}}'),
    (M.float_(1), M.Float, 1.0, '{"Float":{"value":1.0}}'),
    (M.bool_(True), M.Bool, True, '{"Bool":{"value":true}}'),
    (M.url("HTTP://Ex.org:80"), M.Url, "http://ex.org/", '{"Url":{"value":"http://ex.org/"}}'),
    (M.path("/tmp/x"), M.Path, "/tmp/x", '{"Path":{"value":"/tmp/x"}}'),
    (M.json("{not json"), M.Json, "{not json", '{"Json":{"value":"{not json"}}'),
    (M.md("# x"), M.Markdown, "# x", '{"Markdown":{"value":"# x"}}'),
    (M.timestamp(1), M.Timestamp, 1.0, '{"Timestamp":{"value":1.0}}'),
    (M.null(), M.Null, None, '{"Null":{}}'),
    (M.bytes(10), M.Bytes, 10, '{"Bytes":{"value":10}}'),
    (M.duration(0.5), M.Duration, 0.5, '{"Duration":{"value":0.5}}'),
    (M.sql("select 1", "duckdb"), M.Sql, "select 1", '{"Sql":{"query":"select 1","dialect":"duckdb"}}'),
    (M.code_block("x"), M.CodeBlock, "x", '{"CodeBlock":{"code":"x","language":null}}'),
    (M.image("data:,"), M.Image, "data:,", '{"Image":{"value":"data:,"}}'),
    (M.percentage(120), M.Percentage, 120.0, '{"Percentage":{"value":120.0}}'),
    (
        M.list_([M.int(1), M.null()]),
        M.List,
        [M.int(1), M.null()],
        '{"List":{"values":[{"Int":{"value":1}},{"Null":{}}]}}',
    ),
    (
        M.date_range(START, END),
        M.DateRange,
        (START, END),
        '{"DateRange":{"start":"2024-01-02T00:00:00","end":"2024-01-01T00:00:00"}}',
    ),
    (M.data_version("v1"), M.DataVersion, "v1", '{"DataVersion":{"value":"v1"}}'),
]


@pytest.mark.parametrize(("value", "variant", "raw", "text"), VALUES, ids=lambda value: type(value).__name__)
def test_a_value_keeps_what_it_is_through_every_form(value, variant, raw, text):
    assert type(value) is variant
    assert isinstance(value, rs.MetadataValue)
    assert value.raw_value() == raw
    assert value.to_json() == text
    ((name, kind, plain),) = entries({"k": value})
    assert name == "k"
    assert restore(kind, plain) == value
    assert pickle.loads(pickle.dumps(value)) == value
    with pytest.raises(TypeError):
        hash(value)


def test_equality_is_by_variant_and_content():
    assert M.text("a") == M.Text("a")
    assert M.text("a") != M.path("a")
    assert M.int(1) != 1
    assert M.sql("q") == M.Sql("q", None)


def test_patterns_work_positionally():
    match M.sql("q", "d"):
        case M.Sql(query, dialect):
            assert (query, dialect) == ("q", "d")
        case _:
            pytest.fail("no match")


def test_values_cannot_be_changed():
    with pytest.raises(AttributeError):
        M.int(1).value = 2


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ("x", M.text("x")),
        (3, M.int(3)),
        (1.5, M.float_(1.5)),
        (True, M.bool_(True)),
        (None, M.null()),
        (M.md("x"), M.md("x")),
    ],
)
def test_plain_values_are_coerced(given, typed):
    assert coerce(given) == typed


def test_what_has_no_type_is_refused():
    with pytest.raises(TypeError) as caught:
        coerce([1])
    assert str(caught.value) == "Cannot coerce list to MetadataValue. Use MetadataValue.text(), .int(), etc."


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: M(), TypeError),
        (lambda: M.text(1), TypeError),
        (lambda: M.int("1"), TypeError),
        (lambda: M.int(1 << 63), OverflowError),
        (lambda: M.bytes(-1), OverflowError),
        (lambda: M.float_("1"), TypeError),
        (lambda: M.bool_(1), TypeError),
        (lambda: M.url("u"), InvalidMetadataError),
        (lambda: M.url("http://"), InvalidMetadataError),
        (lambda: M.list_(["a"]), TypeError),
        (lambda: M.date_range("a", "b"), TypeError),
        (lambda: M.schema(3), ValueError),
        (lambda: rs.Schema(3), ValueError),
    ],
)
def test_wrong_values_are_refused(make, error):
    with pytest.raises(error):
        make()


def test_a_number_that_json_has_no_word_for_is_null():
    assert M.float_(float("nan")).to_json() == '{"Float":{"value":null}}'
