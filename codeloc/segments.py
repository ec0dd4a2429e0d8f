"""Names of nodes and runs as segments of a path."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from urllib.parse import quote

#: Longer ones are cut; file systems take 255 bytes.
_LONGEST = 200


@lru_cache(maxsize=4096)
def encode_segment(name: str) -> str:
    """One segment of a path for any name: percent-encoded, different for different names.

    A very long name keeps its beginning and a digest of the whole, set off by `~`, which no other segment contains.
    """
    if name in ("", ".", ".."):
        raise ValueError(f"{name!r} cannot be part of a path")
    encoded = quote(name, safe="", errors="surrogatepass").replace("~", "%7E")
    if len(encoded) > _LONGEST:
        digest = hashlib.sha256(encoded.encode()).hexdigest()[:32]
        encoded = f"{encoded[:120]}~{digest}"
    return encoded
