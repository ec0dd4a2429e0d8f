"""The scheduler's one source of randomness."""

from __future__ import annotations

import os
import random
import uuid


class SystemChance:
    """Run ids are version 7 UUIDs (RFC 9562): 48 bits of milliseconds, then randomness."""

    def run_id(self, now_ns: int) -> str:
        """A new id; ids of later milliseconds sort behind earlier ones."""
        value = (now_ns // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
        value = value & ~(0xF << 76) | 7 << 76
        value = value & ~(0x3 << 62) | 2 << 62
        return str(uuid.UUID(int=value))

    def spread(self) -> float:
        """A number in [-1, 1], for jitter."""
        return random.uniform(-1.0, 1.0)
