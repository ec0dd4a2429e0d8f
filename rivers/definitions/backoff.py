"""The wait before the next attempt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rivers.definitions.kinds import BackoffKind
from rivers.errors import ConfigurationError


@dataclass(frozen=True, slots=True, init=False)
class Backoff:
    """How long to wait before the next attempt, in seconds; made by the factories below."""

    kind: BackoffKind
    delay: float
    initial: float
    factor: float
    schedule: tuple[float, ...]
    jitter: float
    max_delay: float | None

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError("Backoff has no constructor: use Backoff.constant, linear, exponential or fixed")

    @staticmethod
    def constant(delay: float, *, jitter: float = 0.0, max_delay: float | None = None) -> Backoff:
        """Always `delay`."""
        return _backoff(BackoffKind.CONSTANT, delay=delay, jitter=jitter, max_delay=max_delay)

    @staticmethod
    def linear(step: float, *, initial: float = 0.0, jitter: float = 0.0, max_delay: float | None = None) -> Backoff:
        """`initial + step * n` before attempt `n + 1`."""
        return _backoff(BackoffKind.LINEAR, delay=step, initial=initial, jitter=jitter, max_delay=max_delay)

    @staticmethod
    def exponential(
        initial: float, *, factor: float = 2.0, jitter: float = 0.0, max_delay: float | None = None
    ) -> Backoff:
        """`initial * factor ** (n - 1)` before attempt `n + 1`."""
        if not factor > 0:
            raise ConfigurationError(f"Backoff.exponential factor must be > 0, got {factor}")
        return _backoff(BackoffKind.EXPONENTIAL, delay=initial, factor=factor, jitter=jitter, max_delay=max_delay)

    @staticmethod
    def fixed(schedule: Sequence[float], *, jitter: float = 0.0) -> Backoff:
        """The n-th entry before attempt `n + 1`; the last one repeats."""
        entries = tuple(_seconds("schedule", entry) for entry in schedule)
        if not entries:
            raise ConfigurationError("Backoff.fixed requires a non-empty schedule")
        return _backoff(BackoffKind.FIXED, schedule=entries, jitter=jitter)


def _backoff(
    kind: BackoffKind,
    *,
    delay: float = 0.0,
    initial: float = 0.0,
    factor: float = 2.0,
    schedule: tuple[float, ...] = (),
    jitter: float,
    max_delay: float | None = None,
) -> Backoff:
    if not 0.0 <= jitter <= 1.0:
        raise ConfigurationError(f"jitter must be between 0.0 and 1.0, got {jitter}")
    if not math.isfinite(factor):
        raise ConfigurationError(f"Backoff.exponential factor must be finite, got {factor}")
    backoff = object.__new__(Backoff)
    fields: dict[str, object] = {
        "kind": kind,
        "delay": _seconds("delay", delay),
        "initial": _seconds("initial", initial),
        "factor": float(factor),
        "schedule": schedule,
        "jitter": float(jitter),
        "max_delay": None if max_delay is None or max_delay == math.inf else _seconds("max_delay", max_delay),
    }
    for name, value in fields.items():
        object.__setattr__(backoff, name, value)
    return backoff


def _seconds(name: str, value: float) -> float:
    """Seconds; what is negative or no number is no wait."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}")
    if value == math.inf:
        raise ConfigurationError(f"Backoff {name} must be finite, got inf")
    return float(value) if value > 0 else 0.0
