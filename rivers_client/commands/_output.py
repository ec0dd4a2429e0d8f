"""Captured output, printed as it comes: raw, or each line with its step's name when several steps speak."""

from __future__ import annotations

import sys
from types import TracebackType

from rivers.cli.printing import print_json_line
from rivers_client import LogChunk


class Output:
    """Prints chunks. A chunk may end within a line; a line that is named is printed when it is complete."""

    def __init__(self, *, named: bool, as_json: bool) -> None:
        self._named = named
        self._as_json = as_json
        self._rests: dict[tuple[str, int], str] = {}

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for (step, _), rest in self._rests.items():
            if rest:
                self._print(f"{step} | {rest}\n")

    def write(self, chunk: LogChunk) -> None:
        """Prints a chunk."""
        if self._as_json:
            print_json_line(chunk)
        elif not self._named:
            self._print(chunk.text)
        else:
            place = chunk.step_key, int(chunk.stream)
            *lines, rest = (self._rests.get(place, "") + chunk.text).split("\n")
            self._rests[place] = rest
            self._print("".join(f"{chunk.step_key} | {line}\n" for line in lines))

    def _print(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
