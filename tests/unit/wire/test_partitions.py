"""Partitions definitions, mappings, ranges and strategies come back as they were."""

import pytest
from hypothesis import given

from rivers.errors import InvalidRequestError, PartitionDefinitionError
from rivers.v1 import partitions_pb2
from rivers.wire import partitions
from tests.unit.wire import strategies as some


def over_the_wire(message):
    return type(message).FromString(message.SerializeToString())


@given(some.partitions)
def test_a_definition_survives_the_wire(definition):
    received = partitions.decode_partitions(over_the_wire(partitions.encode_partitions(definition)))
    assert received == definition
    assert repr(received) == repr(definition)


@given(some.mappings)
def test_a_mapping_survives_the_wire(mapping):
    assert partitions.decode_mapping(over_the_wire(partitions.encode_mapping(mapping))) == mapping


@given(some.key_ranges)
def test_a_range_survives_the_wire(given_range):
    assert partitions.decode_range(over_the_wire(partitions.encode_range(given_range))) == given_range


@given(some.backfill_strategies)
def test_a_strategy_survives_the_wire(strategy):
    assert partitions.decode_strategy(over_the_wire(partitions.encode_strategy(strategy))) == strategy


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        (partitions.decode_partitions, partitions_pb2.PartitionsDefinition()),
        (partitions.decode_mapping, partitions_pb2.PartitionMapping()),
        (partitions.decode_range, partitions_pb2.PartitionKeyRange()),
        (partitions.decode_strategy, partitions_pb2.BackfillStrategy()),
    ],
)
def test_what_is_not_known_here_is_refused(decode, message):
    with pytest.raises(InvalidRequestError, match="not known here"):
        decode(message)


@pytest.mark.parametrize(
    "message",
    [
        partitions_pb2.PartitionsDefinition(static={}),
        partitions_pb2.PartitionsDefinition(dynamic={}),
        partitions_pb2.PartitionsDefinition(
            multi={"dimensions": [{"name": "a|b", "definition": {"static": {"keys": ["a"]}}}]}
        ),
        partitions_pb2.PartitionsDefinition(time_window={"cron": "no", "format": "%Y"}),
        partitions_pb2.PartitionsDefinition(time_window={"cron": "0 0 * * *", "format": "%Y"}),
    ],
)
def test_what_makes_no_definition_is_refused(message):
    with pytest.raises(PartitionDefinitionError):
        partitions.decode_partitions(message)
