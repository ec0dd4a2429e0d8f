"""The database goes away under a scheduler and comes back: it stands by, and every body runs once (W10, W6, D4)."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest

from rivers.errors import StorageUnavailableError
from rivers.v1 import run_service_pb2, run_service_pb2_grpc
from rivers_client import Client
from tests.faults.disk import SmallDisk, small_disk
from tests.faults.losing_proxy import LosingProxy
from tests.postgresql import BOTH_DATABASES, Cluster, on_sqlite
from tests.stack import Stack

CHAIN = """
    def await_file(name):
        while not os.path.exists(name):
            time.sleep(0.02)
    @rs.Asset
    def first() -> int:
        mark("first"); await_file("go"); print("done"); mark("first ended")
        return 1
    @rs.Asset
    def second(first: int) -> int:
        mark("second"); return first + 1
    repo = rs.CodeRepository(assets=[first, second], jobs=[rs.Job("all", [first, second])])
"""
MARKS = ["first", "first ended", "second"]

on_postgres = pytest.mark.parametrize("stack", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def server(cluster: Cluster) -> Iterator[Cluster]:
    """The server below the stack. It runs again when the test is over."""
    yield cluster
    if not cluster.is_running:
        cluster.start()


def refusal(stack: Stack, ask: Callable[[Client], object]) -> str:
    """What a caller without patience is told."""
    with Client(f"127.0.0.1:{stack.port}", patience=0.0) as client, pytest.raises(StorageUnavailableError) as raised:
        ask(client)
    assert "internal" not in str(raised.value)
    return str(raised.value)


def statuses(stack: Stack, run_id: str) -> set[str]:
    """What every read of a run answers, without the client's patience."""
    found = set()
    with grpc.insecure_channel(f"127.0.0.1:{stack.port}") as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        for read in (
            lambda: list(stub.WatchRun(run_service_pb2.WatchRunRequest(run_id=run_id))),
            lambda: list(stub.WatchRunLogs(run_service_pb2.WatchRunLogsRequest(run_id=run_id))),
            lambda: stub.ListRunEvents(run_service_pb2.ListRunEventsRequest(run_id=run_id)),
            lambda: stub.GetRun(run_service_pb2.GetRunRequest(run_id=run_id)),
            lambda: stub.ListRuns(run_service_pb2.ListRunsRequest()),
        ):
            with pytest.raises(grpc.RpcError) as raised:
                read()
            found.add(raised.value.code().name)
    return found


@on_postgres
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_W10_postgresql_stops_and_starts_in_mid_run(stack: Stack, server: Cluster, number: signal.Signals) -> None:
    location = stack.start_location("team", CHAIN)
    run = stack.client.runs.submit("team", job="all")
    stack.until(lambda: stack.marks("team") == ["first"], "the first body")
    queued = stack.client.runs.submit("team", select=["first"])
    server.stop(number)
    for ask in (
        lambda client: client.runs.submit("team", job="all"),
        lambda client: client.runs.cancel(queued.run_id),
        lambda client: client.runs.get(run.run_id),
        lambda client: list(client.runs.list()),
        lambda client: list(client.runs.get(run.run_id).events()),
        lambda client: list(client.assets.list()),
    ):
        assert "postgres" in refusal(stack, ask)
    assert statuses(stack, run.run_id) == {"UNAVAILABLE"}
    (stack.directory / "go").touch()
    stack.until(lambda: stack.marks("team").count("first ended") == 2, "the ends of the bodies")
    _beats_are_answered(stack)
    assert stack.marks("team").count("second") == 0, "nothing is dispatched"
    server.start()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert queued.wait(timeout=30).state.name == "SUCCEEDED"
    assert sorted(stack.marks("team")) == sorted([*MARKS, "first", "first ended"])
    assert "done" in "".join(chunk.text for chunk in run.logs())
    assert location.process.poll() is None


@on_postgres
def test_W10_the_scheduler_is_stopped_while_the_database_is_away(stack: Stack, server: Cluster) -> None:
    stack.start_location("team", CHAIN)
    run = stack.client.runs.submit("team", job="all")
    stack.until(lambda: stack.marks("team") == ["first"], "the first body")
    server.stop()
    assert "postgres" in refusal(stack, lambda client: client.runs.submit("team", job="all"))
    (stack.directory / "go").touch()
    stack.until(lambda: "first ended" in stack.marks("team"), "the end of the body")
    assert stack.scheduler is not None
    assert stack.scheduler.stop() == 0
    with pytest.raises(AssertionError, match="cannot be used right now"):
        stack.start_scheduler("--beat-interval", "0.2")
    assert stack.scheduler.process.wait(20) == 2
    server.start()
    stack.start_scheduler("--beat-interval", "0.2")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == MARKS


def _beats_are_answered(stack: Stack) -> None:
    """The location is heard of again and again, in the session that it has."""

    def heard() -> object:
        (location,) = stack.client.locations.list()
        assert location.state.name == "READY"
        return location.heard_at

    for _ in range(5):
        before = heard()
        stack.until(lambda before=before: heard() != before, "another beat")  # type: ignore[misc]


@on_postgres
def test_W6_connections_are_cut_in_mid_run_again_and_again(stack: Stack, cluster: Cluster) -> None:
    source = "".join(
        f"""
    @rs.Asset
    def step{n}({f"step{n - 1}: int" if n else ""}) -> int:
        mark("step{n}"); return {n}"""
        for n in range(12)
    )
    names = [f"step{n}" for n in range(12)]
    stack.start_location(
        "team",
        f"""{source}
    repo = rs.CodeRepository(assets=[{", ".join(names)}], jobs=[rs.Job("all", [{", ".join(names)}])])
    """,
    )
    run = stack.client.runs.submit("team", job="all")
    for count in range(1, 13):
        cluster.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rivers'")
        stack.until(lambda count=count: len(stack.marks("team")) >= count, "another body")  # type: ignore[misc]
    assert run.wait(timeout=60).state.name == "SUCCEEDED"
    assert stack.marks("team") == names


@on_postgres
def test_W6_the_server_ends_a_connection_whose_commit_is_under_way(stack: Stack, cluster: Cluster) -> None:
    stack.start_location("team", CHAIN)
    (stack.directory / "go").touch()
    waiting = "pg_stat_activity WHERE wait_event = 'SyncRep'"
    cluster.set("synchronous_standby_names", "nobody")  # a commit happens, and its answer waits for a standby
    try:
        with ThreadPoolExecutor(1) as thread:
            submitted = thread.submit(stack.client.runs.submit, "team", job="all", request_id="once")
            stack.until(lambda: cluster.ask(f"SELECT count(*) FROM {waiting}"), "a commit under way")
            cluster.ask(f"SELECT count(pg_terminate_backend(pid)) FROM {waiting}")
            cluster.set("synchronous_standby_names", "")
            run = submitted.result(30)
    finally:
        cluster.set("synchronous_standby_names", "")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert len(list(stack.client.runs.list())) == 1
    assert stack.marks("team") == MARKS


@on_postgres
def test_W6_the_answer_to_a_commit_is_lost_again_and_again(stack: Stack, cluster: Cluster) -> None:
    stack.start_location("team", CHAIN)
    (stack.directory / "go").touch()
    stack.kill_scheduler()
    assert stack.database_url is not None
    with LosingProxy(cluster.folder) as proxy:
        stack.database_url = stack.database_url.replace(cluster.folder, proxy.folder)
        stack.start_scheduler("--beat-interval", "0.2")
        stack.await_location("team")
        runs = []
        for count in range(5):
            proxy.lose_next()
            runs.append(stack.client.runs.submit("team", job="all", request_id=f"request {count}"))
            stack.until(lambda: not proxy.is_waiting, "a lost answer")
        for run in runs:
            proxy.lose_next()
            assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert len(list(stack.client.runs.list())) == len(runs)
        assert sorted(stack.marks("team")) == sorted(MARKS * len(runs))
        assert stack.scheduler is not None
        stack.scheduler.stop()


@pytest.fixture
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk for SQLite's file, or for the tables of a PostgreSQL server whose log is elsewhere."""
    if request.param == "sqlite":
        with small_disk(tmp_path / "scheduler", 2) as mounted:
            yield mounted
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    with small_disk(Path(cluster.folder) / "small", 24) as mounted:
        cluster.give(mounted.path)
        cluster.run(f"CREATE TABLESPACE small LOCATION '{mounted.path}'")
        yield mounted
        cluster.run("DROP TABLESPACE small")


@pytest.mark.parametrize("disk", BOTH_DATABASES, indirect=True)
def test_D4_the_disk_is_full_in_mid_run_and_has_room_again(
    tmp_path: Path, disk: SmallDisk, request: pytest.FixtureRequest
) -> None:
    is_file = disk.path.is_relative_to(tmp_path)
    cluster = None if is_file else request.getfixturevalue("cluster")
    url = cluster.new_database("TABLESPACE small") if cluster is not None else None
    with Stack(tmp_path, url) as stack:
        stack.start_scheduler("--beat-interval", "0.2")
        stack.start_location("team", CHAIN)
        run = stack.client.runs.submit("team", job="all")
        stack.until(lambda: stack.marks("team") == ["first"], "the first body")
        disk.fill()
        told = stack.until(lambda: _submit_until_refused(stack), "a refusal")
        assert "full" in told or "No space left on device" in told
        assert stack.client.runs.get(run.run_id).run_id == run.run_id, "what is stored can be read"
        assert list(stack.client.runs.list())
        (stack.directory / "go").touch()
        stack.until(lambda: "first ended" in stack.marks("team"), "the end of the body")
        _beats_are_answered(stack)
        disk.clear()
        made = [stack.client.runs.get(one.run_id) for one in stack.client.runs.list(limit=5_000)]
        assert {one.wait(timeout=60).state.name for one in made} == {"SUCCEEDED"}
        assert sorted(stack.marks("team")) == sorted(MARKS * len(made))
    if cluster is not None:
        cluster.drop(url)


@on_sqlite
def test_W6_a_broken_file_ends_the_scheduler_and_a_whole_one_is_taken_up_again(stack: Stack) -> None:
    stack.start_location("team", CHAIN)
    run = stack.client.runs.submit("team", job="all")
    stack.until(lambda: stack.marks("team") == ["first"], "the first body")
    stack.kill_scheduler()
    folder = stack.directory / "scheduler"
    with sqlite3.connect(folder / "rivers.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    stack.start_scheduler("--beat-interval", "0.2")
    stack.await_location("team")
    assert stack.scheduler is not None
    whole = {path: path.read_bytes() for path in folder.glob("rivers.db*") if not path.name.endswith("-shm")}
    _break(whole)
    (stack.directory / "go").touch()
    assert stack.scheduler.process.wait(30) == 2
    (line,) = [line for line in stack.scheduler.stderr().splitlines() if line.startswith("Error: ")]
    assert "rivers.db" in line
    for path, content in whole.items():
        path.write_bytes(content)
    (folder / "rivers.db-shm").unlink(missing_ok=True)
    stack.start_scheduler("--beat-interval", "0.2")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == MARKS


def _break(files: Iterable[Path]) -> None:
    """Overwrites a database in place, as a failing disk may."""
    for path in files:
        with path.open("r+b") as file:
            file.write(b"\xa5" * path.stat().st_size)


@on_sqlite
def test_D4_something_else_locks_the_database_in_mid_run(stack: Stack) -> None:
    stack.start_location("team", CHAIN)
    run = stack.client.runs.submit("team", job="all")
    stack.until(lambda: stack.marks("team") == ["first"], "the first body")
    other = sqlite3.connect(stack.directory / "scheduler" / "rivers.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    (stack.directory / "go").touch()
    assert "locked" in refusal(stack, lambda client: client.runs.submit("team", job="all"))
    assert stack.client.runs.get(run.run_id).run_id == run.run_id, "reading goes on"
    _beats_are_answered(stack)
    other.execute("ROLLBACK")
    other.close()
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == MARKS


def _submit_until_refused(stack: Stack) -> str:
    """What a caller is told as soon as the database has used up what it had set aside."""
    with Client(f"127.0.0.1:{stack.port}", patience=0.0) as client:
        try:
            client.runs.submit("team", job="all", tags={"big": "x" * 3_900})
        except StorageUnavailableError as error:
            return str(error)
    return ""
