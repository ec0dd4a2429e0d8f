"""The keywords that declarations share: what each may be, and its stored form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from rivers.definitions.closed_set import ClosedSet
from rivers.definitions.retry_policy import RetryPolicy
from rivers.errors import AssetDefinitionError

if TYPE_CHECKING:
    from rivers.definitions.automation_condition import AutomationCondition

Pools: TypeAlias = list[tuple[str, int]]
Member = TypeVar("Member", bound=ClosedSet)


def listed(names: Iterable[str]) -> str:
    """Names as messages list them."""
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"


def text(name: str, value: Any) -> str | None:
    """A text or nothing."""
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} must be a str or None, not {type(value).__name__}")
    return value


def required_text(name: str, value: Any) -> str:
    """A text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    return value


def texts(name: str, value: Any) -> list[str] | None:
    """A list of texts or nothing."""
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(entry, str) for entry in value):
        raise TypeError(f"{name} must be a list of str or None")
    return list(value)


def kinds(value: Any) -> list[str]:
    """Kinds: one text is a list of one."""
    return [value] if isinstance(value, str) else texts("kinds", value) or []


def metadata(value: Any) -> dict[str, str] | None:
    """Static metadata."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"metadata must be a dict[str, str] or None, not {type(value).__name__}")
    for key, entry in value.items():
        if not isinstance(key, str) or not isinstance(entry, str):
            raise TypeError(f"metadata must be a dict[str, str]: {key!r} is {type(entry).__name__}")
    return dict(value)


def tags(value: Any) -> dict[str, str] | None:
    """Tags of runs, by key."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise TypeError(f"tags must be a dict[str, str] or None, not {type(value).__name__}")
    for key, entry in value.items():
        if not isinstance(key, str) or not isinstance(entry, str):
            raise TypeError(f"tags must be a dict[str, str]: {key!r} is {type(entry).__name__}")
    return dict(value)


def member(name: str, value: Any, kind: type[Member]) -> Member:
    """A member of a closed set."""
    if not isinstance(value, kind):
        raise TypeError(f"{name} must be a {kind.__name__}, not {type(value).__name__}")
    return value


def automation_condition(value: Any) -> AutomationCondition | None:
    """A condition or nothing."""
    if value is None:
        return None
    from rivers.definitions.automation_condition import AutomationCondition

    if not isinstance(value, AutomationCondition):
        raise TypeError(f"automation_condition must be an AutomationCondition or None, not {type(value).__name__}")
    return value


def retry(value: Any) -> RetryPolicy | str | None:
    """A policy, or the name of one."""
    if value is not None and not isinstance(value, (RetryPolicy, str)):
        raise TypeError(f"retry must be a RetryPolicy, a str or None, not {type(value).__name__}")
    return value


def pools(pool: Any, slots: Any) -> Pools:
    """Claims as pairs; a pool without a count of its own claims one slot."""
    if pool is None:
        return []
    names = [pool] if isinstance(pool, str) else texts("pool", pool) or []
    if slots is None:
        return [(name, 1) for name in names]
    if _is_count(slots):
        return [(name, slots) for name in names]
    if not isinstance(slots, Mapping) or not all(
        isinstance(name, str) and _is_count(count) for name, count in slots.items()
    ):
        raise AssetDefinitionError("pool_slots must be an int or dict[str, int]")
    for name in slots:
        if name not in names:
            raise AssetDefinitionError(f"pool_slots key '{name}' not in pool list {listed(names)}")
    return [(name, slots.get(name, 1)) for name in names]


def absent(name: str, value: Any) -> None:
    """Something that this version has no class for yet."""
    if value is not None:
        raise TypeError(f"{name} is not available in this version of rivers: leave it out")


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
