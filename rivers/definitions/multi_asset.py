"""One function with several outputs."""

from __future__ import annotations

from typing import Any

from rivers.definitions.asset import Asset, Function, wrap
from rivers.definitions.dependency import AssetDef, check_inputs
from rivers.errors import AssetDefinitionError


class MultiAsset(Asset):
    """Several outputs of one function, each addressed by its own name; its own name is not selectable."""

    is_multi = True
    output_defs: list[AssetDef]


def multi_asset(function: Function, output_defs: list[AssetDef], options: dict[str, Any]) -> MultiAsset:
    """The multi-asset that wraps the function."""
    if not isinstance(output_defs, (list, tuple)) or not all(isinstance(output, AssetDef) for output in output_defs):
        raise TypeError("output_defs must be a list of AssetDef")
    asset = object.__new__(MultiAsset)
    vars(asset).update(options, output_defs=list(output_defs))
    wrap(asset, function, options["name"])
    if any(output.name is None for output in output_defs):
        raise AssetDefinitionError(f"multi-asset '{asset.name}': every AssetDef needs a name")
    for output in output_defs:
        check_inputs(output.deps, asset.signature.names)
    return asset
