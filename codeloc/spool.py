"""The spool: what attempts of one store have reported, on disk until the scheduler has committed it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from codeloc.spool_records import (
    Record,
    RecordKind,
    decode_carried,
    decode_records,
    encode_carried,
    encode_record,
)

#: A segment that is larger is not appended to any more.
_SEGMENT_SIZE = 4 << 20


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the spool: a segment and an offset in it."""

    segment: int = 0
    offset: int = 0


@dataclass(slots=True)
class Spooled:
    """What the spool knows of one attempt. From `unbroken_from` on all its events are here; 0 when none are."""

    token: int
    boot: int
    is_started: bool = False
    is_ended: bool = False
    last_seq: int = 0
    unbroken_from: int = 0
    acked: int = 0


class Spool:
    """Append-only segment files `<number>.seg`. Records gather in memory until `flush`, which is one write.

    Each segment begins with what older ones say of attempts that are not forgotten, so an older one is removed when
    every event in it is acknowledged. A torn tail, as a kill leaves it, is cut off; each start begins a new segment.
    When the disk is full `flush` says so, keeps what it has and can be repeated.
    """

    def __init__(self, directory: Path, *, durable: bool = False, segment_size: int = _SEGMENT_SIZE) -> None:
        self.attempts: dict[int, Spooled] = {}
        self._directory = directory
        self._durable = durable
        self._segment_size = segment_size
        self._told: dict[int, dict[int, int]] = {}  # by segment: tokens, and their newest event in it
        self._segments: dict[int, list[int]] = {}  # segments by token
        self._graves: dict[int, dict[int, list[int]]] = {}  # by segment, who is forgotten in it: older segments
        self._pending = bytearray()
        self._unsynced = False
        self._file: int | None = None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for segment in self._on_disk():
            self._told[segment] = {}
            for record, _ in decode_records(self._path(segment).read_bytes()):
                self._learn(segment, record.kind, record.token, record.number, record.payload)
        for attempt in self.attempts.values():  # what is not here any more was acknowledged
            attempt.acked = attempt.unbroken_from - 1 if attempt.unbroken_from else attempt.last_seq
        self._segment = max(self._told, default=0) + 1
        self._told[self._segment] = {}
        self._size = 0
        self._has_head, self._head = False, 0
        self._newest_head = 0  # the newest segment whose beginning is on disk
        self._remove_settled()

    @property
    def end(self) -> Position:
        """Where the next record goes."""
        return Position(self._segment, self._size + len(self._pending))

    def append(self, kind: RecordKind, token: int, number: int = 0, payload: bytes = b"") -> None:
        """The next record. `number` is the boot of one that was received, and the seq of an event."""
        self._begin_segment()
        self._pending += encode_record(kind, token, number, payload)
        self._learn(self._segment, kind, token, number, payload)

    def acknowledged(self, token: int, seq: int) -> None:
        """Events of an attempt up to this one are committed elsewhere."""
        attempt = self.attempts.get(token)
        if attempt is None or seq <= attempt.acked:
            return
        attempt.acked = seq
        segments = self._segments.get(token)
        if segments and segments[0] != self._segment and self._is_settled(segments[0]):
            self._remove_settled()

    def flush(self) -> bool:
        """Writes what has gathered; false when the disk has no room for it."""
        if not self._write():
            return False
        if self._size - self._head >= self._segment_size:
            self._rotate()
        return True

    def read(self, position: Position, size: int) -> tuple[list[Record], Position]:
        """Events from a position on, about `size` bytes of them; an unmoved position means that there are no more."""
        records: list[Record] = []
        for segment in self._on_disk():
            if segment < position.segment:
                continue
            offset = position.offset if segment == position.segment else 0
            with open(self._path(segment), "rb") as file:
                file.seek(offset)
                content = file.read(size)
                whole = _whole(content)
                if whole > len(content):  # one record is larger than what was asked for
                    content += file.read(whole - len(content))
            read = 0
            for record, read in decode_records(content):  # noqa: B007 - the offset behind the last one counts
                if record.kind.is_event:
                    records.append(record)
            if read:
                return records, Position(segment, offset + read)
        return records, position

    def size_on_disk(self) -> int:
        """Bytes of all segments."""
        sizes = 0
        for segment in self._on_disk():
            with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                sizes += self._path(segment).stat().st_size
        return sizes

    def close(self) -> None:
        """Writes what it can. Segments that nobody needs are removed."""
        self._write()
        self._remove_settled()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        older = self._told.keys() - {self._segment}
        buried = self._graves.get(self._segment, {}).values()
        if not self._told[self._segment] and all(older.isdisjoint(segments) for segments in buried):
            self._path(self._segment).unlink(missing_ok=True)

    def _write(self) -> bool:
        if not self._pending and not self._unsynced:
            return True
        try:
            if self._file is None:
                path = self._path(self._segment)
                self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            while self._pending:
                written = os.write(self._file, self._pending)
                self._unsynced = self._durable
                del self._pending[:written]
                self._size += written
            if self._unsynced:
                os.fdatasync(self._file)
                self._unsynced = False
        except OSError:
            return False
        if self._has_head:
            self._newest_head = self._segment
        return True

    def _begin_segment(self) -> None:
        """Says at the beginning of a segment what the older ones say; it does not have to wait until it is known."""
        if self._has_head:
            return
        self._has_head = True
        for token, attempt in self.attempts.items():
            self._pending += encode_carried(token, attempt.last_seq, attempt.boot, attempt.is_started, attempt.is_ended)
            self._tell(self._segment, token, 0)
        self._head = len(self._pending)

    def _tell(self, segment: int, token: int, seq: int) -> None:
        told = self._told[segment]
        if token not in told:
            self._segments.setdefault(token, []).append(segment)
        told[token] = max(told.get(token, 0), seq)

    def _learn(self, segment: int, kind: RecordKind, token: int, number: int, payload: bytes) -> None:
        if kind is RecordKind.FORGOTTEN:
            self.attempts.pop(token, None)
            segments = self._segments.pop(token, [])
            for other in segments:
                self._told[other].pop(token, None)
            older = [other for other in segments if other != segment]
            if older:  # what is told of it in this segment goes with this record
                self._graves.setdefault(segment, {})[token] = older
            return
        seq = 0
        if kind is RecordKind.RECEIVED:
            self.attempts[token] = Spooled(token, number)
        elif kind is RecordKind.CARRIED:
            boot, is_started, is_ended = decode_carried(payload)
            attempt = self.attempts.setdefault(token, Spooled(token, boot))
            attempt.is_started |= is_started
            attempt.is_ended |= is_ended
            if number > attempt.last_seq:
                attempt.last_seq, attempt.unbroken_from = number, 0
        elif token not in self.attempts:
            return  # its beginning was in a segment that is gone, so it was forgotten
        else:
            attempt = self.attempts[token]
            if number != attempt.last_seq + 1 or not attempt.unbroken_from:
                attempt.unbroken_from = number
            attempt.last_seq = seq = number
            attempt.is_started |= kind is RecordKind.STARTED
            attempt.is_ended |= kind is RecordKind.ENDED
        self._tell(segment, token, seq)

    def _rotate(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._segment += 1
        self._told[self._segment] = {}
        self._size = 0
        self._has_head, self._head = False, 0
        self._remove_settled()

    def _is_settled(self, segment: int) -> bool:
        """Whether a segment says nothing that is needed and that no newer one says."""
        told = self._told[segment]
        if segment == self._segment or (told and segment >= self._newest_head):
            return False
        return all(self.attempts[token].acked >= seq for token, seq in told.items())

    def _remove_settled(self) -> None:
        """Removes segments that nobody needs. One that says who is forgotten in an older one hands that on."""
        settled = [segment for segment in self._told if self._is_settled(segment)]
        kept = self._told.keys() - settled
        for segment in settled:
            for token, segments in self._graves.get(segment, {}).items():
                left = [number for number in segments if number in kept]
                if left:
                    self._begin_segment()
                    self._pending += encode_record(RecordKind.FORGOTTEN, token, 0)
                    self._graves.setdefault(self._segment, {})[token] = left
        if not self._write():  # then only those go that owe nothing to what could not be written
            settled = [segment for segment in settled if self._told[segment] and not self._graves.get(segment)]
        for segment in settled:
            for token in self._told.pop(segment):
                self._segments[token].remove(segment)
            self._graves.pop(segment, None)
            with contextlib.suppress(FileNotFoundError):
                self._path(segment).unlink()

    def _on_disk(self) -> list[int]:
        return sorted(int(path.stem) for path in self._directory.glob("*.seg"))

    def _path(self, segment: int) -> Path:
        return self._directory / f"{segment:012d}.seg"


def _whole(content: bytes) -> int:
    """How many bytes the first record takes."""
    return 8 + int.from_bytes(content[4:8], "little") if len(content) >= 8 else len(content)
