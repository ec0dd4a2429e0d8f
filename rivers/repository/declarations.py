"""What a repository may be given to hold: assets and tasks with a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rivers.definitions.asset import Asset, AssetTemplate
from rivers.definitions.task import Task
from rivers.errors import AssetDefinitionError, TaskDefinitionError
from rivers.repository import arguments


def assets(assets: Any) -> tuple[Asset, ...]:
    """The assets of a repository."""
    if isinstance(assets, (str, Mapping)) or not isinstance(assets, Sequence):
        raise TypeError(f"assets must be a sequence of assets, not {type(assets).__name__}")
    for asset in assets:
        if isinstance(asset, AssetTemplate):
            raise AssetDefinitionError(f"asset {asset.name!r} wraps no function: it is a decorator")
        if not isinstance(asset, Asset):
            raise AssetDefinitionError(f"assets must be assets, not {type(asset).__name__}: decorate with @rs.Asset")
    return tuple(assets)


def tasks(tasks: Any) -> tuple[Task, ...]:
    """Its tasks, if it has any."""
    found = arguments.instances("tasks", tasks, Task)
    for task in found:
        if task.function is None:
            raise TaskDefinitionError(f"task {task.name!r} wraps no function: it is a decorator")
    return found
