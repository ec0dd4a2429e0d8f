"""The steps of a run that are ready, by lane, in plan order; and the free places of each lane."""

from __future__ import annotations

from heapq import heappop, heappush

from rivers.driver.lanes import Lane

_UNBOUNDED = 1 << 30


class Queues:
    """Used under the run's lock. Without a loop, coroutines wait for the calling thread as plain steps do."""

    __slots__ = (
        "_coroutine_places",
        "_coroutines",
        "_has_loop",
        "_inline",
        "_inline_coroutines",
        "_places",
        "_workers",
    )

    def __init__(self, *, workers: int | None, coroutines: int | None, has_loop: bool) -> None:
        self._inline: list[int] = []
        self._inline_coroutines: list[int] = []
        self._workers: list[int] = []
        self._coroutines: list[int] = []
        self._places = workers
        self._coroutine_places = _UNBOUNDED if coroutines is None else coroutines
        self._has_loop = has_loop

    def __bool__(self) -> bool:
        return bool(self._inline or self._inline_coroutines or self._workers or self._coroutines)

    @property
    def has_inline(self) -> bool:
        """Whether there is work for the calling thread."""
        return bool(self._inline or self._inline_coroutines)

    @property
    def has_elsewhere(self) -> bool:
        """Whether steps wait for a worker or the event loop."""
        return bool(self._workers or self._coroutines)

    def put(self, ordinal: int, lane: Lane, *, is_alone: bool = False) -> None:
        """The step is ready. `is_alone`: it runs on the calling thread with no other coroutine beside it."""
        if lane is Lane.WORKER:
            heappush(self._workers, ordinal)
        elif lane is not Lane.COROUTINE or (is_alone and not self._has_loop):
            heappush(self._inline, ordinal)
        else:
            heappush(self._coroutines if self._has_loop else self._inline_coroutines, ordinal)

    def pop_inline(self) -> list[int]:
        """The next step for the calling thread; when it is a coroutine, all coroutines that are ready."""
        if self._inline_coroutines and not (self._inline and self._inline[0] < self._inline_coroutines[0]):
            together, self._inline_coroutines = sorted(self._inline_coroutines), []
            return together
        return [heappop(self._inline)] if self._inline else []

    def pop_elsewhere(self) -> tuple[Lane, int] | None:
        """The next step that has a place in another lane, which it takes."""
        if self._workers and self._has_place():
            return Lane.WORKER, heappop(self._workers)
        if self._coroutines and self._coroutine_places > 0:
            self._coroutine_places -= 1
            return Lane.COROUTINE, heappop(self._coroutines)
        return None

    def next_for_worker(self) -> int | None:
        """The step that is next to have a place among the workers."""
        return self._workers[0] if self._workers else None

    def relieve(self, ordinal: int) -> bool:
        """Gives it the place of a step that has ended, if it is still the next one."""
        if self.next_for_worker() != ordinal:
            return False
        heappop(self._workers)
        return True

    def release(self, lane: Lane) -> None:
        """A place in the lane is free again; there is no end of places on the calling thread."""
        if lane is Lane.WORKER:
            self._places = 1 + (self._places or 0)
        elif lane is Lane.COROUTINE:
            self._coroutine_places += 1

    def clear(self) -> None:
        """Nothing new starts."""
        for queue in (self._inline, self._inline_coroutines, self._workers, self._coroutines):
            queue.clear()

    def _has_place(self) -> bool:
        """Takes a worker's place, if there is one. Without a number there is one for each CPU."""
        if self._places is None:
            from loky import cpu_count  # type: ignore[import-untyped]  # slow to load, and most runs need no worker

            self._places = int(cpu_count())
        if self._places <= 0:
            return False
        self._places -= 1
        return True
