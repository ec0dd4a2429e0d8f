"""The two lanes in which messages wait for the core (W7). Pure, and used by one thread.

What is large waits in the second lane: more than a little output of an attempt, and plans of many steps. Batches of the
two lanes take turns, and in the second lane locations do, so that a flood holds up nobody else. Lanes change the order
in which messages are decided about, within three rules:

- What is reported of an attempt stays in order; so its end waits for its own output, and is acknowledged after it.
- What concerns a location as a whole (its sessions, beats and definitions) overtakes nothing that came from it, and
  nothing that comes from it afterwards overtakes that.
- The second lane overtakes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

from rivers_server.core.inputs import (
    Beaten,
    ChangePartitions,
    CreateBackfill,
    Deregister,
    ForgetLocation,
    Message,
    Register,
    Reported,
    SessionClosed,
    SnapshotRead,
    Submit,
)
from rivers_server.core.line import Line, Waiting
from rivers_server.core.pieces import MAX_REPORTS, cut, output_of
from rivers_server.core.reports import Report

#: A batch is closed when it has so many messages (a message of a location counts for each of its reports), or when
#: what it brings reaches so many bytes: one commit keeps nobody waiting for long.
MAX_MESSAGES, MAX_BYTES = 500, 1 << 20
#: Seconds of deciding about messages after which a batch is closed, and the same for admissions.
LONGEST = 0.005
#: The bytes of a batch of the second lane.
MAX_SECOND_BYTES = 256 << 10
#: A request that brings more bytes is large.
LARGE = 64 << 10
#: Characters of output that go along in the first lane: in one report, and until a batch of that lane has been decided.
MAX_RIDER, MAX_RIDING = 16 << 10, 64 << 10

#: The line of callers; a location has a name.
_CALLERS = ""


class Lanes:
    """What waits: `put` takes a message in, `next_batch` shows what to decide about, `decided` lets go of it."""

    def __init__(self) -> None:
        self._first: deque[Waiting] = deque()
        self._count = self._size = self._riding = 0
        # How many messages have entered the first lane, and left it, ever.
        self._entered = self._left = 0
        # The second lane; the first line is served next.
        self._lines: dict[str, Line] = {}
        self._batch: list[Waiting] = []
        self._is_seconds_turn = False

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return bool(self._first or self._lines)

    @property
    def is_full(self) -> bool:
        """Whether a whole batch waits in the first lane."""
        return self._count >= MAX_MESSAGES or self._size >= MAX_BYTES

    def put(self, message: Message) -> None:
        """Takes a message in. What a location reports may be divided between the lanes, and into pieces."""
        match message:
            case Reported():
                self._put_reports(message)
            case Beaten() | SessionClosed() | SnapshotRead() | Register() | Deregister() | ForgetLocation():
                if message.location in self._lines:
                    self._enter_second(message.location, message, 0)
                else:
                    self._enter_first(message, 0)
            case _ if (size := _size_of(message)) > LARGE:
                self._enter_second(_CALLERS, message, size)
            case _:
                self._enter_first(message, size)

    def next_batch(self) -> list[Message]:
        """The next batch, which is of one lane. Its messages wait on until `decided` is called."""
        self._batch = []
        if self._is_seconds_turn or not self._first:
            self._batch = _bounded(self._in_turn(), MAX_SECOND_BYTES)
        self._is_seconds_turn = not self._batch
        if not self._batch:
            self._batch = _bounded(self._first, MAX_BYTES)
        return [one.message for one in self._batch]

    def decided(self, count: int) -> None:
        """So many messages of the last batch have been decided about; the rest of it comes first the next time."""
        for one in self._batch[:count]:
            if one.line is None:
                self._first.popleft()
                self._left, self._count, self._size = self._left + 1, self._count - one.counts, self._size - one.size
                self._riding = 0
            else:
                line = self._lines.pop(one.line)
                line.leave()
                if line:
                    self._lines[one.line] = line
        self._batch = []

    # -- within -----------------------------------------------------------------------------------------------------

    def _enter_first(self, message: Message, size: int, count: int = 1) -> None:
        self._first.append(Waiting(message, count, size))
        self._entered, self._count, self._size = self._entered + 1, self._count + count, self._size + size

    def _enter_second(self, name: str, message: Message, size: int) -> None:
        line = self._lines.setdefault(name, Line())
        line.note(message)
        line.waiting.append(Waiting(message, 1, size, name, self._entered))

    def _put_reports(self, message: Reported) -> None:
        line = self._lines.get(message.location) or Line()
        first: list[Report] = []
        second: list[Report] = []
        for report in message.reports:
            if line.must_follow(report) or not self._takes_along(output_of(report)):
                line.note(report)
                second.append(report)
            else:
                first.append(report)
        if not second and len(first) <= MAX_REPORTS:
            self._enter_first(message, message.size, len(first))
            return
        to_first, to_second = cut(message, (first, second))
        for piece in to_first:
            self._enter_first(piece, piece.size, len(piece.reports))
        for piece in to_second:
            line.waiting.append(Waiting(piece, len(piece.reports), piece.size, message.location, self._entered))
        if line:
            self._lines[message.location] = line

    def _takes_along(self, output: int) -> bool:
        """Whether the first lane takes a report with so many characters of output."""
        if output > MAX_RIDER or self._riding + output > MAX_RIDING:
            return not output
        self._riding += output
        return True

    def _in_turn(self) -> Iterator[Waiting]:
        """What of the second lane overtakes nothing, one of each line after the other."""
        lines = deque(iter(line.waiting) for line in self._lines.values())
        while lines:
            waiting = lines.popleft()
            if (one := next(waiting, None)) is not None and one.after <= self._left:
                yield one
                lines.append(waiting)


def _bounded(waiting: Iterable[Waiting], max_bytes: int) -> list[Waiting]:
    """The first of those that wait, as many as one batch takes; at least one."""
    batch: list[Waiting] = []
    count = size = 0
    for one in waiting:
        batch.append(one)
        count, size = count + one.counts, size + one.size
        if count >= MAX_MESSAGES or size >= max_bytes:
            break
    return batch


def _size_of(message: Message) -> int:
    """The bytes that a request brings, about."""
    match message:
        case Submit():
            return message.size
        case CreateBackfill():
            return len(message.plan)
        case ChangePartitions():
            return sum(map(len, message.keys))
    return 0
