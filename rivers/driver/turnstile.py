"""What a gate tells the run whose steps pass it."""

from __future__ import annotations

from typing import Protocol

from rivers.lifecycle.states import EventType


class Turnstile(Protocol):
    """A run, as far as its gate is concerned."""

    def tell_slots(self, ordinal: int, kind: EventType, *facts: tuple[str, str]) -> None:
        """The event is recorded, unless the step has ended."""

    def try_again(self, ordinals: list[int]) -> None:
        """Steps that waited may find room now."""

    def refuse(self, ordinal: int, error: BaseException) -> None:
        """The step fails without having started."""
