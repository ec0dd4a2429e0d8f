"""The arithmetic of an attempt's lease. All times in seconds on the boot clock."""

from __future__ import annotations

import math

#: A lease without end: only evidence ends the attempt.
NEVER = math.inf
#: The longest duration of protobuf, 10,000 years: how "without end" travels.
ENDLESS = 315_576_000_000.0


def is_fresh(now: float, heard: float, lease: float) -> bool:
    """Whether an assignment may start (A3); `heard` is when the beat was sent that it names."""
    return now - heard < min(lease / 2, 30.0)


def stop_grace(lease: float) -> float:
    """How long before the end of the lease the body is asked politely."""
    return min(10.0, lease / 3)
