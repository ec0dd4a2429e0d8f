"""A scheduler and its locations as real processes, started and stopped by pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from rivers_client import Client

T = TypeVar("T")

START_SECONDS = 30.0

#: The command, installed beside the interpreter.
RIVERS = str(Path(sys.executable).parent / "rivers")


class Program:
    """One process, its lines of standard output as they come, and the tail of its standard error."""

    def __init__(self, name: str, arguments: list[str], directory: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.errors = directory / f"{name}.stderr"
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._error_file = self.errors.open("ab")
        self.process = subprocess.Popen(
            [RIVERS, *arguments],
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=self._error_file,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line_with(self, text: str) -> str:
        """Waits for a line of standard output that holds the text."""
        deadline = time.monotonic() + START_SECONDS
        with self._changed:
            while True:
                # Its output ends a moment before it does, and nobody is told of that.
                is_over = self.process.poll() is not None and not self._reader.is_alive()
                for line in self._lines:
                    if text in line:
                        return line
                if is_over or time.monotonic() > deadline:
                    raise AssertionError(f"{self.name} did not say {text!r}: {self._lines} {self.stderr()}")
                self._changed.wait(0.1)

    def stderr(self) -> str:
        """What it wrote to standard error."""
        return self.errors.read_text(errors="replace")

    def signal(self, number: int) -> None:
        """Sends a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kills it with -9 and waits until it is gone."""
        self.process.kill()
        self._finish()

    def stop(self) -> int:
        """Asks it to end and returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._finish()
        return self.process.returncode

    def _finish(self) -> None:
        self.process.wait()
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._error_file.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()


class Stack:
    """One scheduler and any number of locations below one directory. Stops all of them when left.

    The scheduler keeps its rows in the directory, or in the database at a URL that it gets through the environment.
    """

    def __init__(self, directory: Path, database_url: str | None = None) -> None:
        self.directory = directory
        self.database_url = database_url
        self.port = 0
        self.scheduler: Program | None = None
        self.locations: dict[str, Program] = {}
        self._programs: list[Program] = []
        self._clients: list[Client] = []
        (directory / "marks").mkdir(exist_ok=True)

    def __enter__(self) -> Stack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for client in self._clients:
            client.close()
        for program in reversed(self._programs):
            program.stop()
        if kind is not None:
            for program in self._programs:
                sys.stderr.write(f"--- {program.name}\n{program.stderr()[-4000:]}\n")

    def start_scheduler(self, *options: str, failpoint: str = "") -> str:
        """Starts the scheduler; a second start takes the same port and directory. Returns its address.

        One with a failpoint may die at any moment, so it is not waited for.
        """
        arguments = ["scheduler", "--port", str(self.port), "--storage-path", "scheduler", *options]
        variables = {"RIVERS_DATABASE_URL": self.database_url} if self.database_url is not None else {}
        if failpoint:
            variables["RIVERS_FAILPOINT"] = failpoint
        self.scheduler = self._start("scheduler", arguments, **variables)
        if failpoint:
            return f"127.0.0.1:{self.port}"
        address = self.scheduler.line_with("scheduler on ").split()[-1]
        self.port = int(address.rsplit(":", 1)[1])
        return address

    def kill_scheduler(self) -> None:
        """Kills the scheduler with -9."""
        assert self.scheduler is not None
        self.scheduler.kill()

    def write_module(self, name: str, source: str) -> None:
        """Writes a module that locations can serve. `mark(text)` in it appends a line that `marks` reads."""
        head = f"""
            import os, time
            import rivers as rs
            def mark(text):
                with open({str(self.directory / "marks" / name)!r}, "a") as file:
                    file.write(text + "\\n")
        """
        text = textwrap.dedent(head) + textwrap.dedent(source)
        (self.directory / f"{name}.py").write_text(text)

    def marks(self, name: str) -> list[str]:
        """The lines that a module's steps marked, in order."""
        path = self.directory / "marks" / name
        return path.read_text().splitlines() if path.exists() else []

    def start_location(
        self,
        name: str,
        source: str | None = None,
        *,
        options: tuple[str, ...] = (),
        libraries: tuple[Path, ...] = (),
        await_ready: bool = True,
    ) -> Program:
        """Serves a module under its own name as a location, written first if a source is given.

        `libraries` are directories of packages that this location alone has.
        """
        if source is not None:
            self.write_module(name, source)
        arguments = [
            *["serve", name, "--name", name, "--grpc-port", "0", "--data-dir", f"data-{name}"],
            *["--scheduler", f"127.0.0.1:{self.port}", "--workers", "2", *options],
        ]
        search = os.pathsep.join(map(str, (self.directory, *libraries)))
        program = self.locations[name] = self._start(name, arguments, PYTHONPATH=search)
        program.line_with("serving ")
        if await_ready:
            self.await_location(name)
        return program

    def await_location(self, name: str, state: str = "READY") -> None:
        """Waits until the scheduler says that the location is in this state."""
        self.until(
            lambda: any(one.name == name and one.state.name == state for one in self.client.locations.list()),
            f"location {name} {state}",
        )

    @property
    def client(self) -> Client:
        """A client of the scheduler."""
        if not self._clients:
            self._clients.append(Client(f"127.0.0.1:{self.port}"))
        return self._clients[0]

    def until(self, condition: Callable[[], T], what: str, seconds: float = 30.0) -> T:
        """Waits until a condition about other processes holds; what they do cannot be awaited otherwise."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {what}")
            time.sleep(0.02)
        return found

    def _start(self, name: str, arguments: list[str], **variables: str) -> Program:
        environment = {**os.environ, "PYTHONPATH": str(self.directory), "PYTHONUNBUFFERED": "1", **variables}
        program = Program(name, arguments, self.directory, environment)
        self._programs.append(program)
        return program


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process stands still meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def children(pid: int) -> list[int]:
    """Every process below this one."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
