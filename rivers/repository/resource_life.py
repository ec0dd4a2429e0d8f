"""The life of a repository's resources: set up once, torn down once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger("rivers.resources")


class ResourceLife:
    """Sets resources up and tears them down, in the order given. What has no `setup` or `teardown` is left alone."""

    __slots__ = ("_resources", "_up")

    def __init__(self, resources: Mapping[str, Any]) -> None:
        self._resources = resources
        self._up: dict[str, bool] = {}

    def begin(self) -> None:
        """Sets up what was never set up. An error passes through; what came before it stays set up."""
        for key, resource in self._resources.items():
            if key not in self._up:
                _call(resource, "setup")
                self._up[key] = True

    def end(self) -> None:
        """Tears down what is set up. An error is logged and keeps nothing else from being torn down."""
        for key, is_up in list(self._up.items()):
            if is_up:
                self._up[key] = False
                try:
                    _call(self._resources[key], "teardown")
                except Exception:
                    log.exception("teardown of resource %r failed", key)


def _call(resource: Any, verb: str) -> None:
    """Calls the verb of a `Resource`; other objects may have methods of that name for purposes of their own."""
    if any(cls.__qualname__ == "Resource" and cls.__module__ == "rivers.resources" for cls in type(resource).__mro__):
        getattr(resource, verb)()
