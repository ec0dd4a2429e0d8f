"""The resources of a worker: set up when a step first needs them, torn down when the worker ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rivers.repository.resource_life import ResourceLife


class WorkerResources:
    """Resources by key. Each is set up once in the life of the worker; what its `setup` raises fails the step."""

    def __init__(self, resources: Mapping[str, Any]) -> None:
        self._resources = resources
        self._lives: dict[str, ResourceLife] = {}

    def take(self, keys: Iterable[str]) -> Mapping[str, Any]:
        """All resources; those with these keys are set up."""
        for key in keys:
            if key not in self._lives and key in self._resources:
                life = ResourceLife({key: self._resources[key]})
                life.begin()
                self._lives[key] = life
        return self._resources

    def tear_down(self) -> None:
        """Ends what was set up, in the order in which it was."""
        for life in self._lives.values():
            life.end()
        self._lives.clear()
