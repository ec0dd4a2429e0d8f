"""Keys of dynamic definitions: which texts may be one."""

from __future__ import annotations

from rivers.errors import StorageError

_RESERVED = "|,"


def check_dynamic_key(key: str) -> None:
    """`StorageError` for a key that no dynamic definition can have."""
    if not key:
        raise StorageError("dynamic partition keys must not be empty")
    for character in _RESERVED:
        if character in key:
            raise StorageError(
                f"partition key '{key}' contains reserved character '{character}' (used by the canonical display form)"
            )
