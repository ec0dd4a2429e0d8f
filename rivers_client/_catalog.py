"""What there is to run, as a caller sees it: locations, assets and jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import JobDefinition, OutputDefinition
from rivers.lifecycle.events import Failure
from rivers.v1 import catalog_service_pb2
from rivers.wire.definitions import decode_job, decode_output
from rivers.wire.failures import decode_failure
from rivers.wire.times import decode_datetime
from rivers_client._enumerations import LocationState, member


@dataclass(frozen=True, slots=True)
class Location:
    """A code location; `message` says what is wrong, or what it is doing while it loads."""

    name: str
    address: str
    state: LocationState
    digest: str
    module: str
    message: str
    load_failure: Failure | None
    workers: int
    attempts_in_flight: int
    heard_at: datetime | None
    asset_count: int
    job_count: int


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset with what was last stored of it."""

    location: str
    name: str
    definition: OutputDefinition
    upstream: tuple[str, ...]
    kind: StepKind
    description: str
    last_run_id: str | None
    last_materialized_at: datetime | None
    last_data_version: str | None
    is_partitioned: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A named selection of steps."""

    location: str
    name: str
    definition: JobDefinition


def read_location(location: catalog_service_pb2.Location) -> Location:
    """A location, from the wire."""
    return Location(
        name=location.name,
        address=location.address,
        state=member(LocationState, location.state),
        digest=location.digest,
        module=location.module,
        message=location.message,
        load_failure=decode_failure(location.load_failure) if location.HasField("load_failure") else None,
        workers=location.workers,
        attempts_in_flight=location.attempts_in_flight,
        heard_at=decode_datetime(location.heard_time) if location.HasField("heard_time") else None,
        asset_count=location.asset_count,
        job_count=location.job_count,
    )


def read_asset(asset: catalog_service_pb2.Asset) -> Asset:
    """An asset, from the wire."""
    return Asset(
        location=asset.location,
        name=asset.definition.name,
        definition=decode_output(asset.definition),
        upstream=tuple(asset.upstream),
        kind=member(StepKind, asset.kind),
        description=asset.description,
        last_run_id=asset.last_run_id or None,
        last_materialized_at=decode_datetime(asset.last_time) if asset.HasField("last_time") else None,
        last_data_version=asset.last_data_version or None,
        is_partitioned=asset.is_partitioned,
    )


def read_job(job: catalog_service_pb2.Job) -> Job:
    """A job, from the wire."""
    return Job(location=job.location, name=job.definition.name, definition=decode_job(job.definition))
