"""`CatalogService`: what there is to run. Reads the core's view of locations; what was stored comes from rows.

A location that is gone is forgotten here: that changes state, and goes to the core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from grpc.aio import ServicerContext

from rivers.credentials.interceptor import CALLER
from rivers.definitions.snapshot import OutputDefinition, StepDefinition
from rivers.errors import InvalidRequestError, LocationNotFoundError
from rivers.partitions.definition import PartitionsDefinition
from rivers.storage import assets
from rivers.storage.assets import AssetRow
from rivers.v1 import catalog_service_pb2, catalog_service_pb2_grpc, definitions_pb2
from rivers.wire.definitions import encode_job, encode_output
from rivers.wire.failures import encode_failure
from rivers.wire.times import encode_time
from rivers_server.api.border import Border
from rivers_server.api.errors import unary
from rivers_server.api.pages import decode_token, encode_token, page_size
from rivers_server.api.reader import Reader
from rivers_server.core.inputs import ForgetLocation, Message
from rivers_server.core.replica import NO_ROOM, Replica, ReplicaState
from rivers_server.links.link import LinkStatus
from rivers_server.reply import FutureReply

Context = ServicerContext[Any, Any]

#: Definitions that list more keys than this are left out of listings of assets; ListPartitions has their keys.
LISTED_KEYS = 100


class CatalogServicer(catalog_service_pb2_grpc.CatalogServiceServicer):
    """Locations, assets and jobs."""

    def __init__(
        self,
        put: Callable[[Message], None],
        replicas: Callable[[], Iterable[Replica]],
        status: Callable[[str], LinkStatus],
        reader: Reader,
        border: Border,
    ) -> None:
        self.border = border
        self._put = put
        self._replicas = replicas
        self._status = status
        self._reader = reader

    @unary
    async def ListLocations(
        self, request: catalog_service_pb2.ListLocationsRequest, context: Context
    ) -> catalog_service_pb2.ListLocationsResponse:
        size = page_size(request.page_size, self.border.limits.page)
        place = decode_token(request.page_token, str)
        after = str(place[0]) if place else ""
        found = [replica for replica in self._of("") if replica.name > after]
        return catalog_service_pb2.ListLocationsResponse(
            locations=[self._encode_location(replica) for replica in found[:size]],
            next_page_token=encode_token(found[size - 1].name) if len(found) > size else "",
        )

    @unary
    async def ForgetLocation(
        self, request: catalog_service_pb2.ForgetLocationRequest, context: Context
    ) -> catalog_service_pb2.ForgetLocationResponse:
        if not request.location:
            raise InvalidRequestError("location is missing; name the one that is gone", field="location")
        reply = FutureReply.make()
        token = CALLER.get()
        who = f"token {token.id} ({token.name or token.role})" if token is not None else "a caller without a token"
        self._put(ForgetLocation(request.location, who, request.reason, reply))
        return catalog_service_pb2.ForgetLocationResponse(lost_attempts=await reply.future)

    @unary
    async def ListAssets(
        self, request: catalog_service_pb2.ListAssetsRequest, context: Context
    ) -> catalog_service_pb2.ListAssetsResponse:
        size = page_size(request.page_size, self.border.limits.page)
        place = decode_token(request.page_token, str, str) or ("", "")
        found = sorted(
            (
                (replica.name, output.name, step, output)
                for replica in self._of(request.location)
                for step in (replica.snapshot.steps if replica.snapshot is not None else ())
                for output in step.outputs
                if output.is_asset and (replica.name, output.name) > place
            ),
            key=lambda item: item[:2],
        )
        page = found[:size]
        records = await self._reader.read(assets.some, [name for _, name, _, _ in page])
        return catalog_service_pb2.ListAssetsResponse(
            assets=[_encode_asset(location, step, output, records.get(name)) for location, name, step, output in page],
            next_page_token=encode_token(*page[-1][:2]) if len(found) > size else "",
        )

    @unary
    async def ListJobs(
        self, request: catalog_service_pb2.ListJobsRequest, context: Context
    ) -> catalog_service_pb2.ListJobsResponse:
        size = page_size(request.page_size, self.border.limits.page)
        place = decode_token(request.page_token, str, str) or ("", "")
        found = sorted(
            (
                (replica.name, job.name, job)
                for replica in self._of(request.location)
                for job in (replica.snapshot.jobs if replica.snapshot is not None else ())
                if (replica.name, job.name) > place
            ),
            key=lambda item: item[:2],
        )
        page = found[:size]
        return catalog_service_pb2.ListJobsResponse(
            jobs=[catalog_service_pb2.Job(location=name, definition=encode_job(job)) for name, _, job in page],
            next_page_token=encode_token(*page[-1][:2]) if len(found) > size else "",
        )

    def _of(self, location: str) -> list[Replica]:
        found = sorted(self._replicas(), key=lambda replica: replica.name)
        if not location:
            return found
        found = [replica for replica in found if replica.name == location]
        if not found:
            raise LocationNotFoundError(location=location, field="location")
        return found

    def _encode_location(self, replica: Replica) -> catalog_service_pb2.Location:
        status, snapshot = self._status(replica.name), replica.snapshot
        state = ReplicaState.REFUSED if replica.refusal else status.state
        message = catalog_service_pb2.Location(
            name=replica.name,
            address=replica.row.address,
            state=catalog_service_pb2.LocationState.ValueType(int(state)),
            digest=replica.row.digest,
            module=replica.row.module,
            message=replica.refusal or status.message or (NO_ROOM if replica.takes_nothing else ""),
            workers=replica.workers,
            attempts_in_flight=len(replica.in_flight),
            asset_count=len(replica.asset_names) if snapshot is not None else 0,
            job_count=len(snapshot.jobs) if snapshot is not None else 0,
        )
        if status.load_failure is not None:
            message.load_failure.CopyFrom(encode_failure(status.load_failure))
        if status.heard_at:
            message.heard_time.CopyFrom(encode_time(status.heard_at))
        return message


def _encode_asset(
    location: str, step: StepDefinition, output: OutputDefinition, record: AssetRow | None
) -> catalog_service_pb2.Asset:
    asset = catalog_service_pb2.Asset(
        location=location,
        definition=encode_output(replace(output, partitions=None) if _is_long(output.partitions) else output),
        is_partitioned=output.partitions is not None,
        upstream=[
            edge.upstream
            for edge in step.edges
            if edge.is_of(output.name) and not edge.upstream.startswith(f"{step.key}/")
        ],
        description=step.description,
        kind=definitions_pb2.StepKind.ValueType(int(step.kind)),
    )
    if record is not None and record.last_at is not None:
        asset.last_run_id = record.last_run_id or ""
        asset.last_data_version = record.last_data_version or ""
        asset.last_time.CopyFrom(encode_time(record.last_at))
    return asset


def _is_long(partitions: PartitionsDefinition | None) -> bool:
    """Whether a definition lists so many keys that a page of assets should not carry them."""
    match partitions:
        case PartitionsDefinition.Static():
            return partitions.grid(datetime.min).count > LISTED_KEYS
        case PartitionsDefinition.Multi(dimensions):
            return any(_is_long(dimension) for _, dimension in dimensions)
    return False
