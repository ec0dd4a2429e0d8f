"""What becomes of workers when their parent ends, however it does; in programs of their own, because they end."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys

import pytest

from rivers.storage.database import Database
from tests.unit.driver.conftest import Here
from tests.unit.driver.process_table import is_running, until
from tests.unit.driver.team_source import SOURCE

START = """
import os, sys
sys.path.insert(0, sys.argv[1])
import rivers as rs, team_of_a_process as team
def repository(*assets, storage=None):
    repo = rs.CodeRepository(list(assets), default_executor=rs.Executor.parallel(2))
    repo.resolve(storage=storage or rs.Storage.memory())
    return repo
"""
PAIR = "repo = repository(team.one_of_two, team.two_of_two)\nrepo.materialize()\n"


class Program:
    """A program beside the module of an author."""

    def __init__(self, folder):
        self.folder = folder
        self.values = folder / "values"
        self.process = None

    def start(self, text, *arguments):
        command = [sys.executable, "-c", START + text, str(self.folder), *arguments]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def pair(self):
        """The workers of a run that is over."""
        return [pickle.loads((self.values / f"{name}_of_two.pkl").read_bytes()) for name in ("one", "two")]

    def busy(self):
        """The workers of a run that goes on."""
        told = [self.values / f"worker-{name}" for name in ("one", "two")]
        until(lambda: all(path.exists() for path in told) or self.process.poll() is not None)
        return [int(path.read_text()) for path in told]


@pytest.fixture
def program(made, tmp_path):
    made(SOURCE.format(folder=str(tmp_path / "values")), "team_of_a_process")
    one = Program(tmp_path)
    yield one
    (tmp_path / "values" / "go").touch()
    one.process.kill()
    one.process.communicate()


def are_running(pids):
    return any(is_running(pid) for pid in pids)


def test_the_end_of_a_program_ends_its_workers(program):
    program.start(PAIR)
    _, errors = program.process.communicate(timeout=60)
    assert (program.process.returncode, errors) == (0, "")
    assert not are_running(program.pair())


def test_busy_workers_end_with_a_parent_that_is_killed(program):
    program.start("repository(team.tells_one, team.tells_two).materialize()")
    pids = program.busy()
    program.process.kill()
    until(lambda: not are_running(pids))


def test_idle_workers_end_with_a_parent_that_is_killed(program):
    program.start(PAIR + "print('idle', flush=True)\nsys.stdin.read()")
    assert program.process.stdout.readline() == "idle\n"
    pids = program.pair()
    program.process.kill()
    until(lambda: not are_running(pids))


def test_workers_end_with_their_parent_although_a_fork_of_it_goes_on(program):
    program.start(
        PAIR
        + "fork = os.fork()\nif not fork:\n    team.until('go')\n    os._exit(0)\nprint(fork, flush=True)\nos._exit(0)"
    )
    fork = int(program.process.stdout.readline())
    pids = program.pair()
    until(lambda: not are_running(pids))
    assert is_running(fork)


def test_a_fork_has_workers_of_its_own(program):
    again = "assert repo.materialize().success\n"
    program.start(
        f"{PAIR}fork = os.fork()\n{again}"
        "if not fork:\n    os._exit(0)\n"
        f"assert os.waitpid(fork, 0)[1] == 0\n{again}print('both')"
    )
    out, _ = program.process.communicate(timeout=90)
    assert (program.process.returncode, out) == (0, "both\n")


def test_a_second_ctrl_c_ends_busy_workers(program, tmp_path):
    program.start(
        "storage = rs.Storage.embedded(sys.argv[2])\n"
        "repository(team.tells_one, team.tells_two, storage=storage).materialize(run_id_override='r')",
        str(tmp_path / "store"),
    )
    pids = program.busy()
    program.process.send_signal(signal.SIGINT)
    for line in program.process.stderr:
        if "press Ctrl-C again" in line:
            break
    assert are_running(pids), "they may finish"
    program.process.send_signal(signal.SIGINT)
    _, errors = program.process.communicate(timeout=60)
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert program.process.returncode == -signal.SIGINT
    assert Here(Database.embedded(tmp_path / "store", read_only=True)).row("r").state.name == "CANCELED"
    assert not are_running(pids)
