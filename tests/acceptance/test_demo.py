"""`make demo`, as a newcomer runs it."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rivers_client import Client, LocationState
from tests.acceptance.teams import ROOT
from tests.stack import is_alive


def run_demo(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "examples.demo", str(directory)],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
    )


def test_the_demo_runs_shows_and_stops_everything(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "demo", KEEP="")
    assert done.returncode == 0, done.stdout + done.stderr
    for text in ("grpcurl", "weather / climate", "# Seattle", "January 2000 to March 2010", "1461 days", "is stopped"):
        assert text in done.stdout, text
    assert "1509 partitions in 1509 runs" in done.stdout
    assert re.search(r"2012-11\s+210\.5", done.stdout), "the wettest month of 2012"
    assert len(list((tmp_path / "demo" / "seasons-files" / "day").iterdir())) == 1461
    report = re.search(r"^climate_report .*?(\S+) *$", done.stdout, re.MULTILINE)
    assert report is not None
    assert b"hottest month" in (tmp_path / "demo" / report[1]).read_bytes(), "small values share a file"
    assert not (tmp_path / "demo" / "pids").exists()


def test_a_kept_demo_stays_up_until_it_is_stopped_as_shown(tmp_path: Path) -> None:
    done = run_demo(tmp_path / "demo", KEEP="1")
    pids = [int(pid) for pid in (tmp_path / "demo" / "pids").read_text().split()]
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"kill {' '.join(map(str, pids))}" in done.stdout
        found = re.search(r"(\S+) rivers.v1.RunService/GetRun", done.stdout)
        assert found is not None
        with Client(found[1]) as client:
            assert [one.state for one in client.locations.list()] == [LocationState.READY] * 3
        again = run_demo(tmp_path / "demo")
        assert again.returncode == 1
        assert "still running" in again.stdout
        assert "Traceback" not in again.stderr
    finally:
        ended = [_end(pid) for pid in pids]
    assert all(ended)


@pytest.mark.parametrize("name", ["weather", "markets"])
def test_an_example_runs_in_one_process(name: str) -> None:
    program = f"from examples.{name} import repo; print(len(repo.materialize().materialized_assets))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == {"weather": "5", "markets": "6"}[name]


@pytest.mark.parametrize("name", ["weather", "markets"])
def test_an_example_is_a_repository_of_its_own(name: str) -> None:
    program = f"from {name} import repo; print(len(repo.assets))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT / "examples" / name, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == {"weather": "5", "markets": "6"}[name]


def _end(pid: int) -> bool:
    """Terminates a process that is not our child and waits until it is gone, by a descriptor of the process."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        os.kill(pid, signal.SIGTERM)
        gone, _, _ = select.select([descriptor], [], [], 30)
        return bool(gone) or not is_alive(pid)
    finally:
        os.close(descriptor)
