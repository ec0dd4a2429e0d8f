"""Partition keys: construction, text forms, equality."""

import pickle

import pytest

import rivers as rs
from rivers.exceptions import PartitionDefinitionError


def test_a_single_key_always_holds_a_list():
    assert rs.PartitionKey.single("a").key == ["a"]
    assert rs.PartitionKey.single(["a", "b", "a"]).key == ["a", "b", "a"]


def test_a_multi_key_always_holds_lists():
    assert rs.PartitionKey.multi({"date": "d", "region": ["us", "eu"]}).keys == {"date": ["d"], "region": ["us", "eu"]}


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.PartitionKey.single([]), PartitionDefinitionError, "partition key list must not be empty"),
        (lambda: rs.PartitionKey.single(3), TypeError, "expected str or list[str]"),
        (lambda: rs.PartitionKey.single(["a", 3]), TypeError, "expected str or list[str]"),
        (
            lambda: rs.PartitionKey.multi({}),
            PartitionDefinitionError,
            "PartitionKey dict must have at least one dimension",
        ),
        (
            lambda: rs.PartitionKey.multi({"a": []}),
            PartitionDefinitionError,
            "partition key list for dimension 'a' must not be empty",
        ),
    ],
)
def test_bad_input_is_refused(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


def test_a_key_object_rejects_no_characters():
    assert str(rs.PartitionKey.single("a|b,c")) == "a|b,c"
    assert str(rs.PartitionKey.single("")) == ""


def test_order_does_not_matter_for_equality_and_hash():
    one, other = rs.PartitionKey.single(["a", "b"]), rs.PartitionKey.single(["b", "a"])
    assert one == other
    assert hash(one) == hash(other)
    assert rs.PartitionKey.single("a") == rs.PartitionKey.single(["a"])
    first = rs.PartitionKey.multi({"x": ["1", "2"], "y": "3"})
    second = rs.PartitionKey.multi({"y": "3", "x": ["2", "1"]})
    assert first == second
    assert len({first, second}) == 1
    assert rs.PartitionKey.single("a") != rs.PartitionKey.multi({"a": "a"})
    assert rs.PartitionKey.single("a") != "a"


def test_text_forms():
    multi = rs.PartitionKey.multi({"region": ["us", "eu"], "date": "d"})
    several = rs.PartitionKey.Set([rs.PartitionKey.single("a"), rs.PartitionKey.single("b")])
    assert str(rs.PartitionKey.single(["a", "b"])) == "a,b"
    assert str(multi) == "date=d|region=us,eu"
    assert str(several) == "a, b"
    assert repr(rs.PartitionKey.single("a")) == 'PartitionKey("a")'
    assert repr(rs.PartitionKey.single(["a", "b"])) == 'PartitionKey(["a", "b"])'
    assert repr(multi) == 'PartitionKey({"date": "d", "region": ["us", "eu"]})'


def test_json_goes_there_and_back():
    single = rs.PartitionKey.single("a")
    multi = rs.PartitionKey.multi({"region": ["us", "eu"], "date": "d"})
    assert single.to_json() == '{"single":["a"]}'
    assert multi.to_json() == '{"multi":{"date":["d"],"region":["us","eu"]}}'
    several = rs.PartitionKey.Set([single, multi])
    for key in (single, multi, several):
        assert rs.PartitionKey.from_json(key.to_json()) == key


@pytest.mark.parametrize(
    "text",
    [
        *["", "{}", "[1]", '{"other":["a"]}', '{"single":"a"}', '{"single":[1]}', '{"single":[]}'],
        *['{"multi":[]}', '{"multi":{}}', '{"multi":{"d":[]}}', '{"set":[]}', '{"set":[{"single":[]}]}'],
    ],
)
def test_malformed_json_is_refused(text):
    with pytest.raises(PartitionDefinitionError, match="invalid partition key JSON: "):
        rs.PartitionKey.from_json(text)


def test_variants_are_partition_keys_and_match_positionally():
    match rs.PartitionKey.single("a"):
        case rs.PartitionKey.Single(key):
            assert key == ["a"]
        case _:
            pytest.fail("not a single key")
    assert issubclass(rs.PartitionKey.Multi, rs.PartitionKey)
    assert rs.PartitionKey.Single(["a"]) == rs.PartitionKey.single("a")


def test_keys_pickle_and_cannot_be_changed():
    key = rs.PartitionKey.multi({"a": ["1", "2"]})
    assert pickle.loads(pickle.dumps(key)) == key
    with pytest.raises(AttributeError):
        key.keys = {}
    with pytest.raises(TypeError):
        rs.PartitionKey()


def test_expanding_gives_concrete_keys():
    assert [str(key) for key in rs.PartitionKey.single(["a", "b"]).expand()] == ["a", "b"]
    multi = rs.PartitionKey.multi({"x": ["1", "2"], "y": ["3", "4"]})
    assert [str(key) for key in multi.expand()] == ["x=1|y=3", "x=1|y=4", "x=2|y=3", "x=2|y=4"]


def test_a_context_needs_keys():
    with pytest.raises(ValueError, match="PartitionContext keys must not be empty"):
        rs.PartitionContext([], None)
    context = rs.PartitionContext([rs.PartitionKey.single("a")], None)
    assert context.key == rs.PartitionKey.single("a")
    assert context.time_window() is None
