"""An asset that is composed of tasks."""

from __future__ import annotations

import inspect
from typing import Any

from rivers.definitions.asset import Asset, Function, wrap
from rivers.definitions.composition import Composition
from rivers.definitions.handlers import IOHandler
from rivers.definitions.signature import EMPTY
from rivers.errors import AssetDefinitionError


class GraphAsset(Asset):
    """A composition of tasks. Its steps are named `asset/task`; the asset itself is the last of them."""

    is_graph = True
    node_io_handler: IOHandler
    composition: Composition


def graph_asset(function: Function, options: dict[str, Any]) -> GraphAsset:
    """The graph asset of a body, which is run here, once, to record what it calls."""
    asset = object.__new__(GraphAsset)
    vars(asset).update(options)
    wrap(asset, function, options["name"], checks_inputs=False)
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise AssetDefinitionError(
            f"graph asset '{asset.name}': its body only says which tasks it calls; write it as a plain function"
        )
    composition = Composition(asset.name)
    parameters = [parameter for parameter in asset.signature.parameters if parameter.default is EMPTY]
    composition.record(function, {one.name: one.kind is one.KEYWORD_ONLY for one in parameters})
    vars(asset).update(composition=composition, is_async=False)
    return asset
