"""The resources of a run, or of one attempt: those of the repository, some with fields that the launch sets."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rivers.errors import ConfigurationError


class LaunchedResources:
    """A `with` block in which resources that the launch speaks of are set up anew; the others are the repository's."""

    __slots__ = ("_own", "_resources", "_settings")

    def __init__(self, resources: Mapping[str, Any], settings: Mapping[str, Mapping[str, Any]] | None) -> None:
        self._resources = resources
        self._settings = settings or {}
        self._own: list[tuple[str, Any]] = []

    def __enter__(self) -> Mapping[str, Any]:
        if not self._settings:
            return self._resources
        resources = dict(self._resources)
        for key, fields in self._settings.items():
            resources[key] = _with_fields(key, resources[key], fields)
        try:
            for key in self._settings:
                if hasattr(resources[key], "setup") and hasattr(resources[key], "teardown"):
                    resources[key].setup()
                    self._own.append((key, resources[key]))
        except BaseException:
            self.__exit__()
            raise
        return resources

    def __exit__(self, *_: object) -> None:
        for key, resource in self._own:
            try:
                resource.teardown()
            except Exception:  # as at the end of a repository
                logging.getLogger("rivers.resources").exception("teardown of resource %r failed", key)


def _with_fields(key: str, resource: Any, fields: Mapping[str, Any]) -> Any:
    """A resource of the same class with other fields, validated by its model."""
    kind = type(resource)
    if not hasattr(kind, "model_fields"):
        raise ConfigurationError(f"config sets fields of resource '{key}', which is a {kind.__name__} without fields")
    values = {name: getattr(resource, name) for name in kind.model_fields}
    return kind(**{**values, **fields})
