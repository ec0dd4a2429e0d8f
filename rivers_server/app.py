"""The scheduler's composition root: the only place where its concrete parts meet."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import grpc
import structlog
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from rivers.clock import SystemClock
from rivers.credentials.binding import bind
from rivers.credentials.gate import Gate
from rivers.credentials.interceptor import CredentialInterceptor
from rivers.credentials.loopback import is_loopback
from rivers.credentials.token_file import TokenFile
from rivers.definitions.snapshot import Snapshot
from rivers.errors import ConfigurationError, StorageUnavailableError, UnavailableError
from rivers.storage import partitions
from rivers.storage.database import Database
from rivers.storage.faults import DeposedError
from rivers.storage.leadership import Leadership
from rivers.v1 import (
    backfill_service_pb2,
    backfill_service_pb2_grpc,
    catalog_service_pb2,
    catalog_service_pb2_grpc,
    location_service_pb2,
    location_service_pb2_grpc,
    partition_service_pb2,
    partition_service_pb2_grpc,
    run_service_pb2,
    run_service_pb2_grpc,
)
from rivers.wire.health import NAME as HEALTH
from rivers.wire.health import Health
from rivers.wire.unreadable import UnreadableInterceptor
from rivers_server.api.backfill_maker import BackfillMaker
from rivers_server.api.backfills import BackfillServicer
from rivers_server.api.border import Border
from rivers_server.api.catalog import CatalogServicer
from rivers_server.api.locations import LocationServicer
from rivers_server.api.partitions import PartitionServicer
from rivers_server.api.planner import Planner
from rivers_server.api.reader import Reader
from rivers_server.api.runs import RunServicer
from rivers_server.chance import SystemChance
from rivers_server.core.core import Core
from rivers_server.core.outbox import Transport
from rivers_server.core.store import DatabaseStore, Store
from rivers_server.core.thread import CoreThread
from rivers_server.links.exchange import Exchange
from rivers_server.settings import FAILPOINT_VARIABLE, SchedulerSettings
from rivers_server.traces import TracedTransport, Traces
from rivers_server.watch import Watches

if TYPE_CHECKING:
    from rivers.exposition import Exposition
    from rivers_server.metrics import SchedulerMetrics

log = structlog.get_logger()

#: One busy Python thread must not keep the core waiting for the default 5 ms at every turn.
SWITCH_INTERVAL = 0.0005
SERVER_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1 << 20),
)
SERVICES = (
    backfill_service_pb2.DESCRIPTOR.services_by_name["BackfillService"].full_name,
    run_service_pb2.DESCRIPTOR.services_by_name["RunService"].full_name,
    catalog_service_pb2.DESCRIPTOR.services_by_name["CatalogService"].full_name,
    location_service_pb2.DESCRIPTOR.services_by_name["LocationService"].full_name,
    partition_service_pb2.DESCRIPTOR.services_by_name["PartitionService"].full_name,
)


class Scheduler:
    """A running scheduler: `start`, then `wait` until `stop` is called or the core dies."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self.settings = settings
        self.address = ""
        self._stopping = asyncio.Event()
        self._death: BaseException | None = None

    async def start(self) -> None:
        """Binds the port, takes the database and the lead, recovers, serves.

        Raises ConfigurationError for a port in use, StorageError for a directory that another scheduler owns.
        """
        loop = asyncio.get_running_loop()
        settings = self.settings
        limits = (
            ("grpc.max_receive_message_length", settings.limits.message_bytes),
            ("grpc.max_concurrent_streams", settings.limits.calls_per_connection),
            # Calls that come at once wait here, to be refused by name: gRPC itself would only cut them off.
            ("grpc.server.max_pending_requests", 10_000),
            ("grpc.server.max_pending_requests_hard_limit", 20_000),
        )
        self._server = grpc.aio.server(
            options=(*SERVER_OPTIONS, *limits),
            interceptors=(UnreadableInterceptor(), CredentialInterceptor(self._gate())),
            maximum_concurrent_rpcs=settings.limits.calls,
        )
        self.address = self._bind(self._server)
        self._database = await asyncio.to_thread(self._open_database)
        leadership = await asyncio.to_thread(
            Leadership.take, self._database, holder=f"{socket.gethostname()}:{os.getpid()}", address=self.address
        )
        watches = Watches(settings.limits)
        self._exchange = Exchange(watches, settings.beat_interval, settings.caller)
        store, transport = self._seams(leadership)
        core = Core(
            store=store,
            clock=SystemClock(),
            transport=transport,
            chance=SystemChance(),
            settings=settings.core,
        )
        self._core = core

        def on_death(error: BaseException) -> None:
            loop.call_soon_threadsafe(self._die, error)

        self._thread = CoreThread(core, on_death)
        put = self._thread.put
        self._exchange.connect(
            store_id=leadership.store_id,
            term=leadership.term,
            put=put,
            backlog_of=self._thread.backlog.of,
            snapshot_of=lambda name: self._snapshot_of(name)[1],
        )
        self._reader = Reader(self._database)
        core.recover()
        self._thread.start()
        self._add_services(put, watches)
        await self._server.start()
        self._upkeep = asyncio.create_task(self._keep_up())
        # What is loaded now stays: collections need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)

    async def wait(self) -> None:
        """Until it is told to stop; raises what the core died of."""
        await self._stopping.wait()
        if isinstance(self._death, DeposedError):
            raise UnavailableError(f"{self._database.url}: {self._death}; this one has ended") from self._death
        if self._death is not None:
            raise self._death

    def metrics(self) -> SchedulerMetrics:
        """What there is to measure; loads the library for it."""
        from rivers_server.metrics import SchedulerMetrics

        return SchedulerMetrics(self._core, self._exchange)

    def stop(self) -> None:
        """Asks it to stop."""
        self._stopping.set()

    async def close(self) -> None:
        """Stops serving, decides what waits, and lets go of the database."""
        self._upkeep.cancel()
        await self._server.stop(grace=1.0)
        if self._death is None:
            await asyncio.to_thread(self._thread.stop)
        await self._exchange.close()
        self._reader.close()
        if self._traces is not None:
            await asyncio.to_thread(self._traces.close)
        await asyncio.to_thread(self._database.close)

    # -- within -----------------------------------------------------------------------------------------------------

    def _seams(self, leadership: Leadership) -> tuple[Store, Transport]:
        self._traces = Traces.from_environment(os.environ, self._database)
        if os.environ.get(FAILPOINT_VARIABLE):
            return _failing_seams(self._database, leadership, self._exchange)
        transport = self._exchange if self._traces is None else TracedTransport(self._exchange, self._traces.note)
        return DatabaseStore(self._database, leadership), transport

    def _gate(self) -> Gate:
        settings = self.settings
        tokens = TokenFile(settings.tokens_path)
        tokens.all()  # what cannot be read is said before anything is served
        is_local = is_loopback(settings.host)
        return Gate(
            tokens,
            SystemClock(),
            is_strict=not (is_local or settings.insecure),
            is_public=is_local,
            names_peers=settings.caller.tls is not None and settings.caller.tls.is_mutual,
        )

    def _bind(self, server: grpc.aio.Server) -> str:
        host, port = self.settings.host, self.settings.port
        try:
            bound = bind(server, f"{host}:{port}", self.settings.caller.tls)
        except RuntimeError:
            bound = 0
        if not bound:
            raise ConfigurationError(
                f"{host}:{port} cannot be bound: the port is in use; choose another with `--port`, 0 takes a free one",
                field="port",
            )
        return f"{host}:{bound}"

    def _open_database(self) -> Database:
        settings = self.settings
        if settings.database_url is not None:
            return Database.connect(settings.database_url, synchronous="FULL", lock="exclusive", address=self.address)
        return Database.embedded(settings.storage_path, synchronous="FULL", lock="exclusive", address=self.address)

    def _add_services(self, put: Callable[[Any], None], watches: Watches) -> None:
        server, planner = self._server, Planner(self._snapshot_of, self._registered)
        border = Border(self.settings.limits)
        runs = RunServicer(put, self._reader, planner, watches, border)
        run_service_pb2_grpc.add_RunServiceServicer_to_server(runs, server)
        backfills = BackfillServicer(
            put,
            self._reader,
            BackfillMaker(self._snapshot_of, self._reader, SystemClock(), self.settings.limits.partition_values),
            watches,
            border,
            self._is_connected,
        )
        backfill_service_pb2_grpc.add_BackfillServiceServicer_to_server(backfills, server)
        catalog = CatalogServicer(
            put, lambda: list(self._core.state.replicas.values()), self._exchange.status, self._reader, border
        )
        catalog_service_pb2_grpc.add_CatalogServiceServicer_to_server(catalog, server)
        partitioned = PartitionServicer(put, lambda: list(self._core.state.replicas.values()), self._reader, border)
        partition_service_pb2_grpc.add_PartitionServiceServicer_to_server(partitioned, server)
        locations = LocationServicer(put, lambda: self._core.state.replicas.keys(), border)
        location_service_pb2_grpc.add_LocationServiceServicer_to_server(locations, server)
        self._health = Health()
        for service in ("", *SERVICES):
            self._health.set(service, True)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        reflection.enable_server_reflection((*SERVICES, HEALTH, reflection.SERVICE_NAME), server)

    async def _registered(self, name: str, keys: list[str]) -> set[str]:
        return await self._reader.read(partitions.registered, name, keys)

    def _snapshot_of(self, name: str) -> tuple[bool, Snapshot | None]:
        replica = self._core.state.replicas.get(name)
        return (replica is not None, replica.snapshot if replica is not None else None)

    def _is_connected(self, name: str) -> bool:
        replica = self._core.state.replicas.get(name)
        return replica is not None and replica.is_attached

    def _die(self, error: BaseException) -> None:
        self._death = error
        self._stopping.set()

    async def _keep_up(self) -> None:
        """Moves the log into the database file while nothing else is due."""
        while True:
            await asyncio.sleep(30)
            try:
                await asyncio.to_thread(self._database.checkpoint)
            except StorageUnavailableError as error:
                log.warning("checkpoint_put_off", error=str(error))


def _failing_seams(database: Database, leadership: Leadership, transport: Transport) -> tuple[Store, Transport]:
    """For tests: those of a scheduler that dies at a moment that the environment names."""
    try:
        from rivers_server.failpoints.failpoint import Failpoint
        from rivers_server.failpoints.seams import FailingStore, FailingTransport
    except ImportError:
        raise ConfigurationError(
            f"{FAILPOINT_VARIABLE} is set, and this build of rivers has no failpoints: unset it, or install sources",
            field=FAILPOINT_VARIABLE,
        ) from None
    failpoint = Failpoint.parse(os.environ[FAILPOINT_VARIABLE])
    return FailingStore(database, leadership, failpoint), FailingTransport(transport, failpoint)


async def serve(settings: SchedulerSettings, announce: Callable[[str, str], None]) -> None:
    """Runs a scheduler until SIGINT or SIGTERM; a second signal ends it at once. `announce` gets what is where."""
    sys.setswitchinterval(SWITCH_INTERVAL)
    metrics = _metrics_port(settings)
    scheduler = Scheduler(settings)
    await scheduler.start()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop_or_die, scheduler, loop)
    if metrics is not None:
        metrics.serve(scheduler.metrics().collect)
        announce("metrics", metrics.address)
    announce("scheduler", scheduler.address)
    try:
        await scheduler.wait()
    finally:
        if metrics is not None:
            metrics.close()
        await scheduler.close()


def _metrics_port(settings: SchedulerSettings) -> Exposition | None:
    if settings.metrics_port is None:
        return None
    from rivers.exposition import Exposition

    return Exposition(settings.metrics_host, settings.metrics_port)


def _stop_or_die(scheduler: Scheduler, loop: asyncio.AbstractEventLoop) -> None:
    scheduler.stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
