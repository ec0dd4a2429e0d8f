"""Which commands there are. Their names come from installed entry points; a command is imported when it is invoked."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterator, MutableMapping
from types import FunctionType
from typing import Any

import typer

from rivers.errors import ConfigurationError

GROUP = "rivers.commands"

#: One line each, so that the overview needs no import. In the order in which a newcomer meets them.
SUMMARIES = {
    "dev": "Run a scheduler and code locations on this machine.",
    "materialize": "Run everything that a module defines, in this process.",
    "backfill": "Run partitions of a module's assets, here or by a scheduler.",
    "backfill-status": "Print how far a backfill of a module is.",
    "backfill-cancel": "Cancel a backfill of a module.",
    "scheduler": "Run the scheduler.",
    "serve": "Serve a module as a code location.",
    "runs": "Submit, list, watch and cancel runs.",
    "backfills": "Submit, list, watch, pause and cancel backfills.",
    "locations": "Show code locations.",
    "assets": "Show assets.",
    "jobs": "Show jobs.",
    "partitions": "Show partitions; add and remove dynamic ones.",
    "pools": "Show pools; set limits.",
    "queue": "Show and cancel queued runs.",
    "tokens": "Make, list and revoke tokens.",
    "db": "Look after a database.",
    "doctor": "Check a set-up and say what is wrong.",
}


class Commands(MutableMapping[str, Any]):
    """Commands by name; an item is imported when it is asked for, names are not."""

    def __init__(self, convert: Callable[[Any], Any]) -> None:
        self._convert = convert
        self._points: dict[str, importlib.metadata.EntryPoint] | None = None
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            self._loaded[name] = self._convert(_load(self._found()[name]))
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        self._loaded.pop(name, None)
        self._found().pop(name, None)

    def __iter__(self) -> Iterator[str]:
        names = {**self._found(), **self._loaded}
        yield from (name for name in SUMMARIES if name in names)
        yield from sorted(name for name in names if name not in SUMMARIES)

    def __len__(self) -> int:
        return len({**self._found(), **self._loaded})

    def summary(self, name: str) -> str:
        """One line about a command, without importing it."""
        point = self._found().get(name)
        return SUMMARIES.get(name) or (f"From {point.value.partition(':')[0]}." if point is not None else "")

    def _found(self) -> dict[str, importlib.metadata.EntryPoint]:
        if self._points is None:
            self._points = {point.name: point for point in importlib.metadata.entry_points(group=GROUP)}
        return self._points


def _load(point: importlib.metadata.EntryPoint) -> Any:
    try:
        found = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"command {point.name!r} cannot be loaded from {point.value!r}: {error}") from error
    if isinstance(found, FunctionType):
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(point.name)(found)
        return single
    return found
