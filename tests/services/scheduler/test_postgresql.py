"""One PostgreSQL for a scheduler and for programs that run in process, beside each other and from the commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import grpc
import pytest

import rivers as rs
from rivers.errors import StorageError
from rivers.v1 import location_service_pb2, location_service_pb2_grpc
from tests.postgresql import Cluster
from tests.stack import RIVERS, Stack

pytestmark = pytest.mark.postgres

MODULE = """
    @rs.Asset
    def numbers() -> list:
        return [1, 2, 3]
    @rs.Asset
    def total(numbers: list) -> int:
        mark("total"); return sum(numbers)
    repo = rs.CodeRepository(
        assets=[numbers, total],
        jobs=[rs.Job("all", [numbers, total])],
        default_executor=rs.Executor.in_process(),
    )
"""


def rivers(directory: Path, url: str, *arguments: str) -> str:
    """What a command says that gets the URL from the environment and succeeds."""
    done = subprocess.run(
        [RIVERS, *arguments],
        cwd=directory,
        env={**os.environ, "RIVERS_DATABASE_URL": url, "PYTHONPATH": str(directory)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done
    return done.stdout


def test_commands_and_a_scheduler_share_a_database(tmp_path: Path, cluster: Cluster) -> None:
    url = cluster.new_database()
    assert "up to date (postgresql+psycopg://" in rivers(tmp_path, url, "db", "migrate")
    with Stack(tmp_path, url) as stack:
        stack.start_scheduler("--beat-interval", "0.2")
        stack.start_location("team", MODULE)
        first = stack.client.runs.submit("team", job="all")
        assert "numbers" in rivers(tmp_path, url, "materialize", "team")
        second = stack.client.runs.submit("team", job="all")
        for run in (first, second):
            assert run.wait(timeout=30).state.name == "SUCCEEDED"
        listed = list(stack.client.runs.list())
        assert len(listed) == 3
        assert {run.state.name for run in listed} == {"SUCCEEDED"}
        storage = rs.Storage.connect(url)
        assert {run.run_id for run in storage.get_runs()} == {run.run_id for run in listed}
        record = storage.get_asset_record("total")
        assert record is not None
        positions = [event.position for run in listed for event in stack.client.runs.get(run.run_id).events()]
        assert len(positions) == len(set(positions))
        stack.kill_scheduler()
        stack.start_scheduler("--beat-interval", "0.2")
        stack.await_location("team")
        assert stack.client.runs.submit("team", job="all").wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["total"] * 4


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, cluster: Cluster) -> None:
    url = cluster.new_schema()
    name = url.rpartition("%3D")[2]
    cluster.run(f"CREATE TABLE {name}.customers (id int)")
    with pytest.raises(StorageError, match="'customers'"):
        rs.Storage.connect(url)


def test_W5_the_older_of_two_schedulers_ends_as_soon_as_it_would_write(tmp_path: Path, cluster: Cluster) -> None:
    with Stack(tmp_path, cluster.new_database()) as stack:
        old_address = stack.start_scheduler("--beat-interval", "0.2")
        older = stack.scheduler
        assert older is not None
        stack.port = 0
        stack.start_scheduler("--beat-interval", "0.2")
        stack.start_location("team", MODULE)
        with grpc.insecure_channel(old_address) as channel, pytest.raises(grpc.RpcError):
            location_service_pb2_grpc.LocationServiceStub(channel).Register(
                location_service_pb2.RegisterRequest(location="other", address="127.0.0.1:1", home_id="home", boot=1),
                timeout=20,
            )
        assert older.process.wait(20) == 2
        (line,) = [line for line in older.stderr().splitlines() if line.startswith("Error: ")]
        assert "another scheduler leads" in line
        assert "fault of the program" not in line
        assert stack.client.runs.submit("team", job="all").wait(timeout=30).state.name == "SUCCEEDED"
