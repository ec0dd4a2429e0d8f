"""Distinct numbers in an order of their own, kept as runs of consecutive ones: a million in a row take no memory."""

from __future__ import annotations

import zlib
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import accumulate


class Spans:
    """Numbers from 0 on, each once. `starts` and `lengths` describe the runs, in order."""

    def __init__(self, starts: array[int], lengths: array[int]) -> None:
        self.starts = starts
        self.lengths = lengths

    @classmethod
    def between(cls, start: int, stop: int) -> Spans:
        """The numbers from one to before another."""
        return cls(array("q", [start]), array("q", [stop - start])) if stop > start else cls(array("q"), array("q"))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Spans:
        """These numbers, in this order. The caller has seen to it that none comes twice."""
        starts, lengths = array("q"), array("q")
        following = -1
        length = 0
        for number in numbers:
            if number == following:
                length += 1
            else:
                if length:
                    lengths.append(length)
                starts.append(number)
                length = 1
            following = number + 1
        if length:
            lengths.append(length)
        return cls(starts, lengths)

    @classmethod
    def runs(cls, runs: Iterable[tuple[int, int]]) -> Spans:
        """Runs of consecutive numbers, each by its start and its length."""
        starts, lengths = array("q"), array("q")
        for start, length in runs:
            starts.append(start)
            lengths.append(length)
        return cls(starts, lengths)

    @classmethod
    def from_bytes(cls, image: bytes) -> Spans:
        """The numbers of `to_bytes`."""
        numbers = array("q")
        numbers.frombytes(zlib.decompress(image))
        half = len(numbers) // 2
        return cls(numbers[:half], numbers[half:])

    def to_bytes(self) -> bytes:
        """Packed, for a row."""
        return zlib.compress((self.starts + self.lengths).tobytes(), 1)

    @cached_property
    def count(self) -> int:
        """How many numbers there are."""
        return sum(self.lengths)

    def at(self, place: int) -> int:
        """The number at a place from 0; `IndexError` outside."""
        if not 0 <= place < self.count:
            raise IndexError(place)
        span = bisect_right(self._ends, place)
        return self.starts[span] + place - (self._ends[span - 1] if span else 0)

    def place_of(self, number: int) -> int | None:
        """The place of a number, `None` for one that is not there."""
        starts, spans = self._sorted
        found = bisect_right(starts, number) - 1
        if found < 0:
            return None
        span = spans[found] if spans is not None else found
        offset = number - starts[found]
        if offset >= self.lengths[span]:
            return None
        return offset + (self._ends[span - 1] if span else 0)

    def between_places(self, start: int, stop: int) -> Iterator[int]:
        """The numbers from one place to before another."""
        stop = min(stop, self.count)
        if start >= stop:
            return
        span = bisect_right(self._ends, start)
        left = stop - start
        skipped = start - (self._ends[span - 1] if span else 0)
        while left > 0:
            first = self.starts[span] + skipped
            taken = min(self.lengths[span] - skipped, left)
            yield from range(first, first + taken)
            left -= taken
            span, skipped = span + 1, 0

    def __iter__(self) -> Iterator[int]:
        for start, length in zip(self.starts, self.lengths, strict=True):
            yield from range(start, start + length)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spans):
            return NotImplemented
        return (self.starts, self.lengths) == (other.starts, other.lengths)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{start}..{start + length - 1}" if length > 1 else str(start)
            for start, length in zip(self.starts[:10], self.lengths[:10], strict=True)
        )
        return f"Spans({shown}{', ...' if len(self.starts) > 10 else ''})"

    @cached_property
    def _ends(self) -> array[int]:
        return array("q", accumulate(self.lengths))

    @cached_property
    def _sorted(self) -> tuple[array[int], array[int] | None]:
        """The starts in ascending order, and which span each is of; `None` when the spans are in that order."""
        starts = self.starts
        if all(starts[n] < starts[n + 1] for n in range(len(starts) - 1)):
            return starts, None
        order = array("q", sorted(range(len(starts)), key=starts.__getitem__))
        return array("q", [starts[span] for span in order]), order
