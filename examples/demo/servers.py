"""The servers of the demonstration, as processes of the installed command line."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 30.0


class Server:
    """One `rivers` process whose output goes to a log file, so that it can outlive this program."""

    def __init__(self, name: str, arguments: list[str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rivers.cli", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", "SEASONS_DIRECTORY": str(log.with_name("seasons-files"))},
                start_new_session=True,  # Ctrl-C reaches this program only, and it stops the others in order
            )

    def address(self, announcement: str) -> str:
        """Waits for the line in which it says where it serves."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            lines = self.log.read_text(errors="replace").splitlines()
            if said := next((line for line in lines if line.startswith(announcement)), None):
                return said.split()[-1]
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not serve; its log, {self.log}, ends with:\n{self.tail()}")

    def stop(self) -> bool:
        """Asks it to drain and end; says whether it did so cleanly."""
        self.process.terminate()
        try:
            return self.process.wait(STOP_SECONDS) in (0, -signal.SIGTERM)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return False

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class Servers:
    """A scheduler and one location for each module, everything they keep below one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.addresses: dict[str, str] = {}
        self._pids = directory / "pids"
        self._started: list[Server] = []

    def start(self, modules: dict[str, str]) -> None:
        """Starts all, locations side by side."""
        if alive := self._still_running():
            stop = f"kill {' '.join(map(str, alive))}"
            raise RuntimeError(f"a demonstration is still running in {self.directory}; stop it with: {stop}")
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        storage = str(self.directory / "scheduler")
        scheduler = self._start("scheduler", ["scheduler", "--port", "0", "--storage-path", storage])
        address = self.addresses["scheduler"] = scheduler.address("scheduler on ")
        locations = {name: self._start(name, self._serve(name, modules[name], address)) for name in modules}
        for name, server in locations.items():
            self.addresses[name] = server.address("serving ")

    def stop(self) -> bool:
        """Stops all, the scheduler last; says whether each ended cleanly."""
        ended = [(server, server.stop()) for server in reversed(self._started)]
        for server, cleanly in ended:
            if not cleanly:
                print(f"{server.name} did not end cleanly; its log, {server.log}, ends with:\n{server.tail()}")
        self._started.clear()
        self._pids.unlink(missing_ok=True)
        return all(cleanly for _, cleanly in ended)

    @property
    def pids(self) -> list[int]:
        """In the order in which they are to be stopped."""
        return [server.process.pid for server in reversed(self._started)]

    def _serve(self, name: str, module: str, scheduler: str) -> list[str]:
        data = str(self.directory / name)
        return [
            *("serve", module, "--name", name, "--scheduler", scheduler),
            *("--grpc-port", "0", "--workers", "2", "--data-dir", data),
        ]

    def _start(self, name: str, arguments: list[str]) -> Server:
        server = Server(name, arguments, self.directory / f"{name}.log")
        self._started.append(server)
        self._pids.write_text(" ".join(map(str, self.pids)))
        return server

    def _still_running(self) -> list[int]:
        if not self._pids.exists():
            return []
        return [int(pid) for pid in self._pids.read_text().split() if _is_rivers(int(pid))]


def _is_rivers(pid: int) -> bool:
    try:
        return b"rivers.cli" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
