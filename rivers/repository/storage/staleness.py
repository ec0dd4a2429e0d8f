"""Which assets are out of date, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from rivers.repository.record import Record
from rivers.storage.assets import AssetRow


@dataclass(frozen=True, slots=True, init=False)
class StaleCause(Record):
    """One reason why an asset is stale; `dependency` is the upstream asset of a `Data` cause."""

    asset_key: str
    category: str
    reason: str
    dependency: str | None


def staleness(rows: Sequence[AssetRow]) -> dict[str, tuple[str, list[StaleCause]]]:
    """Every asset's status, from what its last materialization was made of and what its upstreams are now."""
    by_key = {row.asset_key: row for row in rows}
    status: dict[str, tuple[str, list[StaleCause]]] = {}
    for key in _upstreams_first(by_key):
        row = by_key[key]
        causes = [] if row.last_run_id is None else _causes(row, by_key, status)
        status[key] = ("Missing" if row.last_run_id is None else "Stale" if causes else "UpToDate", causes)
    return {row.asset_key: status[row.asset_key] for row in rows}


def _causes(
    row: AssetRow, by_key: dict[str, AssetRow], status: dict[str, tuple[str, list[StaleCause]]]
) -> list[StaleCause]:
    causes = []
    if row.code_version != row.last_code_version:
        causes.append(_cause(row, "Code", "code version changed", None))
    for upstream, version in row.last_input_data_versions:
        now = by_key.get(upstream)
        if now is None or now.last_data_version is None:
            continue
        if now.last_data_version != version:
            causes.append(_cause(row, "Data", f"upstream '{upstream}' has new data version", upstream))
        elif status.get(upstream, ("", []))[0] == "Stale":
            causes.append(_cause(row, "Data", f"upstream '{upstream}' is stale", upstream))
    return causes


def _cause(row: AssetRow, category: str, reason: str, dependency: str | None) -> StaleCause:
    return StaleCause.of(asset_key=row.asset_key, category=category, reason=reason, dependency=dependency)


def _upstreams_first(by_key: dict[str, AssetRow]) -> list[str]:
    edges = {key: [name for name, _ in row.last_input_data_versions if name in by_key] for key, row in by_key.items()}
    try:
        return list(TopologicalSorter(edges).static_order())
    except CycleError:  # definitions changed direction between two materializations
        return list(by_key)
