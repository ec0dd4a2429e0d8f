"""Assets: each as it was last defined, and what its last materialization left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from rivers.storage.images import Pairs, names_of, names_text, pairs_of, pairs_text
from rivers.storage.multirow import Insert, Values
from rivers.storage.rows import MaterializationRow
from rivers.storage.schema import assets as table

_DEFINITION = ["location", "tags", "kinds", "group_name", "code_version", "pools"]
_LAST = ["last_run_id", "last_seq", "last_at", "last_data_version", "last_token", "last_inputs"]

#: A materialization leaves the definition alone, and remembers which code version was declared then.
MATERIALIZE = Insert(
    table, ["asset_key", *_LAST], update=_LAST, assign={"last_code_version": f"{table.name}.code_version"}
)

#: Of an asset that is produced elsewhere only the data version is known.
OBSERVE = Insert(table, ["asset_key", "last_data_version"], update=["last_data_version"])

_DEFINE = Insert(table, ["asset_key", *_DEFINITION], update=_DEFINITION)
_DEFINITIONS = select(*(table.c[name] for name in ["asset_key", *_DEFINITION]))
_ALL = select(*(table.c[name] for name in ["asset_key", *_DEFINITION, *_LAST, "last_code_version"])).order_by(
    table.c.asset_key
)
_GET = _ALL.where(table.c.asset_key == bindparam("asset_key"))
_SOME = _ALL.where(table.c.asset_key.in_(bindparam("keys", expanding=True)))
_BY_GROUP = _ALL.where(table.c.group_name == bindparam("group_name"))


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset's record. Below the gap: of its last materialization, `None` before the first."""

    asset_key: str
    location: str = ""
    tags: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    group: str | None = None
    code_version: str | None = None
    pools: tuple[tuple[str, int], ...] = ()

    last_run_id: str | None = None
    last_seq: int | None = None
    last_at: int | None = None
    last_data_version: str | None = None
    last_token: int | None = None
    last_input_data_versions: Pairs = ()
    last_code_version: str | None = None


def image(row: MaterializationRow) -> Values:
    """What a materialization leaves in its asset's row."""
    inputs = pairs_text(row.input_data_versions)
    return row.asset_key, row.run_id, row.seq, row.at, row.data_version, row.token, inputs


def _definition(row: AssetRow) -> Values:
    return (
        row.asset_key,
        row.location,
        names_text(row.tags),
        names_text(row.kinds),
        row.group,
        row.code_version,
        pairs_text(row.pools),
    )


def _row(row: Row[*tuple[Any, ...]]) -> AssetRow:
    key, location, tags, kinds, group, code_version, pools, run_id, seq, at, version, token, inputs, last_code = row
    return AssetRow(
        asset_key=key,
        location=location,
        tags=names_of(tags),
        kinds=names_of(kinds),
        group=group,
        code_version=code_version,
        pools=pairs_of(pools),
        last_run_id=run_id,
        last_seq=seq,
        last_at=at,
        last_data_version=version,
        last_token=token,
        last_input_data_versions=pairs_of(inputs),
        last_code_version=last_code,
    )


def define(connection: Connection, rows: Sequence[AssetRow]) -> None:
    """Makes these assets' records say what is declared now; their materializations and other assets are left alone."""
    known = {tuple(row) for row in connection.execute(_DEFINITIONS)}
    _DEFINE.run(connection, [image for image in map(_definition, rows) if image not in known])


def get(connection: Connection, asset_key: str) -> AssetRow | None:
    """One asset's record."""
    found = connection.execute(_GET, {"asset_key": asset_key}).one_or_none()
    return _row(found) if found is not None else None


def all(connection: Connection) -> list[AssetRow]:
    """Every asset's record by key, also of assets that are defined no longer."""
    return [_row(row) for row in connection.execute(_ALL)]


def some(connection: Connection, keys: Sequence[str]) -> dict[str, AssetRow]:
    """The records of these assets, as far as there are any."""
    return {row.asset_key: row for row in map(_row, connection.execute(_SOME, {"keys": list(keys)}))}


def by_tag(connection: Connection, tag: str) -> list[AssetRow]:
    """Assets with this tag."""
    return [row for row in all(connection) if tag in row.tags]


def by_kind(connection: Connection, kind: str) -> list[AssetRow]:
    """Assets of this kind."""
    return [row for row in all(connection) if kind in row.kinds]


def by_group(connection: Connection, group: str) -> list[AssetRow]:
    """Assets of this group."""
    return [_row(row) for row in connection.execute(_BY_GROUP, {"group_name": group})]
