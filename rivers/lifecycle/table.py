"""Transition tables: what may follow what, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum, StrEnum
from typing import Generic, TypeVar

S = TypeVar("S", bound=IntEnum)
E = TypeVar("E", bound=StrEnum)


class IllegalTransitionError(Exception):
    """An event came in a state in which it cannot happen: a mistake in the code, never of a caller."""


class Table(Generic[S, E]):
    """A thing's transitions: (state, event) to the arrow, whose docstring tells why it exists."""

    def __init__(self, noun: str, initial: S, arrows: Mapping[tuple[S, E], tuple[S, Callable[..., None]]]) -> None:
        self.noun = noun
        self.initial = initial
        self.arrows: dict[tuple[S, E], tuple[S, Callable[..., None]]] = dict(arrows)

    def apply(self, subject: object, state: S, event: E, *details: object) -> S:
        """Runs the arrow on the subject and returns the next state."""
        try:
            target, arrow = self.arrows[state, event]  # a dict, so that a decision costs one look-up
        except KeyError:
            raise IllegalTransitionError(
                f"{self.noun} {subject!r} is {state.name}: the event {event.value!r} cannot happen to it; "
                f"it can only {', '.join(e.value for s, e in self.arrows if s == state) or 'stay'}"
            ) from None
        arrow(subject, *details)
        return target

    def allows(self, state: S, event: E) -> bool:
        """Whether the event can happen in the state."""
        return (state, event) in self.arrows
