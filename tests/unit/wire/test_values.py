"""Free-form values keep what JSON loses, and say where they cannot travel."""

import enum
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivers.errors import InvalidMetadataError, InvalidRequestError
from rivers.v1 import value_pb2
from rivers.wire import values

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | text
    | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


def same(left: object, right: object) -> bool:
    """Equal, and of the same types all the way down: 1, 1.0 and True are three things."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return left == right


@given(plain)
def test_a_value_survives_the_wire(value):
    encoded = value_pb2.Value.FromString(values.encode_value(value).SerializeToString())
    assert same(values.decode_value(encoded), value)


@given(st.dictionaries(text, plain, max_size=5))
def test_a_map_survives_the_wire_in_its_order(mapping):
    encoded = value_pb2.MapValue.FromString(values.encode_map(mapping).SerializeToString())
    assert same(values.decode_map(encoded), mapping)


@given(st.lists(st.tuples(text, st.integers(0, 20), plain), max_size=5).map(tuple))
def test_metadata_survives_the_wire(entries):
    assert values.decode_metadata(values.encode_metadata(entries)) == entries


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 0, 3])
def test_integers_stay_exact(number):
    decoded = values.decode_value(values.encode_value(number))
    assert decoded == number
    assert type(decoded) is int


def test_nan_and_infinity_travel():
    assert math.isnan(values.decode_value(values.encode_value(math.nan)))
    assert values.decode_value(values.encode_value(-math.inf)) == -math.inf


def test_subclasses_travel_as_what_they_are():
    class Color(enum.StrEnum):
        RED = "red"

    class Level(enum.IntEnum):
        HIGH = 3

    given = {"color": Color.RED, "level": Level.HIGH, "pair": (1, 2), "raw": bytearray(b"x")}
    assert values.decode_map(values.encode_map(given)) == {"color": "red", "level": 3, "pair": [1, 2], "raw": b"x"}


def test_an_empty_list_or_map_is_not_null():
    assert values.decode_value(values.encode_value([])) == []
    assert values.decode_value(values.encode_value({})) == {}


def test_an_unset_value_is_null():
    assert values.decode_value(value_pb2.Value()) is None


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (2**63, "value is 9223372036854775808, which does not fit in 64 bits; send it as text"),
        (-(2**63) - 1, "value is -9223372036854775809, which does not fit in 64 bits; send it as text"),
        ({"a": [1, {"b": 2**70}]}, f"value['a'][1]['b'] is {2**70}, which does not fit in 64 bits; send it as text"),
        ({"a": {1: 2}}, "value['a'] has the key 1; keys must be text"),
        (["\ud800"], "value[0] is not valid Unicode text ('\\ud800'); send it as bytes"),
        ({1, 2}, "value is of type 'set'; only None, bool, int, float, str, bytes, list and dict can be sent"),
    ],
)
def test_what_cannot_travel_is_named(value, sentence):
    with pytest.raises(InvalidRequestError) as caught:
        values.encode_value(value)
    assert str(caught.value) == sentence


def test_a_key_that_is_not_unicode_is_named():
    with pytest.raises(InvalidRequestError, match=r"the key .* of value is not valid Unicode text"):
        values.encode_map({"\ud800": 1})


def test_metadata_that_cannot_travel_names_its_entry():
    with pytest.raises(InvalidMetadataError, match=r"metadata\['rows'\] is 9223372036854775808") as caught:
        values.encode_metadata((("rows", 2, 2**63),))
    assert caught.value.field == "rows"


def test_nesting_ends_where_a_parser_would_give_up():
    deepest: object = 1
    for _ in range(values.MAX_DEPTH):
        deepest = {"k": deepest}
    assert value_pb2.Value.FromString(values.encode_value(deepest).SerializeToString()).HasField("map_value")
    with pytest.raises(InvalidRequestError, match="nested deeper than 24 levels"):
        values.encode_value({"k": deepest})
    circle: list[object] = []
    circle.append(circle)
    with pytest.raises(InvalidRequestError, match="nested deeper"):
        values.encode_value(circle)


@given(st.lists(st.tuples(text, text), max_size=5).map(tuple))
def test_tags_keep_order_and_repeated_keys(tags):
    assert values.decode_tags(values.encode_tags(tags)) == tags
