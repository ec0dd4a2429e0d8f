"""What a spool's segment holds, as bytes."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

_FRAME = struct.Struct("<II")  # CRC-32 of what follows the checksum, length of the body
_CARRIED = struct.Struct("<Q??")  # boot, started, ended
_HEAD = struct.Struct("<BQQ")  # kind, token, boot or seq


class RecordKind(IntEnum):
    """What a record says about its attempt."""

    RECEIVED = 1
    EVENT = 2
    STARTED = 3
    ENDED = 4
    FORGOTTEN = 5
    CARRIED = 6

    @property
    def is_event(self) -> bool:
        """Whether the record carries an event to be sent."""
        return self in _EVENTS


_EVENTS = frozenset({RecordKind.EVENT, RecordKind.STARTED, RecordKind.ENDED})


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `number` is the boot of RECEIVED, the seq of an event, and the newest seq of one CARRIED over."""

    kind: RecordKind
    token: int
    number: int
    payload: bytes = b""


def encode_carried(token: int, last_seq: int, boot: int, is_started: bool, is_ended: bool) -> bytes:
    """What older segments say of an attempt."""
    return encode_record(RecordKind.CARRIED, token, last_seq, _CARRIED.pack(boot, is_started, is_ended))


def decode_carried(payload: bytes) -> tuple[int, bool, bool]:
    """Boot, whether it was started, whether it has ended."""
    return _CARRIED.unpack(payload)


def encode_record(kind: RecordKind, token: int, number: int, payload: bytes = b"") -> bytes:
    """The bytes of one record."""
    body = _HEAD.pack(kind, token, number) + payload
    return _FRAME.pack(zlib.crc32(body), len(body)) + body


def decode_records(content: bytes, offset: int = 0) -> Iterator[tuple[Record, int]]:
    """The records from an offset on, each with the offset behind it; ends at the first that is not whole."""
    while offset + _FRAME.size <= len(content):
        checksum, length = _FRAME.unpack_from(content, offset)
        end = offset + _FRAME.size + length
        body = content[offset + _FRAME.size : end]
        if length < _HEAD.size or len(body) < length or zlib.crc32(body) != checksum:
            return
        kind, token, number = _HEAD.unpack_from(body)
        yield Record(RecordKind(kind), token, number, body[_HEAD.size :]), end
        offset = end
