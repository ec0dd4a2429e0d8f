"""How long steps wait for slots of pools, and how often they look where nobody can wake them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

from rivers.definitions.humantime import seconds

TIMEOUT = "RIVERS_CLAIM_TIMEOUT"
POLL_INTERVAL = "RIVERS_CLAIM_POLL_INTERVAL"
POLL_JITTER = "RIVERS_CLAIM_POLL_JITTER"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: in all, `None` for as long as it takes; between two looks; and at most so much more, by chance."""

    timeout: float | None
    interval: float
    jitter: float


@cache
def patience() -> Patience:
    """As the environment said when this process first claimed a slot."""
    timeout = os.environ.get(TIMEOUT)
    return Patience(
        seconds(timeout, TIMEOUT) if timeout else None,
        seconds(os.environ.get(POLL_INTERVAL) or "1s", POLL_INTERVAL),
        seconds(os.environ.get(POLL_JITTER) or "500ms", POLL_JITTER),
    )


def printed(duration: float) -> str:
    """A duration in seconds, in short."""
    return f"{duration:g}s" if duration >= 1.0 or not duration else f"{duration * 1000:g}ms"
