"""Backfills: their rows, what is pinned for each, and the keys of dynamic definitions as they were then."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, tuple_

from rivers.lifecycle.backfill.counters import Counters
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.segment import SegmentProgress
from rivers.lifecycle.backfill.states import BackfillIntent, BackfillStatus, FailurePolicy
from rivers.lifecycle.states import LaunchCause, RunOwner
from rivers.storage.backfill_rows import BackfillRow
from rivers.storage.images import names_of, names_text, pairs_of, pairs_text
from rivers.storage.multirow import Insert, Update, Values
from rivers.storage.schema import backfill_keys, backfill_plans
from rivers.storage.schema import backfills as table
from rivers.v1 import backfill_plan_pb2
from rivers.wire.backfill_plans import decode_backfill_plan

_FIXED = [
    "backfill_id", "location", "nodes", "tags", "created_at", "total_partitions", "total_units", "priority",
    "max_concurrency", "failure_policy", "owner", "cause", "cause_name", "rerun_of", "request_id", "digest",
    "action",
]  # fmt: skip
_CHANGING = [
    "intent", "status", "reason", "error", "accepted_digest", "started_at", "ended_at", "drawn", "completed", "failed",
    "canceled", "runs", "segments", "owner_id", "owner_expires_at", "version",
]  # fmt: skip

INSERT = Insert(table, [*_FIXED, *_CHANGING], ignore=True)
UPDATE = Update(table, "backfill_id", _CHANGING)
INSERT_PLAN = Insert(backfill_plans, ["backfill_id", "body"])
INSERT_KEYS = Insert(backfill_keys, ["backfill_id", "name", "chunk", "keys"])

#: Dynamic keys in one row.
_KEYS_A_CHUNK = 10_000
_SEGMENT = struct.Struct("<4q")

_WHOLE = select(*(table.c[name] for name in [*_FIXED, *_CHANGING]))
_GET = _WHOLE.where(table.c.backfill_id == bindparam("backfill_id"))
_FIND = select(table.c.backfill_id).where(table.c.request_id == bindparam("request_id"))
_UNFINISHED = _WHOLE.where(
    table.c.status.in_([int(status) for status in BackfillStatus if not status.is_terminal]),
    table.c.owner == bindparam("owner"),
)
_PLAN = select(backfill_plans.c.body).where(backfill_plans.c.backfill_id == bindparam("backfill_id"))
_KEYS = (
    select(backfill_keys.c.name, backfill_keys.c["keys"])
    .where(backfill_keys.c.backfill_id == bindparam("backfill_id"))
    .order_by(backfill_keys.c.name, backfill_keys.c.chunk)
)


def fixed_image(row: BackfillRow) -> Values:
    """What never changes of a backfill."""
    return (
        row.backfill_id,
        row.location,
        names_text(row.nodes),
        pairs_text(row.tags),
        row.created_at,
        row.total_partitions,
        row.total_units,
        row.priority,
        row.max_concurrency,
        int(row.failure_policy),
        int(row.owner),
        int(row.cause),
        row.cause_name,
        row.rerun_of,
        row.request_id,
        row.digest,
        row.action,
    )


def changing_image(row: BackfillRow) -> Values:
    """What changes of a backfill, its version last."""
    counters = row.counters
    segments = b"".join(_SEGMENT.pack(one.cursor, one.ended, one.failed, one.canceled) for one in row.segments)
    return (
        int(row.intent),
        int(row.status),
        row.reason,
        row.error,
        row.accepted_digest,
        row.started_at,
        row.ended_at,
        counters.drawn,
        counters.completed,
        counters.failed,
        counters.canceled,
        counters.runs,
        segments,
        row.owner_id,
        row.owner_expires_at,
        row.version,
    )


def key_images(backfill_id: str, registered: Mapping[str, Sequence[str]]) -> Iterator[Values]:
    """The rows of dynamic keys."""
    for name, keys in registered.items():
        for chunk, start in enumerate(range(0, max(len(keys), 1), _KEYS_A_CHUNK)):
            text = json.dumps(list(keys[start : start + _KEYS_A_CHUNK]), ensure_ascii=False)
            yield backfill_id, name, chunk, zlib.compress(text.encode(), 1)


def _row(image: Row[*tuple[Any, ...]]) -> BackfillRow:
    (
        backfill_id, location, nodes, tags, created_at, total_partitions, total_units, priority, max_concurrency,
        failure_policy, owner, cause, cause_name, rerun_of, request_id, digest, action, intent, status,
        reason, error, accepted_digest, started_at, ended_at, drawn, completed, failed, canceled, runs, segments,
        owner_id, owner_expires_at, version,
    ) = image  # fmt: skip
    return BackfillRow(
        backfill_id=backfill_id,
        location=location,
        nodes=names_of(nodes),
        tags=pairs_of(tags),
        created_at=created_at,
        total_partitions=total_partitions,
        total_units=total_units,
        priority=priority,
        max_concurrency=max_concurrency,
        failure_policy=FailurePolicy(failure_policy),
        owner=RunOwner(owner),
        owner_id=owner_id,
        cause=LaunchCause(cause),
        cause_name=cause_name,
        rerun_of=rerun_of,
        request_id=request_id,
        digest=digest,
        action=action,
        intent=BackfillIntent(intent),
        status=BackfillStatus(status),
        reason=reason,
        error=error,
        accepted_digest=accepted_digest,
        started_at=started_at,
        ended_at=ended_at,
        counters=Counters(drawn, completed, failed, canceled, runs),
        segments=[SegmentProgress(*numbers) for numbers in _SEGMENT.iter_unpack(segments)],
        owner_expires_at=owner_expires_at,
        version=version,
        stored_version=version,
    )


def get(connection: Connection, backfill_id: str) -> BackfillRow | None:
    """A backfill."""
    found = connection.execute(_GET, {"backfill_id": backfill_id}).one_or_none()
    return _row(found) if found is not None else None


def page(
    connection: Connection,
    *,
    location: str | None = None,
    statuses: Collection[BackfillStatus] = (),
    before: tuple[int, str] | None = None,
    limit: int = 50,
) -> list[BackfillRow]:
    """Backfills, newest first, after the one created at `before` and of that id. Empty filters let all through."""
    values: dict[str, Any] = {"limit": limit}
    if location:
        values["location"] = location
    if before is not None:
        values["created_at"], values["backfill_id"] = before
    if not statuses:
        return [_row(image) for image in connection.execute(_page(frozenset(values)), values)]
    found = []
    for status in statuses:
        values["status"] = int(status)
        found += [_row(image) for image in connection.execute(_page(frozenset(values)), values)]
    found.sort(key=lambda row: (row.created_at, row.backfill_id), reverse=True)
    return found[:limit]


@cache
def _page(filters: frozenset[str]) -> Select[Any]:
    statement = _WHOLE.order_by(table.c.created_at.desc(), table.c.backfill_id.desc()).limit(bindparam("limit"))
    for name in sorted(filters & {"location", "status"}):
        statement = statement.where(table.c[name] == bindparam(name))
    if "backfill_id" in filters:
        place = tuple_(table.c.created_at, table.c.backfill_id)
        statement = statement.where(place < tuple_(bindparam("created_at"), bindparam("backfill_id")))
    return statement


def unfinished(connection: Connection, owner: RunOwner) -> list[BackfillRow]:
    """Every backfill of this owner that is not over, oldest first."""
    found = [_row(image) for image in connection.execute(_UNFINISHED, {"owner": int(owner)})]
    return sorted(found, key=lambda row: (row.created_at, row.backfill_id))


def find_request(connection: Connection, request_id: str) -> str | None:
    """The backfill that a request made."""
    return connection.execute(_FIND, {"request_id": request_id}).scalar_one_or_none()


def pinned(connection: Connection, backfill_id: str) -> PinnedBackfill:
    """What is pinned for a backfill."""
    body: bytes = connection.execute(_PLAN, {"backfill_id": backfill_id}).scalar_one()
    plan = backfill_plan_pb2.BackfillPlan.FromString(body)
    return decode_backfill_plan(plan, pinned_keys(connection, backfill_id))


def pinned_keys(connection: Connection, backfill_id: str) -> dict[str, list[str]]:
    """The keys of dynamic definitions by name, as they were when the backfill was made."""
    registered: dict[str, list[str]] = {}
    for name, image in connection.execute(_KEYS, {"backfill_id": backfill_id}):
        registered.setdefault(name, []).extend(json.loads(zlib.decompress(image)))
    return registered
