"""Admission in process: which queued runs may start, and why the others may not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from rivers.definitions.snapshot import RunQueueDefinition, TagLimitDefinition

Tags = Sequence[tuple[str, str]]

#: The tag that says how urgent a run is; higher goes first.
PRIORITY = "rivers/priority"

_MOST = (1 << 31) - 1


def priority_of(tags: Tags) -> int:
    """The priority that tags give a run; 0 without one, or when it is no integer."""
    for key, value in tags:
        if key == PRIORITY:
            try:
                return max(-_MOST, min(int(value), _MOST))
            except ValueError:
                return 0
    return 0


class Room:
    """What is left of the limits. A blocked run takes nothing; an admitted one counts at once."""

    def __init__(self, settings: RunQueueDefinition, in_flight: Iterable[Tags]) -> None:
        self._settings = settings
        self._runs = 0
        self._counts: Counter[tuple[TagLimitDefinition, str]] = Counter()
        for tags in in_flight:
            self.take(tags)

    def blocked_by(self, tags: Tags) -> str | None:
        """Why a run cannot start now, in words; `None` when it can."""
        most = self._settings.max_concurrent_runs
        if 0 <= most <= self._runs:
            return f"global run limit ({self._runs}/{most})"
        for limit, label in self._matching(tags):
            count = self._counts[limit, label]
            if count >= limit.limit:
                return f"tag limit: {label} ({count}/{limit.limit})"
        return None

    def take(self, tags: Tags) -> None:
        """A run starts, or has started."""
        self._runs += 1
        self._counts.update(self._matching(tags))

    def _matching(self, tags: Tags) -> Iterator[tuple[TagLimitDefinition, str]]:
        """The limits that a run counts for, each with the counter in words."""
        for limit in self._settings.tag_limits:
            values = dict.fromkeys(value for key, value in tags if key == limit.key)
            if limit.value is not None:
                if limit.value in values:
                    yield limit, f"{limit.key}={limit.value}"
            elif limit.per_unique_value:
                for value in values:
                    yield limit, f"{limit.key}={value}"
            elif values:
                yield limit, limit.key
