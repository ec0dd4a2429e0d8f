"""Partitions definitions of a snapshot travel once each, and long ones in pieces."""

from datetime import datetime

import pytest

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import OutputDefinition, Snapshot, StepDefinition
from rivers.errors import InvalidRequestError
from rivers.partitions.definition import PartitionsDefinition
from rivers.wire import definitions

LONG = PartitionsDefinition.static_([f"customer number {n}" for n in range(200_000)])
DAYS = PartitionsDefinition.daily(datetime(2024, 1, 1))
GRID = PartitionsDefinition.multi({"day": DAYS, "customer": LONG})


def _snapshot(*partitions):
    return Snapshot(
        tuple(
            StepDefinition(f"a{n}", StepKind.ASSET, (OutputDefinition(f"a{n}", partitions=one),))
            for n, one in enumerate(partitions)
        )
    )


def test_many_assets_with_many_keys_take_little():
    snapshot = _snapshot(*[LONG, GRID, DAYS, None] * 100)
    parts = list(definitions.encode_snapshot(snapshot))
    assert max(part.ByteSize() for part in parts) < 1_000_000
    assert sum(part.ByteSize() for part in parts) < 6_000_000
    received = definitions.decode_snapshot(parts[0].header, [part.slice for part in parts[1:]])
    assert received == snapshot
    assert len({id(step.outputs[0].partitions) for step in received.steps}) == 4


def test_a_number_that_stands_for_nothing_is_refused():
    parts = list(definitions.encode_snapshot(_snapshot(DAYS)))
    slices = [part.slice for part in parts[1:]]
    slices[0].steps[0].outputs[0].shared_partitions = 7
    with pytest.raises(InvalidRequestError, match="partitions definition number 7 was not sent"):
        definitions.decode_snapshot(parts[0].header, slices)
