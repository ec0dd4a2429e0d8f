"""Checks of a scheduler that runs: whether it answers, its services, its locations, and its clock."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rivers.cli.checkup.finding import Finding, Level
from rivers.cli.printing import span
from rivers.credentials.tls import Tls
from rivers.v1 import catalog_service_pb2, catalog_service_pb2_grpc
from rivers.v1.catalog_service_pb2 import Location, LocationState

SERVICES = (
    "rivers.v1.RunService",
    "rivers.v1.CatalogService",
    "rivers.v1.LocationService",
    "rivers.v1.PartitionService",
    "rivers.v1.BackfillService",
)
_WITHIN = 3.0
_PAGE = 1000
#: Clocks may differ so much, in seconds, before times on pages and in logs stop making sense.
_APART = 2.0
#: A location that is ready and is not heard for so long is about to be hung up on.
_SILENT = 30.0
_REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
#: What gRPC says of a server whose certificate it does not take, or that does not speak TLS.
_TLS = ("SSL", "TLS", "CERTIFICATE", "Handshaker")

Metadata = Sequence[tuple[str, str]]


def check_scheduler(address: str, token: str | None, tls: Tls | None, *, is_expected: bool) -> Iterator[Finding]:
    """All about the scheduler at an address; one that nobody named need not be there."""
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    opened = grpc.secure_channel(address, tls.channel_credentials()) if tls else grpc.insecure_channel(address)
    with opened as channel:
        try:
            asked = time.time()
            locations = _locations(channel, metadata)
        except grpc.RpcError as error:
            yield _unreachable(address, error, is_expected=is_expected)
            return
        yield Finding("scheduler", Level.OK, f"{address} answers")
        yield from _health(channel, metadata)
    if not locations:
        remedy = f"`rivers serve MODULE --scheduler {address}` adds one"
        yield Finding("locations", Level.WARNING, "the scheduler knows none, so no run can start", remedy)
    for location in locations:
        yield _location(location, asked)
    yield check_clock(locations, asked)


def _unreachable(address: str, error: grpc.RpcError, *, is_expected: bool) -> Finding:
    code, details = error.code(), error.details() or ""
    if code in _REFUSED:
        remedy = "name a token with the role viewer with --token-file, or put it into RIVERS_TOKEN"
        return Finding("scheduler", Level.ERROR, f"{address} answers {code.name}: {details}", remedy)
    level = Level.ERROR if is_expected else Level.WARNING
    if any(word in details for word in _TLS):
        told = f"{address} and this command do not agree about TLS: {details}"
        return Finding(
            "scheduler", Level.ERROR, told, "name its authority with --tls-ca, or leave TLS out if it has none"
        )
    told = f"nothing answers at {address}" if code == grpc.StatusCode.UNAVAILABLE else f"{address} says {code.name}"
    return Finding("scheduler", level, told, "start one with `rivers scheduler`, or name another with --scheduler")


def _locations(channel: grpc.Channel, metadata: Metadata) -> list[Location]:
    stub = catalog_service_pb2_grpc.CatalogServiceStub(channel)
    found: list[Location] = []
    token = ""
    while True:
        request = catalog_service_pb2.ListLocationsRequest(page_size=_PAGE, page_token=token)
        page = stub.ListLocations(request, timeout=_WITHIN, metadata=tuple(metadata))
        found += page.locations
        token = page.next_page_token
        if not token:
            return found


def _health(channel: grpc.Channel, metadata: Metadata) -> Iterator[Finding]:
    stub = health_pb2_grpc.HealthStub(channel)
    bad = []
    for service in SERVICES:
        try:
            request = health_pb2.HealthCheckRequest(service=service)
            answer = stub.Check(request, timeout=_WITHIN, metadata=tuple(metadata))
            status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        except grpc.RpcError as error:
            status = error.code().name
        if status != "SERVING":
            bad.append(f"{service} is {status}")
    if bad:
        yield Finding("scheduler health", Level.ERROR, ", ".join(bad), "look into its log, and restart it")
    else:
        yield Finding("scheduler health", Level.OK, ", ".join(name.rpartition(".")[2] for name in SERVICES))


def _location(location: Location, now: float) -> Finding:
    name = f"location {location.name}"
    state = LocationState.Name(location.state).removeprefix("LOCATION_STATE_").lower()
    heard = location.heard_time.ToNanoseconds() / 1e9
    silence = max(0.0, now - heard)
    told = f"{state} at {location.address}" + (f", heard {span(silence)} ago" if heard else ", never heard")
    if location.message:
        told += f": {location.message}"
    match location.state:
        case LocationState.LOCATION_STATE_READY if silence < _SILENT:
            return Finding(name, Level.OK, f"{told}, {location.workers} workers")
        case LocationState.LOCATION_STATE_READY:
            return Finding(name, Level.WARNING, told, "look whether its machine is frozen or cut off")
        case LocationState.LOCATION_STATE_LOADING:
            return Finding(name, Level.WARNING, told, "wait, or look what its module does when it is imported")
        case LocationState.LOCATION_STATE_LOAD_FAILED:
            return Finding(name, Level.ERROR, told, f"mend {location.module or 'its module'} and restart the location")
        case LocationState.LOCATION_STATE_REFUSED:
            return Finding(name, Level.ERROR, told, "mend what it says and restart the location")
        case _:
            remedy = f"start it, and look whether the scheduler can reach {location.address}"
            return Finding(name, Level.WARNING, told, remedy)


def check_clock(locations: Sequence[Location], asked: float) -> Finding:
    """The scheduler says when it has heard locations: that cannot be later than now, nor long ago."""
    ready = [one for one in locations if one.state == LocationState.LOCATION_STATE_READY and one.HasField("heard_time")]
    if not ready:
        return Finding("clock", Level.OK, f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(asked))} UTC, not compared")
    newest = max(one.heard_time.ToNanoseconds() for one in ready) / 1e9
    apart = newest - asked
    if apart > _APART:
        told, remedy = f"this machine is {span(apart)} behind the scheduler", "let NTP set both clocks"
        return Finding("clock", Level.WARNING, told, remedy)
    if -apart > _SILENT:
        told = f"this machine is {span(-apart)} ahead of the scheduler, or no location was heard for so long"
        return Finding("clock", Level.WARNING, told, "let NTP set both clocks")
    return Finding("clock", Level.OK, "agrees with the scheduler's")
