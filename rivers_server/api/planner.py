"""Plans for requests, prepared outside the core. Equal requests share one plan while the definitions stay the same."""

from __future__ import annotations

import asyncio
import functools
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from rivers.definitions.snapshot import Snapshot
from rivers.errors import InvalidRequestError, LocationNotFoundError, LocationUnavailableError
from rivers.planning.availability import check_available
from rivers.planning.build import plan_job, plan_selection
from rivers.planning.launch_document import executor_of, normalised
from rivers.planning.partitions import check_partition_key, dynamic_keys
from rivers.planning.plan import RunPlan
from rivers.v1 import run_service_pb2
from rivers.wire.identity import decode_partition_key
from rivers.wire.values import decode_map

T = TypeVar("T")

#: Plans of repositories with more steps than this are made on another thread, so that the event loop goes on.
SMALL = 200
KEPT_PLANS = 256
#: Keys of more bytes than this are checked on another thread.
LARGE_KEY = 4096


class Planner:
    """Makes plans from the snapshots that the core holds.

    `snapshot_of` returns (known, snapshot) of a location; `registered` those of the keys that a dynamic definition has.
    """

    def __init__(
        self,
        snapshot_of: Callable[[str], tuple[bool, Snapshot | None]],
        registered: Callable[[str, list[str]], Awaitable[set[str]]],
    ) -> None:
        self._snapshot_of = snapshot_of
        self._registered = registered
        self._kept: OrderedDict[tuple[object, ...], RunPlan] = OrderedDict()

    async def plan(self, request: run_service_pb2.SubmitRunRequest) -> RunPlan:
        """The plan of a request; raises what is wrong with it, its partition key included."""
        snapshot, plan = await self._plan(request)
        check_available(plan.executor)
        if request.HasField("partition_key"):
            plan = replace(plan, partition_key=decode_partition_key(request.partition_key))
        registered: dict[str, set[str]] = {}
        for name, keys in dynamic_keys(snapshot, plan).items():
            registered[name] = await self._registered(name, keys)
        check = functools.partial(check_partition_key, snapshot, plan, datetime.now().astimezone(), registered)
        is_large = request.partition_key.ByteSize() > LARGE_KEY
        await (asyncio.to_thread(check) if is_large else self._compute(snapshot, check))
        return plan

    async def _plan(self, request: run_service_pb2.SubmitRunRequest) -> tuple[Snapshot, RunPlan]:
        target = request.WhichOneof("target")
        if not request.location:
            raise InvalidRequestError("location is missing; name the code location to run in", field="location")
        known, snapshot = self._snapshot_of(request.location)
        if not known:
            raise LocationNotFoundError(location=request.location, field="location")
        if snapshot is None:
            raise LocationUnavailableError(location=request.location, field="location")
        if target is None:
            raise InvalidRequestError("target is missing; give a job or a selection of nodes", field="target")
        if target == "job":
            key: tuple[object, ...] = (request.location, snapshot.digest, request.job)
            make = functools.partial(plan_job, snapshot, request.job, location=request.location)
        else:
            nodes = tuple(request.selection.nodes) or None
            include_upstream = request.selection.include_upstream
            key = (request.location, snapshot.digest, nodes, include_upstream)
            make = functools.partial(
                plan_selection, snapshot, nodes, include_upstream=include_upstream, location=request.location
            )
        plan = await self._kept_plan(key, snapshot, make)
        if not request.HasField("config"):
            return snapshot, plan
        document = _document(decode_map(request.config), snapshot, plan)
        if document is not None:
            make = functools.partial(make, config=document, executor=executor_of(document))
            plan = await self._compute(snapshot, make)
        return snapshot, plan

    async def _kept_plan(self, key: tuple[object, ...], snapshot: Snapshot, make: Callable[[], RunPlan]) -> RunPlan:
        plan = self._kept.get(key)
        if plan is None:
            plan = self._kept[key] = await self._compute(snapshot, make)
            if len(self._kept) > KEPT_PLANS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return plan

    async def _compute(self, snapshot: Snapshot, make: Callable[[], T]) -> T:
        return make() if len(snapshot.steps) <= SMALL else await asyncio.to_thread(make)


def _document(config: dict[str, object], snapshot: Snapshot, plan: RunPlan) -> dict[str, object] | None:
    """The launch document, checked against what the plan runs."""
    running = {output.node: step.step for step in plan.steps for output in step.outputs}
    resources = {key for step in snapshot.steps for key in step.resources}
    try:
        return normalised(config, names=snapshot.output_by_node.keys(), running=running, resources=resources)
    except TypeError as error:
        raise InvalidRequestError(str(error), field="config") from None
