"""How often a location gives a sign of life: both sides reckon it from what they know of each other."""

from __future__ import annotations

#: Missing so many beats is silence.
SILENT = 5
#: Seconds; nobody beats more often than that because of a lease.
SHORTEST = 0.05
#: The shortest lease in seconds: a beat may be late, and another one, before a body is ended for it.
SHORTEST_LEASE = 10 * SHORTEST


def beat_interval(asked: float, step_lease: float | None) -> float:
    """Seconds between beats: what the scheduler asks for, or a tenth of the location's own lease if that is less."""
    return asked if step_lease is None else min(asked, max(step_lease / 10, SHORTEST))
