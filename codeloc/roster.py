"""The roster: which workers there are, and which of the waiting attempts gets which."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from codeloc.attempts import HeldAttempt, Phase
from codeloc.lease import NEVER
from rivers.v1.step_service_pb2 import CallHooks


@dataclass(slots=True, eq=False)
class Seat:
    """One worker process. `home` is the run that it is the home process of, "" for a worker of all runs.

    `hooks` are those that it calls, at most until `hooks_until`.
    One that `is_leaving` ends because nobody needs it; one that `is_dying` is being killed, whoever needs it.
    """

    worker: int
    home: str = ""
    pid: int = 0
    is_ready: bool = False
    is_leaving: bool = False
    is_dying: bool = False
    attempt: HeldAttempt | None = None
    hooks: CallHooks | None = None
    hooks_until: float = NEVER

    @property
    def is_idle(self) -> bool:
        """Whether it can be given an attempt."""
        return self.is_ready and not self.is_leaving and not self.is_dying and self.attempt is None and not self.hooks


class Roster:
    """At most `workers` attempts run at a time, those in home processes included; `warm` workers are kept ready.

    Attempts get workers in the order of their arrival, except that nobody waits for a home process of another run.
    """

    def __init__(self, workers: int, warm: int = 1) -> None:
        self.workers = workers
        self.warm = min(warm, workers)
        self.seats: dict[int, Seat] = {}
        self.homes: dict[str, Seat] = {}
        self.busy = 0
        self._idle: list[Seat] = []  # the one that worked last works next: its memory is warm
        self.hooks: deque[CallHooks] = deque()
        self._queue: deque[HeldAttempt] = deque()
        self._home_queues: dict[str, deque[HeldAttempt]] = {}
        self._numbers = 0
        self._arrivals = 0

    def enqueue(self, attempt: HeldAttempt) -> None:
        """An attempt waits for a worker. One that ends while it waits needs no removal."""
        self._arrivals += 1
        attempt.arrival = self._arrivals
        queue = self._home_queues.setdefault(attempt.home, deque()) if attempt.home else self._queue
        queue.append(attempt)

    def take(self) -> tuple[HeldAttempt, Seat] | None:
        """The attempt to start now, with its worker, which is busy from here on."""
        if self.busy >= self.workers:
            return None
        head = _head(self._queue)
        seat = self._idle_worker() if head is not None else None
        if seat is None:
            head = None
        source = self._queue
        for run_id, queue in list(self._home_queues.items()):
            first = _head(queue)
            if first is None:
                del self._home_queues[run_id]
                continue
            home = self.homes.get(run_id)
            if home is not None and home.is_idle and (head is None or first.arrival < head.arrival):
                head, seat, source = first, home, queue
        if head is None or seat is None:
            return None
        source.popleft()
        if not seat.home:
            self._idle.remove(seat)
        seat.attempt = head
        head.worker = seat.worker
        self.busy += 1
        return head, seat

    def take_hooks(self) -> tuple[CallHooks, Seat] | None:
        """Hooks to be called now, with the worker that calls them, which is busy from here on."""
        if not self.hooks or self.busy >= self.workers or not self._idle:
            return None
        due, seat = self.hooks.popleft(), self._idle.pop()
        seat.hooks = due
        self.busy += 1
        return due, seat

    def open_seats(self) -> list[Seat]:
        """New workers to be started for what waits, and to keep some warm."""
        opened = [
            self._open(run_id)
            for run_id, queue in self._home_queues.items()
            if run_id not in self.homes and _head(queue) is not None
        ]
        crew = [seat for seat in self.seats.values() if not seat.home and not seat.is_leaving]
        room = self.workers - len(crew)
        if room <= 0:
            return opened
        coming = sum(1 for seat in crew if seat.attempt is None)
        waiting = len(self.hooks) + sum(1 for attempt in self._queue if attempt.phase is Phase.RECEIVED)
        wanted = min(max(waiting - coming, self.warm - len(crew)), room)
        return opened + [self._open("") for _ in range(wanted)]

    @property
    def opened(self) -> int:
        """How many workers were ever wanted."""
        return self._numbers

    @property
    def is_full(self) -> bool:
        """Whether attempts wait for a worker."""
        return bool(self._queue or self._home_queues)

    def ready(self, seat: Seat) -> None:
        """The worker has said that it is ready."""
        seat.is_ready = True
        if not seat.home and seat.is_idle:
            self._idle.append(seat)

    def release(self, seat: Seat) -> None:
        """The worker's attempt has ended, or its hooks have been called."""
        seat.attempt = seat.hooks = None
        seat.hooks_until = NEVER
        self.busy -= 1
        if not seat.home and seat.is_idle:
            self._idle.append(seat)

    def leave(self, seat: Seat) -> None:
        """The worker gets nothing more; its process is about to end."""
        seat.is_leaving = True
        if seat in self._idle:
            self._idle.remove(seat)
        if self.homes.get(seat.home) is seat:
            del self.homes[seat.home]

    def gone(self, seat: Seat) -> None:
        """The worker's process is dead."""
        self.leave(seat)
        if seat.attempt is not None or seat.hooks is not None:
            seat.attempt = seat.hooks = None
            self.busy -= 1
        self.seats.pop(seat.worker, None)

    def waiting(self, home: str | None = None) -> list[HeldAttempt]:
        """The attempts that wait: all of them, or those for one run's home process."""
        queues = [self._queue, *self._home_queues.values()] if home is None else [self._home_queues.get(home, ())]
        return [attempt for queue in queues for attempt in queue if attempt.phase is Phase.RECEIVED]

    def _open(self, home: str) -> Seat:
        self._numbers += 1
        seat = Seat(self._numbers, home)
        self.seats[seat.worker] = seat
        if home:
            self.homes[home] = seat
        return seat

    def _idle_worker(self) -> Seat | None:
        return self._idle[-1] if self._idle else None


def _head(queue: deque[HeldAttempt]) -> HeldAttempt | None:
    """The first that still waits."""
    while queue and queue[0].phase is not Phase.RECEIVED:
        queue.popleft()
    return queue[0] if queue else None
