"""What IO handlers are told: `OutputContext` and `InputContext`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rivers.kernel.notes import OutputNotes

if TYPE_CHECKING:
    from rivers.partitions.context import PartitionContext


class OutputContext(OutputNotes):
    """The output that a handler stores. What the handler adds goes into the materialization."""

    __slots__ = ("asset_metadata", "asset_name", "partition", "type_hint")

    def __init__(
        self,
        asset_name: str,
        asset_metadata: Mapping[str, str] | None = None,
        partition: PartitionContext | None = None,
        type_hint: Any = None,
    ) -> None:
        self._metadata = None
        self._data_version = None
        self.asset_name = asset_name
        self.asset_metadata = asset_metadata
        self.partition = partition
        self.type_hint = type_hint

    def __repr__(self) -> str:
        return f"OutputContext(asset_name={self.asset_name!r})"


class InputContext:
    """The input that a handler loads: `asset_name` for `downstream_asset`."""

    __slots__ = ("asset_metadata", "asset_name", "downstream_asset", "partition", "type_hint")

    def __init__(
        self,
        asset_name: str,
        downstream_asset: str,
        asset_metadata: Mapping[str, str] | None = None,
        partition: PartitionContext | None = None,
        type_hint: Any = None,
    ) -> None:
        self.asset_name = asset_name
        self.downstream_asset = downstream_asset
        self.asset_metadata = asset_metadata
        self.partition = partition
        self.type_hint = type_hint

    def __repr__(self) -> str:
        return f"InputContext(asset_name={self.asset_name!r}, downstream_asset={self.downstream_asset!r})"
