"""Asset records and staleness, as users read them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from rivers.repository.record import Record
from rivers.repository.storage.opened import Opened
from rivers.repository.storage.staleness import StaleCause, staleness
from rivers.repository.storage.stored_event import event_id
from rivers.storage import assets
from rivers.storage.assets import AssetRow


@dataclass(frozen=True, slots=True, init=False)
class AssetRecord(Record):
    """One asset: as it was last declared, and its last materialization, `None` before the first."""

    asset_key: str
    tags: list[str]
    kinds: list[str]
    group: str | None
    code_version: str | None
    last_event_id: str | None
    last_run_id: str | None
    last_timestamp: int | None
    last_data_version: str | None
    last_materialization_code_version: str | None
    last_input_data_versions: list[tuple[str, str]]
    pool: list[tuple[str, int]]


class AssetReads(Opened):
    """Reads of asset records."""

    __slots__ = ()

    def get_asset_record(self, asset_key: str) -> AssetRecord | None:
        """One asset's record."""
        with self._current() as connection:
            row = assets.get(connection, asset_key)
        return None if row is None else _record(row)

    def get_asset_records(self) -> list[AssetRecord]:
        """Every asset's record, also of assets that are defined no longer."""
        with self._current() as connection:
            return [_record(row) for row in assets.all(connection)]

    def get_assets_by_tag(self, tag: str) -> list[AssetRecord]:
        """Assets with this tag."""
        with self._current() as connection:
            return [_record(row) for row in assets.by_tag(connection, tag)]

    def get_assets_by_kind(self, kind: str) -> list[AssetRecord]:
        """Assets of this kind."""
        with self._current() as connection:
            return [_record(row) for row in assets.by_kind(connection, kind)]

    def get_assets_by_group(self, group: str) -> list[AssetRecord]:
        """Assets of this group."""
        with self._current() as connection:
            return [_record(row) for row in assets.by_group(connection, group)]

    def compute_staleness(self) -> dict[str, tuple[str, list[StaleCause]]]:
        """For every asset "UpToDate", "Stale" or "Missing", with the causes."""
        with self._current() as connection:
            return staleness(assets.all(connection))

    async def async_get_asset_record(self, asset_key: str) -> AssetRecord | None:
        """`get_asset_record`, off the event loop."""
        return await asyncio.to_thread(self.get_asset_record, asset_key)

    async def async_get_asset_records(self) -> list[AssetRecord]:
        """`get_asset_records`, off the event loop."""
        return await asyncio.to_thread(self.get_asset_records)

    async def async_get_assets_by_tag(self, tag: str) -> list[AssetRecord]:
        """`get_assets_by_tag`, off the event loop."""
        return await asyncio.to_thread(self.get_assets_by_tag, tag)

    async def async_get_assets_by_kind(self, kind: str) -> list[AssetRecord]:
        """`get_assets_by_kind`, off the event loop."""
        return await asyncio.to_thread(self.get_assets_by_kind, kind)

    async def async_get_assets_by_group(self, group: str) -> list[AssetRecord]:
        """`get_assets_by_group`, off the event loop."""
        return await asyncio.to_thread(self.get_assets_by_group, group)


def _record(row: AssetRow) -> AssetRecord:
    last = None if row.last_run_id is None or row.last_seq is None else event_id(row.last_run_id, row.last_seq)
    return AssetRecord.of(
        asset_key=row.asset_key,
        tags=list(row.tags),
        kinds=list(row.kinds),
        group=row.group,
        code_version=row.code_version,
        last_event_id=last,
        last_run_id=row.last_run_id,
        last_timestamp=row.last_at,
        last_data_version=row.last_data_version,
        last_materialization_code_version=row.last_code_version,
        last_input_data_versions=[(name, version) for name, version in row.last_input_data_versions],
        pool=[(name, int(slots)) for name, slots in row.pools],
    )
