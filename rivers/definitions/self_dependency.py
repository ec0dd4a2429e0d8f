"""An asset's dependency on its own previous output."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class SelfDependency(Generic[T]):
    """What a parameter `self: SelfDependency[T]` receives. It adds no edge to the graph."""

    __slots__ = ("_inner",)

    def __init__(self, inner: T | None = None) -> None:
        self._inner = inner

    def get_inner(self) -> T | None:
        """The previous output; `None` when there is none."""
        return self._inner

    def __repr__(self) -> str:
        return f"SelfDependency({self._inner!r})"
