"""Partitions definitions of a snapshot: each is sent once, however many assets have it, and long ones in pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rivers.definitions.snapshot import Snapshot
from rivers.errors import InvalidRequestError
from rivers.partitions.definition import PartitionsDefinition
from rivers.v1 import definition_service_pb2
from rivers.v1.partitions_pb2 import PartitionsDefinition as Message
from rivers.wire.partitions import decode_partitions, encode_partitions

#: Keys of one piece.
_AT_ONCE = 4096


class SharedPartitions:
    """The definitions of a snapshot by number, from 1; those of dimensions come before what they belong to."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._numbers: dict[int, int] = {}
        self._definitions: list[PartitionsDefinition] = []
        for step in snapshot.steps:
            for output in step.outputs:
                if output.partitions is not None:
                    self._add(output.partitions)

    def number_of(self, definition: PartitionsDefinition) -> int:
        """The number of a definition."""
        return self._numbers[id(definition)]

    def pieces(self) -> Iterator[definition_service_pb2.SharedPartitions]:
        """What is sent of all of them."""
        for number, definition in enumerate(self._definitions, start=1):
            if isinstance(definition, PartitionsDefinition.Static):
                keys = definition.keys
                for start in range(0, len(keys) or 1, _AT_ONCE):
                    piece = definition_service_pb2.SharedPartitions(number=number)
                    piece.definition.static.SetInParent()
                    piece.definition.static.keys.extend(keys[start : start + _AT_ONCE])
                    yield piece
            else:
                yield definition_service_pb2.SharedPartitions(number=number, definition=self._encode(definition))

    def _add(self, definition: PartitionsDefinition) -> None:
        if id(definition) in self._numbers:
            return
        if isinstance(definition, PartitionsDefinition.Multi):
            for _, dimension in definition.dimensions:
                self._add(dimension)
        self._definitions.append(definition)
        self._numbers[id(definition)] = len(self._definitions)

    def _encode(self, definition: PartitionsDefinition) -> Message:
        if not isinstance(definition, PartitionsDefinition.Multi):
            return encode_partitions(definition)
        target = Message()
        for name, dimension in definition.dimensions:
            target.multi.dimensions.add(name=name, shared=self.number_of(dimension))
        return target


def read_shared(pieces: Iterable[definition_service_pb2.SharedPartitions]) -> dict[int, PartitionsDefinition]:
    """The definitions by number, as objects that are shared again."""
    whole: dict[int, Message] = {}
    for piece in pieces:
        if piece.number in whole and piece.definition.WhichOneof("kind") == "static":
            whole[piece.number].static.keys.extend(piece.definition.static.keys)
        else:
            whole[piece.number] = piece.definition
    found: dict[int, PartitionsDefinition] = {}
    for number, message in whole.items():
        if message.WhichOneof("kind") != "multi":
            found[number] = decode_partitions(message)
            continue
        dimensions = [
            (one.name, shared(found, one.shared) if one.shared else decode_partitions(one.definition))
            for one in message.multi.dimensions
        ]
        found[number] = PartitionsDefinition.Multi(dimensions)
        found[number].check()
    return found


def shared(found: dict[int, PartitionsDefinition], number: int) -> PartitionsDefinition:
    """The definition of a number."""
    if number not in found:
        raise InvalidRequestError(f"partitions definition number {number} was not sent before it was referred to")
    return found[number]
