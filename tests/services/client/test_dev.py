"""`rivers dev`: a whole stack in one terminal, and its end."""

import os
import select
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from rivers.errors import LocationNotFoundError, LocationUnavailableError
from rivers_client import Client

MODULE = """
    import rivers as rs
    @rs.Asset
    def NAME():
        return 1
    repo = rs.CodeRepository(assets=[NAME], jobs=[rs.Job("all", [NAME])])
"""


class Dev:
    """The process and its lines."""

    def __init__(self, directory, *arguments):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RIVERS_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rivers.cli", "dev", "--scheduler-port", "0", "--grpc-port", "0", *arguments],
            cwd=directory,
            env=clean,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def line_with(self, text):
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in line for line in self.lines), 30), self.lines
            return next(line for line in self.lines if text in line)

    def end(self, number):
        self.process.send_signal(number)
        self.process.wait(30)
        self._reader.join(10)
        return self.process.returncode

    def _read(self):
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()


@pytest.fixture
def dev(tmp_path):
    """Starts it in a directory with two modules."""
    (tmp_path / "teams").mkdir()
    for name in ("weather", "markets"):
        (tmp_path / "teams" / f"{name}.py").write_text(textwrap.dedent(MODULE).replace("NAME", name))
    started = []

    def start(*arguments):
        started.append(Dev(tmp_path, *arguments))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()
        one.process.stdout.close()


def below(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children") as file:
            found += [int(child) for child in file.read().split()]
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_two_locations_serve_until_a_signal(dev, tmp_path, number):
    stack = dev("teams.weather", "teams.markets")
    address = stack.line_with("scheduler | scheduler on ").split()[-1]
    for name in ("weather", "markets"):
        stack.line_with(f"{name:<9} | serving {name} on ")
    with Client(address) as client:
        for name in ("weather", "markets"):
            ended = _once_ready(client, name)
            assert ended.succeeded
    children = below(stack.process.pid)
    assert len(children) == 3
    assert stack.end(number) == 0
    assert not any(os.path.exists(f"/proc/{child}") for child in children)
    assert (tmp_path / ".rivers" / "storage").is_dir()


def test_ephemeral_leaves_nothing(dev, tmp_path):
    stack = dev("teams.weather", "--ephemeral")
    stack.line_with("serving weather")
    assert stack.end(signal.SIGINT) == 0
    assert not (tmp_path / ".rivers").exists()


def test_a_child_that_ends_ends_everything_with_its_code(dev):
    stack = dev("teams.weather", "--host", "203.0.113.1")
    assert stack.process.wait(30) == 2
    stack.line_with("Error: scheduler ended with exit code 2")
    assert any(line.startswith("scheduler | Error: ") for line in stack.lines)


def test_children_do_not_outlive_a_killed_parent(dev):
    stack = dev("teams.weather", "--ephemeral")
    stack.line_with("serving weather")
    children = below(stack.process.pid)
    watched = [os.pidfd_open(child) for child in children]
    stack.process.kill()
    for child in watched:
        assert select.select([child], [], [], 30)[0]
        os.close(child)


def _once_ready(client, location):
    """Submits as soon as the location's definitions are there, and waits for the end."""
    deadline = time.monotonic() + 30
    while True:
        try:
            return client.runs.submit(location, job="all").wait(timeout=30)
        except (LocationNotFoundError, LocationUnavailableError):
            assert time.monotonic() < deadline
            time.sleep(0.05)
