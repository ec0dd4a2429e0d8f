"""The spool: what attempts of one store have reported, on disk until the scheduler has committed it."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from codeloc.spool_records import Record, RecordKind, decode_records, encode_record

#: A segment that is larger is not appended to any more.
_SEGMENT_SIZE = 4 << 20


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the spool: a segment and an offset in it."""

    segment: int = 0
    offset: int = 0


@dataclass(slots=True)
class Spooled:
    """What the spool knows of one attempt."""

    token: int
    boot: int
    is_started: bool = False
    is_ended: bool = False
    last_seq: int = 0


class Spool:
    """Append-only segment files `<number>.seg`. Records gather in memory until `flush`, which is one write.

    A segment is removed when every attempt that it tells of is forgotten. A torn tail, as a kill leaves it, is cut off;
    each start begins a new segment. When the disk is full `flush` says so, keeps what it has and can be repeated.
    """

    def __init__(self, directory: Path, *, durable: bool = False, segment_size: int = _SEGMENT_SIZE) -> None:
        self.attempts: dict[int, Spooled] = {}
        self._directory = directory
        self._durable = durable
        self._segment_size = segment_size
        self._told: dict[int, set[int]] = {}  # tokens by segment
        self._segments: dict[int, list[int]] = {}  # segments by token
        self._graves: dict[int, dict[int, list[int]]] = {}  # by segment, who is forgotten in it: older segments
        self._pending = bytearray()
        self._unsynced = False
        self._file: int | None = None
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for segment in self._on_disk():
            self._told[segment] = set()
            for record, _ in decode_records(self._path(segment).read_bytes()):
                self._learn(segment, record.kind, record.token, record.number)
        self._segment = max(self._told, default=0) + 1
        self._told[self._segment] = set()
        self._size = 0
        self._remove_settled()

    @property
    def end(self) -> Position:
        """Where the next record goes."""
        return Position(self._segment, self._size + len(self._pending))

    def append(self, kind: RecordKind, token: int, number: int = 0, payload: bytes = b"") -> None:
        """The next record. `number` is the boot of one that was received, and the seq of an event."""
        self._pending += encode_record(kind, token, number, payload)
        self._learn(self._segment, kind, token, number)

    def flush(self) -> bool:
        """Writes what has gathered; false when the disk has no room for it."""
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
        if self._size >= self._segment_size:
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
        self.flush()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        if not self._told[self._segment]:
            self._path(self._segment).unlink(missing_ok=True)

    def _learn(self, segment: int, kind: RecordKind, token: int, number: int) -> None:
        if kind is RecordKind.FORGOTTEN:
            self.attempts.pop(token, None)
            segments = self._segments.pop(token, [])
            for other in segments:
                self._told[other].discard(token)
            older = [other for other in segments if other != segment]
            if older:  # what is told of it in this segment goes with this record
                self._graves.setdefault(segment, {})[token] = older
            return
        if kind is RecordKind.RECEIVED:
            self.attempts[token] = Spooled(token, number)
        elif (attempt := self.attempts.get(token)) is None:
            return  # its beginning was in a segment that is gone, so it was forgotten
        else:
            attempt.last_seq = number
            attempt.is_started |= kind is RecordKind.STARTED
            attempt.is_ended |= kind is RecordKind.ENDED
        told = self._told[segment]
        if token not in told:
            told.add(token)
            self._segments.setdefault(token, []).append(segment)

    def _rotate(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._segment += 1
        self._told[self._segment] = set()
        self._size = 0
        self._remove_settled()

    def _remove_settled(self) -> None:
        """Removes segments that nobody needs. One that says who is forgotten in an older one hands that on."""
        settled = [number for number, told in self._told.items() if not told and number != self._segment]
        for segment in settled:
            del self._told[segment]
        for segment in settled:
            for token, segments in self._graves.pop(segment, {}).items():
                left = [number for number in segments if number in self._told]
                if left:
                    self._pending += encode_record(RecordKind.FORGOTTEN, token, 0)
                    self._graves.setdefault(self._segment, {})[token] = left
        if self.flush():
            for segment in settled:
                with contextlib.suppress(FileNotFoundError):
                    self._path(segment).unlink()

    def _on_disk(self) -> list[int]:
        return sorted(int(path.stem) for path in self._directory.glob("*.seg"))

    def _path(self, segment: int) -> Path:
        return self._directory / f"{segment:012d}.seg"


def _whole(content: bytes) -> int:
    """How many bytes the first record takes."""
    return 8 + int.from_bytes(content[4:8], "little") if len(content) >= 8 else len(content)
