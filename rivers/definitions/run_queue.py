"""How many runs may be in flight at once, and how the queue in front of them is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rivers.definitions.humantime import seconds
from rivers.definitions.snapshot import RunQueueDefinition, TagLimitDefinition


@dataclass(frozen=True, slots=True)
class TagConcurrencyLimit:
    """At most `limit` runs in flight that carry the tag `key`; 0 lets none through.

    With `value` only runs with that value count. Without, all runs with the key count together, or with
    `per_unique_value` those of each value for themselves.
    """

    key: str
    limit: int
    value: str | None = None
    per_unique_value: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.key, str):
            raise TypeError(f"key must be a str, not {type(self.key).__name__}")
        if self.value is not None and not isinstance(self.value, str):
            raise TypeError(f"value must be a str or None, not {type(self.value).__name__}")
        if not isinstance(self.per_unique_value, bool):
            raise TypeError(f"per_unique_value must be a bool, not {type(self.per_unique_value).__name__}")
        _whole("limit", self.limit)
        if self.limit < 0:
            raise OverflowError(f"limit must not be negative, got {self.limit}")
        if not self.key:
            raise ValueError("key must not be empty: name the tag that is limited")
        if self.value is not None and self.per_unique_value:
            raise ValueError(
                f"tag limit '{self.key}': value and per_unique_value exclude each other; "
                "leave value out to count each value for itself"
            )

    @property
    def definition(self) -> TagLimitDefinition:
        """The limit as frozen data."""
        return TagLimitDefinition(self.key, self.limit, self.value, self.per_unique_value)


@dataclass(frozen=True, slots=True, init=False)
class RunQueueConfig:
    """The run queue of a repository.

    `max_concurrent_runs` counts runs that left the queue and have not ended: a negative number is no limit, 0 admits
    nothing. `dequeue_interval` is the coordinator's period and `start_timeout` how long a run that left the queue may
    stay without a live executor, both as texts with a unit. Raises `ValueError` for a text that is no duration.
    """

    max_concurrent_runs: int
    tag_concurrency_limits: list[TagConcurrencyLimit]
    dequeue_interval: str
    start_timeout: str

    def __init__(
        self,
        max_concurrent_runs: int = 10,
        tag_concurrency_limits: Sequence[TagConcurrencyLimit] | None = None,
        dequeue_interval: str = "250ms",
        start_timeout: str = "180s",
    ) -> None:
        _whole("max_concurrent_runs", max_concurrent_runs)
        seconds(dequeue_interval, "dequeue_interval")
        seconds(start_timeout, "start_timeout")
        object.__setattr__(self, "max_concurrent_runs", max_concurrent_runs)
        object.__setattr__(self, "tag_concurrency_limits", _limits(tag_concurrency_limits))
        object.__setattr__(self, "dequeue_interval", dequeue_interval)
        object.__setattr__(self, "start_timeout", start_timeout)

    @property
    def definition(self) -> RunQueueDefinition:
        """The settings as frozen data, times in seconds, any negative limit as -1."""
        return RunQueueDefinition(
            max(self.max_concurrent_runs, -1),
            tuple(limit.definition for limit in self.tag_concurrency_limits),
            seconds(self.dequeue_interval, "dequeue_interval"),
            seconds(self.start_timeout, "start_timeout"),
        )


def _limits(limits: Any) -> list[TagConcurrencyLimit]:
    if limits is None:
        return []
    if isinstance(limits, str) or not isinstance(limits, Sequence):
        raise TypeError(f"tag_concurrency_limits must be a list of TagConcurrencyLimit, not {type(limits).__name__}")
    for limit in limits:
        if not isinstance(limit, TagConcurrencyLimit):
            raise TypeError(f"tag_concurrency_limits must be a list of TagConcurrencyLimit, got {type(limit).__name__}")
    return list(limits)


def _whole(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if not -(1 << 31) <= value < 1 << 31:
        raise OverflowError(f"{name} must fit 32 bits, got {value}")
