"""The ids of a backfill's runs: made from its own id, so that drawing a unit again makes the same run again (B2)."""

from __future__ import annotations

import hashlib

#: What a version 8 UUID has room for.
_SEGMENTS, _UNITS, _HASH = 12, 32, 30


def unit_run_id(backfill_id: str, created_at: int, segment: int, unit: int) -> str:
    """A UUID of version 8 (RFC 9562) that sorts by when the backfill was made (nanoseconds), segment and unit."""
    digest = hashlib.blake2b(f"{backfill_id}/{segment}/{unit}".encode(), digest_size=4).digest()
    value = (created_at // 1_000_000 & (1 << 48) - 1) << 80
    value |= 8 << 76 | (segment & (1 << _SEGMENTS) - 1) << 64
    value |= 2 << 62 | (unit & (1 << _UNITS) - 1) << _HASH | int.from_bytes(digest, "big") >> 2
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
