"""The crew: the worker processes of a location, as the desk wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from codeloc.console import tell
from codeloc.desk import Desk
from codeloc.endings import Exit
from codeloc.host_link import HostLink
from codeloc.launch import Launch
from codeloc.lease import NEVER
from codeloc.process_groups import ProcessGroups
from codeloc.processes import kill_families
from codeloc.reaper import Reaper
from codeloc.spawning import open_ends, spawn
from codeloc.watchdog_link import WatchdogLink
from codeloc.worker_process import WorkerProcess
from rivers.v1.run_pb2 import LogStream
from rivers.v1.step_service_pb2 import Assign, AttemptEvent, CallHooks
from rivers.wire.times import decode_duration


class ProcessCrew:
    """Starts workers as forks of the host where that is safe, else as interpreters of their own."""

    def __init__(
        self,
        launch: Launch,
        *,
        environment: Mapping[str, str],
        host: HostLink,
        reaper: Reaper,
        groups: ProcessGroups,
        watchdog: WatchdogLink,
    ) -> None:
        self.refusal = ""
        self._desk: Desk | None = None
        self._loop = asyncio.get_running_loop()
        self._launch = launch
        self._environment = environment
        self._host = host
        self._reaper = reaper
        self._groups = groups
        self._watchdog = watchdog
        self._workers: dict[int, WorkerProcess] = {}
        self._is_held = False
        host.on_refused = self._refused
        reaper.on_orphans = self._introduce

    def connect(self, desk: Desk) -> None:
        """Says who is told what workers do."""
        self._desk = desk

    # -- what the desk asks -----------------------------------------------------------------------------------------

    def start(self, worker: int, home: str) -> None:
        """Starts a worker."""
        if not self.refusal and self._fork(worker, home):
            return
        self._spawn(worker, home)

    def assign(self, worker: int, assign: Assign) -> None:
        """Gives an attempt to an idle worker. The watchdog hears of it before."""
        if (process := self._workers.get(worker)) is not None:
            lease = decode_duration(assign.lease) if assign.HasField("lease") else NEVER
            self._watchdog.lease(process.pid, lease or NEVER)
            process.assign(assign)

    def call_hooks(self, worker: int, due: CallHooks) -> None:
        """Lets an idle worker call hooks."""
        if (process := self._workers.get(worker)) is not None:
            process.call_hooks(due)

    def stop(self, worker: int, token: int) -> None:
        """Asks the body of an attempt to end."""
        if (process := self._workers.get(worker)) is not None:
            process.stop(token)

    def kill(self, worker: int) -> None:
        """Kills a worker with all that it started."""
        if (process := self._workers.get(worker)) is not None:
            process.kill()

    def release(self, worker: int) -> None:
        """Lets an idle worker end."""
        if (process := self._workers.get(worker)) is not None:
            process.release()

    def heard(self, at: float) -> None:
        """The scheduler has heard a beat sent at this time."""
        self._watchdog.heard(at)

    def hold_output(self, held: bool) -> None:
        """While held, nothing is read from workers."""
        self._is_held = held
        for process in self._workers.values():
            process.hold(held)

    def close(self) -> None:
        """Kills all of them, at once."""
        for process in self._workers.values():
            if process.pid:
                self._groups.forget(process.pid)
        kill_families(process.pid for process in self._workers.values() if process.pid)

    # -- what workers do --------------------------------------------------------------------------------------------

    def worker_forked(self, worker: WorkerProcess) -> None:
        """It exists."""
        self._groups.record(worker.pid)
        self._reaper.watch(worker.pid, worker.exited)

    def worker_started(self, worker: WorkerProcess, digest: str) -> None:
        """It has the module loaded."""
        assert self._desk is not None
        if digest == self._desk.digest:
            self._desk.worker_ready(worker.number, worker.pid)
        else:
            tell(
                f"worker {worker.pid} has loaded other definitions than this location serves: files of module "
                f"'{self._launch.module}' have changed; restart the location to serve the new ones\n",
                "worker_refused",
                pid=worker.pid,
            )
            worker.kill()

    def worker_output(self, worker: WorkerProcess, stream: LogStream.ValueType, text: str) -> None:
        """It has written something."""
        assert self._desk is not None
        if not self._desk.worker_output(worker.number, stream, text):
            tell(text)

    def worker_events(self, worker: WorkerProcess, events: list[AttemptEvent]) -> None:
        """It has reported something."""
        assert self._desk is not None
        if events[-1].HasField("ended"):
            self._watchdog.idle(worker.pid)
        self._desk.worker_events(worker.number, events)

    def worker_hooked(self, worker: WorkerProcess) -> None:
        """It has called the hooks that it was given."""
        assert self._desk is not None
        self._desk.worker_hooked(worker.number)

    def worker_ended(self, worker: WorkerProcess, exit: Exit, output_cut: bool) -> None:
        """It is dead."""
        if self._workers.get(worker.number) is not worker:
            return
        del self._workers[worker.number]
        worker.abandon()
        if worker.pid:
            self._groups.forget(worker.pid)
        assert self._desk is not None
        self._desk.worker_gone(worker.number, exit, output_cut=output_cut)

    # -- within -----------------------------------------------------------------------------------------------------

    def _fork(self, number: int, home: str) -> bool:
        ours, theirs = open_ends()
        is_asked = self._host.request(number, theirs)
        theirs.close()
        if is_asked:
            self._add(WorkerProcess(number, home, ours, self))
        else:
            ours.close()
        return is_asked

    def _spawn(self, number: int, home: str) -> None:
        ours, theirs = open_ends()
        process = WorkerProcess(number, home, ours, self)
        self._add(process)
        try:
            process.pid = spawn("worker", self._launch, theirs, self._environment)
        except OSError as error:
            failed = Exit(detail=f"could not be started: {error}")
            self._loop.call_soon(self.worker_ended, process, failed, False)
        else:
            self._groups.record(process.pid)
            self._reaper.watch(process.pid, process.exited)
        finally:
            theirs.close()

    def _add(self, process: WorkerProcess) -> None:
        self._workers[process.number] = process
        if self._is_held:
            process.hold(True)

    def _introduce(self) -> None:
        """Learns the pids of forks that are our children already: they are nobody's orphans."""
        for process in list(self._workers.values()):
            process.introduce()

    def _refused(self, number: int, reason: str) -> None:
        """The host must not be forked any more: from here on every worker imports the module itself."""
        if not self.refusal:
            self.refusal = reason
            tell(f"workers are started afresh and not forked, because {reason}\n", "fork_refused")
        process = self._workers.pop(number, None)
        if process is not None:
            process.abandon()
            self._spawn(number, process.home)
