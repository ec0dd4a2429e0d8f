"""Backfills of requests, made outside the core: whatever is wrong with one is said before anything is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rivers.clock import Clock
from rivers.definitions.snapshot import Snapshot
from rivers.errors import InvalidRequestError, LocationNotFoundError, LocationUnavailableError
from rivers.lifecycle.backfill.build import build_backfill, dynamic_names, key_list, selected_nodes
from rivers.lifecycle.backfill.forecast import Forecast, forecast
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.backfill.selection import KeyList, Wanted
from rivers.lifecycle.backfill.states import FailurePolicy
from rivers.lifecycle.states import LaunchCause
from rivers.planning.availability import check_available
from rivers.planning.build import plan_selection
from rivers.planning.launch_document import executor_of, normalised
from rivers.planning.plan import RunPlan
from rivers.storage import partitions
from rivers.storage.backfill_rows import BackfillRow
from rivers.v1 import backfill_service_pb2
from rivers.wire.backfill_plans import encode_backfill_plan
from rivers.wire.identity import decode_partition_key
from rivers.wire.partitions import decode_range, decode_strategy
from rivers.wire.values import decode_map, decode_tags
from rivers_server.api.priority import priority_of
from rivers_server.api.reader import Reader

#: Below that of runs that people and schedules start.
DEFAULT_PRIORITY = -10
DEFAULT_CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class Made:
    """A backfill that can be stored: its row without an id, what is pinned, and that as it is stored."""

    row: BackfillRow
    pinned: PinnedBackfill
    plan: bytes


@dataclass(frozen=True, slots=True)
class KeyPages:
    """Keys that come in pages, and the moment and the definitions that they are keys of."""

    snapshot: Snapshot
    now: datetime
    registered: Mapping[str, Sequence[str]]
    keys: KeyList

    def add(self, piece: backfill_service_pb2.CreateBackfillFromKeysRequest) -> None:
        """Takes a page; `ExecutionError` for a key that is none."""
        if piece.values.keys:
            self.keys.add_values(piece.values.keys)
        for key in piece.keys.keys:
            decoded = decode_partition_key(key)
            if decoded is not None:
                self.keys.add(decoded)


class BackfillMaker:
    """Makes backfills from the snapshots that the core holds. `snapshot_of` returns (known, snapshot) of a location.

    `largest_run` is the number of partitions that one run may cover.
    """

    def __init__(
        self,
        snapshot_of: Callable[[str], tuple[bool, Snapshot | None]],
        reader: Reader,
        clock: Clock,
        largest_run: int,
    ) -> None:
        self._largest_run = largest_run
        self._snapshot_of = snapshot_of
        self._reader = reader
        self._clock = clock

    async def make(self, request: backfill_service_pb2.CreateBackfillRequest, pages: KeyPages | None = None) -> Made:
        """The backfill of a request; raises what is wrong with it. `pages` holds keys that came in pages."""
        snapshot = self.snapshot(request.location) if pages is None else pages.snapshot
        pinned, _ = await self._pin(request, snapshot, pages)
        row = _row(request, pinned, snapshot)
        return await asyncio.to_thread(made, row, pinned)

    async def forecast(self, request: backfill_service_pb2.CreateBackfillRequest) -> Forecast:
        """What the backfill of a request would do."""
        snapshot = self.snapshot(request.location)
        pinned, plans = await self._pin(request, snapshot, None)
        return await asyncio.to_thread(forecast, pinned, plans, dict(snapshot.pool_limits))

    async def pages(self, request: backfill_service_pb2.CreateBackfillRequest) -> KeyPages:
        """What takes the keys of a request that come in pages."""
        if request.WhichOneof("partitions") is not None:
            raise InvalidRequestError("keys come in the messages that follow: leave `partitions` unset", field="keys")
        snapshot, nodes, now = self.snapshot(request.location), list(request.nodes) or None, self.now()
        registered = await self.registered(dynamic_names(snapshot, nodes))
        return KeyPages(snapshot, now, registered, key_list(snapshot, nodes, now=now, registered=registered))

    def snapshot(self, location: str) -> Snapshot:
        """The definitions of a location that is up."""
        if not location:
            raise InvalidRequestError("location is missing; name the code location to run in", field="location")
        known, snapshot = self._snapshot_of(location)
        if not known:
            raise LocationNotFoundError(location=location, field="location")
        if snapshot is None:
            raise LocationUnavailableError(location=location, field="location")
        return snapshot

    async def registered(self, names: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The keys of dynamic definitions now."""
        return {name: await self._reader.read(partitions.keys, name) for name in names}

    def now(self) -> datetime:
        """The moment, with this machine's wall clock."""
        return self._clock.wall().astimezone()

    def _check_size(self, pinned: PinnedBackfill) -> None:
        for segment in pinned.segments:
            if segment.units.largest > self._largest_run:
                raise InvalidRequestError(
                    f"a run of '{segment.nodes[0]}' would cover {segment.units.largest} partitions, and one covers at "
                    f"most {self._largest_run}; choose another strategy, or make several backfills",
                    field="strategy",
                )

    async def _pin(
        self,
        request: backfill_service_pb2.CreateBackfillRequest,
        snapshot: Snapshot,
        pages: KeyPages | None,
    ) -> tuple[PinnedBackfill, list[RunPlan]]:
        nodes = list(request.nodes) or None
        if pages is None:
            wanted, now = _wanted(request), self.now()
            registered = await self.registered(dynamic_names(snapshot, nodes))
        else:
            wanted, now, registered = Wanted(listed=pages.keys), pages.now, pages.registered
        strategy = decode_strategy(request.strategy) if request.HasField("strategy") else None

        def pin() -> tuple[PinnedBackfill, list[RunPlan]]:
            pinned = build_backfill(
                snapshot,
                nodes,
                wanted,
                now=now,
                registered=registered,
                strategy=strategy,
                policy=FailurePolicy(request.failure_policy or FailurePolicy.CONTINUE),
                max_concurrency=request.max_concurrency or DEFAULT_CONCURRENCY,
                config=_config(request, snapshot, selected_nodes(snapshot, nodes)),
            )
            self._check_size(pinned)
            return pinned, segment_plans(pinned, snapshot, request.location)

        return await asyncio.to_thread(pin)


def segment_plans(pinned: PinnedBackfill, snapshot: Snapshot, location: str) -> list[RunPlan]:
    """A plan for the runs of each segment; raises for a selection that cannot be run."""
    plans = [
        plan_selection(
            snapshot, segment.nodes, location=location, config=pinned.config, executor=executor_of(pinned.config)
        )
        for segment in pinned.segments
    ]
    for plan in plans:
        check_available(plan.executor)
    return plans


def made(row: BackfillRow, pinned: PinnedBackfill) -> Made:
    """A backfill as it is stored."""
    return Made(row, pinned, encode_backfill_plan(pinned).SerializeToString())


def _row(
    request: backfill_service_pb2.CreateBackfillRequest, pinned: PinnedBackfill, snapshot: Snapshot
) -> BackfillRow:
    tags = decode_tags(request.tags)
    return BackfillRow(
        backfill_id="",
        location=request.location,
        nodes=pinned.nodes,
        tags=tags,
        created_at=0,
        total_partitions=pinned.plan.partitions,
        total_units=pinned.plan.units,
        priority=priority_of(tags, DEFAULT_PRIORITY),
        max_concurrency=pinned.max_concurrency,
        failure_policy=pinned.failure_policy,
        cause=LaunchCause(request.launch.cause or LaunchCause.USER),
        cause_name=request.launch.name,
        request_id=request.request_id or None,
        digest=snapshot.digest,
    )


def _wanted(request: backfill_service_pb2.CreateBackfillRequest) -> Wanted:
    match request.WhichOneof("partitions"):
        case "keys":
            found = [decode_partition_key(key) for key in request.keys.keys]
            return Wanted(keys=[key for key in found if key is not None])
        case "range":
            return Wanted(range=decode_range(request.range))
        case "all":
            return Wanted(all=True)
    return Wanted()


def _config(
    request: backfill_service_pb2.CreateBackfillRequest, snapshot: Snapshot, nodes: Sequence[str]
) -> dict[str, Any] | None:
    """The launch document, checked against what the backfill runs."""
    if not request.HasField("config"):
        return None
    running = {
        output.name: step.key for step in (snapshot.step_by_node[node] for node in nodes) for output in step.outputs
    }
    resources = {key for step in snapshot.steps for key in step.resources}
    try:
        return normalised(
            decode_map(request.config), names=snapshot.output_by_node.keys(), running=running, resources=resources
        )
    except TypeError as error:
        raise InvalidRequestError(str(error), field="config") from None
