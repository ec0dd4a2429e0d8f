"""The priority that tags ask for."""

from __future__ import annotations

from rivers.errors import InvalidRequestError

TAG = "rivers/priority"


def priority_of(tags: tuple[tuple[str, str], ...], default: int = 0) -> int:
    """What the tag says, -100 to 100; the default without it, and for a tag that is no number."""
    for key, value in tags:
        if key == TAG:
            try:
                priority = int(value)
            except ValueError:
                return default
            if not -100 <= priority <= 100:
                raise InvalidRequestError(f"tag {TAG} must be -100 to 100, got {priority}", field="tags")
            return priority
    return default
