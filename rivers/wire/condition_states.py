"""What conditions remember ↔ `rivers.v1`."""

from __future__ import annotations

from collections.abc import Iterable

from rivers.automation.facts import Cell, Cells
from rivers.automation.state import ConditionState
from rivers.v1 import automation_pb2, identity_pb2
from rivers.wire.identity import decode_partition_key, encode_partition_key
from rivers.wire.times import decode_datetime, encode_time

_MICROSECOND = 1_000


def encode_condition_state(state: ConditionState) -> automation_pb2.ConditionState:
    """A condition's state, to the microsecond."""
    seconds = int(state.at.timestamp())
    message = automation_pb2.ConditionState(
        fingerprint=state.fingerprint,
        position=state.position,
        at_time=encode_time(seconds * 1_000_000_000 + state.at.microsecond * _MICROSECOND),
        requested=_encode_cells(state.requested),
    )
    for path in sorted(state.held):
        if state.held[path]:
            message.held.add(path=path, cells=_encode_cells(state.held[path]))
    for path in sorted(state.versions):
        seen = message.versions.add(path=path)
        for cell, version in state.versions[path].items():
            seen.versions.add(cell=_encode_cell(cell), version=version)
    return message


def decode_condition_state(message: automation_pb2.ConditionState) -> ConditionState:
    """A condition's state. A node that held nothing is not in it."""
    return ConditionState(
        fingerprint=message.fingerprint,
        position=message.position,
        at=decode_datetime(message.at_time),
        requested=_decode_cells(message.requested.cells),
        held={held.path: _decode_cells(held.cells.cells) for held in message.held},
        versions={
            seen.path: {decode_partition_key(one.cell): one.version for one in seen.versions}
            for seen in message.versions
        },
    )


def _encode_cells(cells: Cells) -> automation_pb2.Cells:
    ordered = sorted(cells, key=str)
    return automation_pb2.Cells(cells=[_encode_cell(cell) for cell in ordered])


def _encode_cell(cell: Cell) -> identity_pb2.PartitionKey:
    return identity_pb2.PartitionKey() if cell is None else encode_partition_key(cell)


def _decode_cells(cells: Iterable[identity_pb2.PartitionKey]) -> Cells:
    return frozenset(decode_partition_key(cell) for cell in cells)
