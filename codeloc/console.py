"""The terminal, or whatever else standard error of the supervisor is."""

from __future__ import annotations

import contextlib
import sys


def tell(text: str) -> None:
    """Writes text that is for whoever started the location. A terminal that is gone stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
        sys.stderr.flush()
