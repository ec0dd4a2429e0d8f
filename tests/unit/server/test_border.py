"""The border of the scheduler: what of a request is refused before anybody looks at what it means."""

from __future__ import annotations

import pytest
from google.protobuf.message import Message

from rivers.errors import ConfigurationError, InvalidRequestError, OverloadedError
from rivers.v1.identity_pb2 import DimensionValues, KeySet, KeyValues, MultiKey, PartitionKey
from rivers.v1.location_service_pb2 import RegisterRequest
from rivers.v1.run_pb2 import Launch
from rivers.v1.run_service_pb2 import (
    BatchSubmitRunsRequest,
    CancelRunRequest,
    ListRunsRequest,
    Selection,
    SubmitRunRequest,
    WatchRunRequest,
)
from rivers.v1.value_pb2 import ListValue, MapEntry, MapValue, Tag, Value
from rivers.wire.values import encode_map
from rivers_server.api.border import Border
from rivers_server.api.pages import decode_token, encode_token
from rivers_server.limits import Limits
from rivers_server.watch import Watches

LIMITS = Limits(
    nodes=3,
    tags=2,
    batch=2,
    name_characters=10,
    tag_key_characters=4,
    tag_value_characters=5,
    request_id_characters=6,
    reason_characters=7,
    page_token_characters=8,
    config_bytes=200,
    config_depth=3,
    partition_values=3,
    partition_depth=2,
    page=4,
)


def nested(depth: int) -> Value:
    """Lists within lists."""
    value = Value(int_value=1)
    for _ in range(depth):
        value = Value(list_value=ListValue(values=[value]))
    return value


def single(*values: str) -> PartitionKey:
    return PartitionKey(single=KeyValues(values=values))


def keys(*members: PartitionKey) -> PartitionKey:
    return PartitionKey(set=KeySet(keys=members))


REFUSED: list[tuple[Message, str, list[str]]] = [
    (SubmitRunRequest(location="x" * 11), "location", ["10", "11", "xxx"]),
    (SubmitRunRequest(location="a\0b"), "location", ["NUL"]),
    (SubmitRunRequest(job="\0"), "job", ["NUL"]),
    (SubmitRunRequest(request_id="r" * 7), "request_id", ["6", "7"]),
    (SubmitRunRequest(parent_run_id="p" * 11), "parent_run_id", ["10", "11"]),
    (SubmitRunRequest(selection=Selection(nodes=["a"] * 4)), "selection.nodes", ["3", "4"]),
    (SubmitRunRequest(selection=Selection(nodes=["a", "b\0"])), "selection.nodes[1]", ["NUL"]),
    (SubmitRunRequest(tags=[Tag(key="a")] * 3), "tags", ["2", "3"]),
    (SubmitRunRequest(tags=[Tag(key="12345")]), "tags[0].key", ["4", "5"]),
    (SubmitRunRequest(tags=[Tag(key="a", value="123456")]), "tags[0].value", ["5", "6"]),
    (SubmitRunRequest(tags=[Tag(key="a", value="\0")]), "tags[0].value", ["NUL"]),
    (SubmitRunRequest(launch=Launch(cause=77)), "launch.cause", ["77"]),
    (SubmitRunRequest(launch=Launch(cause=-(2**31))), "launch.cause", ["-2147483648"]),
    (SubmitRunRequest(launch=Launch(name="\0")), "launch.name", ["NUL"]),
    (SubmitRunRequest(config=encode_map({"a": "x" * 300})), "config", ["200"]),
    (SubmitRunRequest(config=MapValue(entries=[MapEntry(key="a", value=nested(3))])), "config", ["4", "3"]),
    (SubmitRunRequest(config=MapValue(entries=[MapEntry(key="a")] * 2)), "config", ["'a'", "twice"]),
    (SubmitRunRequest(partition_key=PartitionKey()), "partition_key", ["no partition"]),
    (SubmitRunRequest(partition_key=single()), "partition_key.single.values", ["empty"]),
    (SubmitRunRequest(partition_key=single("a", "b", "c", "d")), "partition_key", ["3", "4"]),
    (SubmitRunRequest(partition_key=single("a\0")), "partition_key.single.values[0]", ["NUL"]),
    (SubmitRunRequest(partition_key=PartitionKey(multi=MultiKey())), "partition_key.multi.dimensions", ["empty"]),
    (
        SubmitRunRequest(partition_key=PartitionKey(multi=MultiKey(dimensions=[DimensionValues(dimension="d")]))),
        "partition_key.multi.dimensions[0].values",
        ["empty"],
    ),
    (
        SubmitRunRequest(
            partition_key=PartitionKey(multi=MultiKey(dimensions=[DimensionValues(dimension="d", values="v")] * 2))
        ),
        "partition_key",
        ["'d'", "twice"],
    ),
    (SubmitRunRequest(partition_key=keys()), "partition_key", ["no partition"]),
    (SubmitRunRequest(partition_key=keys(keys(single("a")))), "partition_key.set.keys[0].set.keys[0]", ["2", "3"]),
    (BatchSubmitRunsRequest(requests=[SubmitRunRequest()] * 3), "requests", ["2", "3"]),
    (CancelRunRequest(run_id="r", reason="12345678"), "reason", ["7", "8"]),
    (ListRunsRequest(states=[1, 99]), "states[1]", ["99"]),
    (ListRunsRequest(states=[1] * 5), "states", ["4", "5"]),
    (ListRunsRequest(page_token="123456789"), "page_token", ["8", "9"]),
    (WatchRunRequest(run_id="r", after_seq=1 << 63), "after_seq", [str((1 << 63) - 1), str(1 << 63)]),
    (RegisterRequest(boot=(1 << 64) - 1), "boot", [str((1 << 64) - 1)]),
]


@pytest.mark.parametrize(("request_", "field", "words"), REFUSED, ids=[field for _, field, _ in REFUSED])
def test_what_is_over_a_limit_is_refused_in_one_sentence(request_: Message, field: str, words: list[str]) -> None:
    with pytest.raises(InvalidRequestError) as raised:
        Border(LIMITS).check(request_)
    assert raised.value.field == field
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1_000
    for word in words:
        assert word in str(raised.value)


def test_what_is_within_the_limits_passes() -> None:
    config = encode_map({"a": {"b": [1, float("nan"), float("inf"), -(2**63), "\0"]}})
    request = SubmitRunRequest(
        location="l" * 10,
        selection=Selection(nodes=["a", "b", "c"]),
        tags=[Tag(key="kkkk", value="vvvvv")] * 2,
        config=config,
        request_id="123456",
        launch=Launch(cause=5),
        partition_key=keys(single("a", "b"), single("c")),
    )
    Border(LIMITS).check(request)
    Border(LIMITS).check(BatchSubmitRunsRequest(requests=[request, SubmitRunRequest(location="\0")]))
    Border(LIMITS).check(WatchRunRequest(run_id="r", after_seq=(1 << 63) - 1))
    Border(LIMITS).check(SubmitRunRequest())


@pytest.mark.parametrize(
    "token",
    [
        "!",
        "é" * 10,
        encode_token(1 << 63, "a"),
        encode_token(-1, "a"),
        encode_token(1, "\ud800"),
        encode_token(1, "\0"),
        encode_token(True, "a"),
        encode_token(1),
        "W1tbW1tbW1tb" * 300,
    ],
)
def test_a_page_token_of_somebody_else_is_refused(token: str) -> None:
    with pytest.raises(InvalidRequestError, match="page_token"):
        decode_token(token, int, str)


def test_a_watcher_beyond_the_limit_is_refused_and_its_place_is_given_back() -> None:
    watches = Watches(Limits(watchers=3, watchers_per_connection=2))
    with watches.on("r", "one"), watches.on("r", "one"):
        with pytest.raises(OverloadedError, match="at most 2 can be followed over one"), watches.on("r", "one"):
            raise AssertionError
        with watches.on("s", "two"), pytest.raises(OverloadedError, match="at most 3"), watches.on("r", "three"):
            raise AssertionError
        with watches.on("r", "three"):
            pass
    with watches.on("r", "one"), watches.on("r", "one"):
        pass


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["wathcers=1"], ["wathcers", "watchers_per_connection"]),
        (["watchers"], ["whole number", "watchers=100"]),
        (["watchers=-1"], ["whole number"]),
        (["watchers=²"], ["whole number"]),
        (["watchers=0"], ["at least 1", "got 0"]),
        (["config_depth=21"], ["at most 20", "got 21"]),
    ],
)
def test_limits_that_cannot_be_are_refused(given: list[str], words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as raised:
        Limits.parse(given)
    for word in words:
        assert word in f"{raised.value} {raised.value.remedy}"


def test_limits_are_given_by_name() -> None:
    assert Limits.parse(["watchers=7", "page=9"]) == Limits(watchers=7, page=9)
    assert Limits.parse([]) == Limits()


def test_every_limit_is_documented(pytestconfig: pytest.Config) -> None:
    page = (pytestconfig.rootpath / "docs" / "limits.md").read_text()
    assert [name for name in Limits.__slots__ if f"`{name}`" not in page] == []
