"""The composition root of a location: the supervisor, which never runs user code."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from codeloc.console import tell
from codeloc.crew import ProcessCrew
from codeloc.data_directory import DataDirectory
from codeloc.definitions import Definitions
from codeloc.desk import Desk
from codeloc.host_link import HostLink
from codeloc.launch import Launch
from codeloc.ledger import Ledger
from codeloc.prctl import adopt_orphans
from codeloc.process_groups import MARK
from codeloc.reaper import Reaper
from codeloc.registration import Registration
from codeloc.server import LocationServer
from codeloc.settings import Settings
from codeloc.stream import StepService
from codeloc.ticker import Ticker
from codeloc.trace_context import is_missing
from codeloc.watchdog_link import WatchdogLink
from rivers.clock import Clock, SystemClock
from rivers.credentials.environment import without_secrets
from rivers.credentials.gate import Gate
from rivers.credentials.loopback import is_loopback
from rivers.credentials.token_file import TokenFile
from rivers.errors import LoadError

if TYPE_CHECKING:
    from rivers.exposition import Exposition

#: Addresses to listen on that nobody can dial.
_WILDCARDS = {"0.0.0.0", "::"}
#: While the location goes down: how often it is looked whether all is done, and how long commits are waited for.
_LOOK = 0.02
_COMMIT_WITHIN = 5.0
#: Seconds in which the last reports may still leave, when nobody waits for their commit.
_LEAVE_WITHIN = 1.0


def serve(settings: Settings, announce: Callable[[str, str], None] = lambda what, address: None) -> None:
    """Serves until SIGINT or SIGTERM, which drains; a second one ends what still runs.

    `announce` is called with what is served, and where, when the servers are up. Raises what keeps it from starting.
    """
    directory = DataDirectory(settings.data_directory)
    try:
        for pid in directory.groups.end_all():
            left = f"process {pid}, left over from an earlier start of this location, was killed\n"
            tell(left, "leftover_killed", pid=pid)
        adopt_orphans()
        asyncio.run(_serve(settings, directory, announce))
    finally:
        directory.close()


async def _serve(settings: Settings, directory: DataDirectory, announce: Callable[[str, str], None]) -> None:
    metrics = _metrics_port(settings)
    if is_missing(os.environ):
        tell("opentelemetry is not installed: steps see no span; pip install 'rivers[otel]'\n", "traces_disabled")
    clock = SystemClock()
    ticker = Ticker(clock)
    reaper = Reaper(asyncio.get_running_loop())
    definitions = Definitions(settings.module)
    launch = Launch(settings.module, settings.variable, str(directory.values), os.getpid())
    environment = {**without_secrets(os.environ), MARK: directory.home_id}
    host = HostLink(launch, environment=environment, definitions=definitions, reaper=reaper, groups=directory.groups)
    watchdog = WatchdogLink(reaper, f"{MARK}={directory.home_id}")
    directory.groups.on_recorded, directory.groups.on_forgotten = watchdog.add, watchdog.remove
    crew = ProcessCrew(
        launch, environment=environment, host=host, reaper=reaper, groups=directory.groups, watchdog=watchdog
    )
    desk = Desk(
        clock=clock,
        crew=crew,
        alarm=ticker.set,
        open_ledger=lambda store: Ledger(store, directory.spool(store), durable=settings.is_spool_durable),
        home_id=directory.home_id,
        boot=directory.boot,
        workers=settings.workers,
        step_lease=settings.step_lease,
        most_held=settings.limits.held_attempts,
    )
    crew.connect(desk)
    ticker.on_tick = desk.tick
    steps = StepService(desk)
    server = LocationServer(steps, definitions, _gate(settings, clock), settings.limits, settings.caller.tls)
    signals = _Signals()
    await server.start(settings.host, settings.port)
    registration = None
    if settings.scheduler:
        registration = Registration(
            settings.scheduler,
            location=settings.name,
            address=f"{_reachable(settings)}:{server.port}",
            home_id=directory.home_id,
            boot=directory.boot,
            digest=lambda: definitions.digest,
            caller=settings.caller,
        )
        steps.on_session = registration.attached
    if metrics is not None:
        from codeloc.metrics import LocationMetrics

        metrics.serve(LocationMetrics(settings.name, desk, clock).collect)
        announce("metrics", metrics.address)
    announce(f"serving {settings.name}", f"{settings.host}:{server.port}")
    try:
        watchdog.start()
        host.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                running = [tasks.create_task(_follow(definitions, desk, server))]
                if registration is not None:
                    running.append(tasks.create_task(registration.run()))
                await signals.first.wait()
                for task in running:
                    task.cancel()
        except* LoadError as errors:
            raise errors.exceptions[0] from None
        await _drain(desk, settings, signals)
        if registration is not None:
            await registration.leave()
    finally:
        host.close()
        desk.book.close()
        crew.close()
        watchdog.close()
        ticker.close()
        await server.stop(0.2)
        if metrics is not None:
            metrics.close()
        reaper.close()


def _metrics_port(settings: Settings) -> Exposition | None:
    if settings.metrics_port is None:
        return None
    from rivers.exposition import Exposition

    return Exposition(settings.metrics_host, settings.metrics_port)


def _gate(settings: Settings, clock: Clock) -> Gate:
    """A location that knows its scheduler lets nobody else in."""
    tokens = TokenFile(settings.scheduler_token_file) if settings.scheduler_token_file is not None else None
    if tokens is not None:
        tokens.all()  # what cannot be read is said before anything is served
    is_local = is_loopback(settings.host)
    is_strict = tokens is not None or not (is_local or settings.is_insecure)
    return Gate(tokens, clock, is_strict=is_strict, is_public=is_local)


async def _follow(definitions: Definitions, desk: Desk, server: LocationServer) -> None:
    """Opens for work when the module is loaded. A name that leads nowhere is bad input; all else is answered."""
    await definitions.settled()
    failure = definitions.failure
    if failure is None:
        desk.loaded(definitions.digest)
        server.definitions_serve(True)
        return
    if list(failure.failure.exception_types[:1]) == [f"{LoadError.__module__}.{LoadError.__qualname__}"]:
        raise LoadError(failure.failure.message.removeprefix("LoadError: "), module=definitions.module)
    message = failure.failure.message
    tell(f"module '{definitions.module}' could not be loaded: {message}\n", "load_failed", module=definitions.module)


async def _drain(desk: Desk, settings: Settings, signals: _Signals) -> None:
    desk.drain()
    if desk.book.live_count:
        count = desk.book.live_count
        tell(f"waiting for {count} running steps; interrupt again to end them\n", "drain_started", running=count)
    await _until(lambda: not desk.book.live_count or signals.second.is_set(), settings.drain_grace)
    if desk.book.live_count:
        grace = 0.0 if signals.second.is_set() else settings.stop_grace
        desk.shut_down(grace)
        await _until(lambda: not desk.book.live_count, grace + _COMMIT_WITHIN)
    await _until(lambda: desk.is_clear or signals.second.is_set(), _COMMIT_WITHIN)
    desk.dismiss()
    await _until(lambda: (desk.is_clear and not desk.has_workers) or signals.second.is_set(), _COMMIT_WITHIN)
    await _until(lambda: not desk.book.has_unsent, _LEAVE_WITHIN)


async def _until(is_done: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not is_done() and time.monotonic() < deadline:  # noqa: ASYNC110 - nobody else needs to tell
        await asyncio.sleep(_LOOK)


class _Signals:
    """SIGINT and SIGTERM, counted."""

    def __init__(self) -> None:
        self.first = asyncio.Event()
        self.second = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._arrived)

    def _arrived(self) -> None:
        (self.second if self.first.is_set() else self.first).set()


def _reachable(settings: Settings) -> str:
    """The host name or address under which the scheduler finds this machine."""
    host = settings.advertised_host or settings.host
    if host in _WILDCARDS:
        host = socket.getfqdn()
    return f"[{host}]" if ":" in host else host
