"""Automation conditions as frozen data: trees of closed kinds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from rivers.definitions.kinds import ConditionKind

Kind = ConditionKind

_SUFFIXES = {
    Kind.NEWLY_TRUE: "newly_true",
    Kind.SINCE: "since",
    Kind.SINCE_LAST_HANDLED: "since_last_handled",
}


@dataclass(frozen=True)
class ConditionDefinition:
    """One node. `name` is what a named composition reads as, `label` what people call it; comparisons know neither.

    `lookback` in seconds. Of `keys` a single one that was given as text, not as a list, has `is_listed` unset.
    """

    kind: ConditionKind
    children: tuple[ConditionDefinition, ...] = ()
    cron: str = ""
    timezone: str | None = None
    lookback: float | None = None
    tag_keys: tuple[str, ...] = ()
    tag_values: tuple[tuple[str, str], ...] = ()
    keys: tuple[str, ...] = ()
    is_listed: bool = False
    name: str = field(default="", compare=False)
    label: str | None = field(default=None, compare=False)

    @property
    def description(self) -> str:
        """The full text of the tree."""
        if self.name:
            return self.name
        parts = [child.description for child in self.children]
        match self.kind:
            case Kind.AND:
                return f"({' & '.join(parts)})"
            case Kind.OR:
                return f"({' | '.join(parts)})"
            case Kind.NOT:
                return f"~{parts[0]}"
            case Kind.NEWLY_TRUE | Kind.SINCE | Kind.SINCE_LAST_HANDLED:
                return f"{parts[0]}.{_SUFFIXES[self.kind]}({', '.join(parts[1:])})"
            case Kind.ANY_DEPS | Kind.ALL_DEPS:
                return f"{self.kind.name.lower()}_match({parts[0]})"
            case Kind.SELECTED:
                keys = ", ".join(f"'{key}'" for key in self.keys)
                return f"asset_matches({f'[{keys}]' if self.is_listed else keys}, {parts[0]})"
            case _:
                return f"{self.kind.name.lower()}{self._arguments}"

    @property
    def _arguments(self) -> str:
        if self.cron:
            zone = "" if self.timezone is None else f", tz='{self.timezone}'"
            return f"('{self.cron}'{zone})"
        if self.lookback is not None:
            return f"(lookback={self.lookback:.15g})"
        if self.tag_keys or self.tag_values:
            return f"({', '.join([*self.tag_keys, *(f'{key}={value}' for key, value in self.tag_values)])})"
        return ""

    @cached_property
    def fingerprint(self) -> str:
        """The same for conditions that are built alike, whatever they are called."""
        return hashlib.sha256(self._structure().encode()).hexdigest()[:16]

    def _structure(self) -> str:
        arguments = (self.cron, self.timezone, self.lookback, self.tag_keys, self.tag_values, self.keys)
        children = ",".join(child._structure() for child in self.children)
        return f"{self.kind.value}{arguments if any(arguments) else ''}[{children}]"

    def walk(self) -> Iterator[ConditionDefinition]:
        """Every node, this one first."""
        yield self
        for child in self.children:
            yield from child.walk()
