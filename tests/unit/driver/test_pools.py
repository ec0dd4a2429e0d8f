"""Steps claim slots of pools before they start: events in their order, waiting, leases, retries, cancellation."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

import rivers as rs
from rivers.driver import patience
from rivers.storage import claims

EXECUTORS = [rs.Executor.in_process(), rs.Executor.parallel(max_workers=2)]
everywhere = pytest.mark.parametrize("executor", EXECUTORS, ids=["in_process", "parallel"])


class Bench:
    """A storage with pools, somebody else who holds slots of them, and runs beside the test."""

    def __init__(self, storage: rs.Storage) -> None:
        self.storage = storage
        self.threads = ThreadPoolExecutor(4)

    def repository(self, *assets: Any, executor: Any = None, **options: Any) -> rs.CodeRepository:
        repo = rs.CodeRepository(list(assets), default_executor=executor or rs.Executor.in_process(), **options)
        repo.resolve(storage=self.storage)
        return repo

    def take(self, *needs: tuple[str, int], run: str = "other", step: str = "s") -> None:
        assert self.storage._claim_concurrency_slots(list(needs), run, step).is_claimed

    def give(self, run: str = "other", step: str = "s") -> None:
        self.storage._free_concurrency_slots(run, step)

    def start(self, repo: rs.CodeRepository, run_id: str = "r", **options: Any) -> Future[Any]:
        return self.threads.submit(repo.materialize, run_id_override=run_id, raise_on_error=False, **options)

    def events(self, asset: str | None = None, run_id: str = "r") -> list[str]:
        return [
            event.event_type
            for event in self.storage.get_events_for_run(run_id)
            if event.asset_key is not None and asset in (None, event.asset_key)
        ]

    def facts(self, kind: str, run_id: str = "r") -> list[list[tuple[str, str]]]:
        return [event.metadata for event in self.storage.get_events_for_run(run_id) if event.event_type == kind]

    def until(self, is_so: Callable[[], bool]) -> None:
        """Waits for what another thread writes."""
        pause = threading.Event()
        for _ in range(2000):
            if is_so():
                return
            pause.wait(0.01)
        raise AssertionError("it never came to that")

    def until_waiting(self, asset: str, run_id: str = "r") -> None:
        self.until(lambda: "StepSlotWaiting" in self.events(asset, run_id))


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench(rs.Storage.memory())
    yield bench
    bench.threads.shutdown()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets what is read when a process claims first."""

    def set(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"RIVERS_CLAIM_{name}", value)
        patience.patience.cache_clear()

    yield set
    monkeypatch.undo()
    patience.patience.cache_clear()


def asset(name: str, pool: Any = "db", act: Callable[[], Any] = int, **options: Any) -> Any:
    return rs.Asset(name=name, pool=pool, **options)(lambda: act())


PLAIN = ["StepSlotClaimed", "StepStart", "Materialization", "StepSuccess", "StepSlotReleased"]


@everywhere
def test_a_plain_success(bench: Bench, executor: Any) -> None:
    claims = asset("a", ["db", "api"], pool_slots={"db": 2})
    bench.repository(claims, executor=executor, pool_limits={"db": 2, "api": 5}).materialize(run_id_override="r")
    assert bench.events() == PLAIN
    assert bench.facts("StepSlotClaimed") == [[("pools", "db,api")]]
    assert [bench.storage.get_pool_info(pool).claimed_count for pool in ("db", "api")] == [0, 0]


def test_the_slots_are_held_while_the_step_runs(bench: Bench) -> None:
    def look() -> list[tuple[str, str, int]]:
        holders = bench.storage.get_pool_slot_holders("db")
        return [(one.run_id, one.step_key, one.slots_consumed) for one in holders]

    repo = bench.repository(asset("a", act=look, pool_slots=3), pool_limits={"db": 3})
    repo.materialize(run_id_override="r")
    assert repo.load_node("a") == [("r", "a", 3)]


def test_the_lease_is_the_shortest_of_the_pools(bench: Bench) -> None:
    def look() -> int:
        (holder,) = bench.storage.get_pool_slot_holders("db")
        return holder.lease_expires_at - holder.claimed_at

    bench.storage.set_pool_limit("db", 1, "90s")
    bench.storage.set_pool_limit("api", 1, "30s")
    repo = bench.repository(asset("a", ["db", "api"], act=look))
    repo.materialize()
    assert repo.load_node("a") == 30_000_000_000


@pytest.mark.parametrize("limit", [None, {"db": -1}])
def test_a_pool_without_a_limit_counts_nothing(bench: Bench, limit: Any) -> None:
    def look() -> tuple[int, list[Any]]:
        return bench.storage.get_pool_info("db").claimed_count, bench.storage.get_pool_slot_holders("db")

    repo = bench.repository(asset("a", act=look, pool_slots=3), pool_limits=limit)
    repo.materialize(run_id_override="r")
    assert repo.load_node("a") == (0, [])
    assert bench.events() == PLAIN


@everywhere
def test_a_step_waits_until_there_is_room(bench: Bench, executor: Any) -> None:
    repo = bench.repository(asset("a"), executor=executor, pool_limits={"db": 1})
    bench.take(("db", 1))
    run = bench.start(repo)
    bench.until_waiting("a")
    assert bench.storage.get_pool_info("db").pending_count == 1
    bench.give()
    assert run.result(30).success
    assert bench.events() == ["StepSlotWaiting", *PLAIN]
    assert bench.facts("StepSlotWaiting") == [[("reason", "pool 'db' full (1/1)")]]
    assert bench.storage.get_pool_info("db").pending_count == 0


def test_a_raised_limit_wakes_too(bench: Bench) -> None:
    repo = bench.repository(asset("a"), pool_limits={"db": 0})
    run = bench.start(repo)
    bench.until_waiting("a")
    bench.storage.set_pool_limit("db", 1)
    assert run.result(30).success


def test_several_full_pools_are_named(bench: Bench) -> None:
    repo = bench.repository(asset("a", ["db", "api"]), pool_limits={"db": 1, "api": 2})
    bench.take(("db", 1), ("api", 2))
    run = bench.start(repo)
    bench.until_waiting("a")
    bench.give()
    assert run.result(30).success
    assert bench.facts("StepSlotWaiting") == [[("reason", "pool 'db' full (1/1), pool 'api' full (2/2)")]]


def test_in_process_nothing_overtakes_a_step_that_waits(bench: Bench) -> None:
    repo = bench.repository(asset("a"), asset("b", None), pool_limits={"db": 1})
    bench.take(("db", 1))
    run = bench.start(repo)
    bench.until_waiting("a")
    bench.give()
    assert run.result(30).success
    assert [name for name in (event.asset_key for event in bench.storage.get_events_for_run("r")) if name] == (
        ["a"] * 6 + ["b"] * 3
    )


def test_in_process_steps_of_one_run_never_wait_for_each_other(bench: Bench) -> None:
    repo = bench.repository(*(asset(name) for name in "abc"), pool_limits={"db": 1})
    repo.materialize(run_id_override="r")
    assert bench.events() == PLAIN * 3


@pytest.mark.parametrize("is_async", [False, True])
def test_in_parallel_other_steps_go_on(bench: Bench, is_async: bool) -> None:
    async def plain() -> int:
        return 1

    waits = rs.Asset(name="a", pool="db")(plain) if is_async else asset("a")
    repo = bench.repository(waits, asset("b", None), executor=EXECUTORS[1], pool_limits={"db": 1})
    bench.take(("db", 1))
    run = bench.start(repo)
    bench.until(lambda: "StepSuccess" in bench.events("b"))
    bench.until_waiting("a")
    assert "StepStart" not in bench.events("a")
    bench.give()
    assert run.result(30).success


def test_the_limit_holds_over_runs_and_their_steps(bench: Bench) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    async def body() -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        await asyncio.sleep(0.005)
        with lock:
            now[0] -= 1

    steps = [rs.Asset(name=f"a{n}", pool="db")(body) for n in range(12)]
    repo = bench.repository(*steps, executor=EXECUTORS[1], pool_limits={"db": 3})
    runs = [bench.start(repo, f"r{n}") for n in range(3)]
    assert all(run.result(60).success for run in runs)
    assert most == [3]
    assert bench.storage.get_pool_info("db").claimed_count == 0


def test_coroutines_in_process_do_not_hold_each_other_up(bench: Bench) -> None:
    async def body() -> None: ...

    steps = [rs.Asset(name=f"a{n}", pool="db")(body) for n in range(3)]
    assert bench.repository(*steps, pool_limits={"db": 1}).materialize().success


def test_P07_slots_are_given_back_before_the_next_attempt(bench: Bench) -> None:
    calls: list[int] = []

    def act() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("boom")

    for backoff in (None, rs.Backoff.constant(0.01)):
        calls.clear()
        policy = rs.RetryPolicy(1, backoff=backoff)
        repo = bench.repository(asset("a", act=act, retry=policy), pool_limits={"db": 1})
        run_id = f"r{backoff}"
        repo.materialize(run_id_override=run_id)
        assert bench.events(run_id=run_id) == [
            "StepSlotClaimed",
            "StepStart",
            "StepRetry",
            "StepSlotReleased",
            *PLAIN,
        ]


def test_a_failure_gives_its_slots_back(bench: Bench) -> None:
    def act() -> None:
        raise ValueError("boom")

    repo = bench.repository(asset("a", act=act), pool_limits={"db": 1})
    assert not repo.materialize(raise_on_error=False, run_id_override="r").success
    assert bench.events() == ["StepSlotClaimed", "StepStart", "StepFailure", "StepSlotReleased"]
    assert bench.storage.get_pool_slot_holders("db") == []


@everywhere
def test_a_step_whose_wait_is_over_fails_and_the_others_go_on(
    bench: Bench, executor: Any, patient: Callable[..., None]
) -> None:
    patient(TIMEOUT="50ms")
    repo = bench.repository(asset("a"), asset("b", None), executor=executor, pool_limits={"db": 1})
    bench.take(("db", 1))
    result = repo.materialize(run_id_override="r", raise_on_error=False)
    message = "Failed to claim pool slots: step 'a' timed out waiting for pool slots after 50ms"
    assert result.failed_assets == [("a", f"ExecutionError: {message}")]
    assert result.materialized_assets == ["b"]
    assert bench.events("a") == ["StepSlotWaiting", "StepFailure"]
    (facts,) = bench.facts("StepFailure")
    assert ("rivers/failure_reason", "error") in facts
    assert bench.storage.get_pool_info("db").pending_count == 0
    with pytest.raises(rs.exceptions.ExecutionError):
        repo.materialize()


def test_a_wait_that_is_over_is_retried_like_any_error(bench: Bench, patient: Callable[..., None]) -> None:
    patient(TIMEOUT="50ms")
    repo = bench.repository(asset("a", retry=rs.RetryPolicy(1)), pool_limits={"db": 1})
    bench.take(("db", 1))
    repo.materialize(run_id_override="r", raise_on_error=False)
    assert bench.events() == ["StepSlotWaiting", "StepRetry", "StepSlotWaiting", "StepFailure"]


@pytest.mark.parametrize(("duration", "text"), [(1.5, "1.5s"), (90, "90s"), (0.05, "50ms"), (0, "0s")])
def test_durations_are_printed_in_short(duration: float, text: str) -> None:
    assert patience.printed(duration) == text


def test_the_settings_are_read_once(patient: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    patient(TIMEOUT="1m30s", POLL_INTERVAL="2s", POLL_JITTER="0ms")
    assert patience.patience() == patience.Patience(90.0, 2.0, 0.0)
    monkeypatch.setenv("RIVERS_CLAIM_TIMEOUT", "1s")
    assert patience.patience().timeout == 90.0
    for name in ("TIMEOUT", "POLL_INTERVAL", "POLL_JITTER"):
        monkeypatch.delenv(f"RIVERS_CLAIM_{name}")
    patience.patience.cache_clear()
    assert patience.patience() == patience.Patience(None, 1.0, 0.5)


def test_a_setting_that_is_none_fails_the_step_with_its_name(bench: Bench, patient: Callable[..., None]) -> None:
    patient(TIMEOUT="soon")
    result = bench.repository(asset("a")).materialize(raise_on_error=False)
    assert "ValueError: invalid duration for 'RIVERS_CLAIM_TIMEOUT'" in result.failed_assets[0][1]


@everywhere
def test_cancelling_a_run_whose_step_waits(bench: Bench, executor: Any) -> None:
    repo = bench.repository(asset("a"), asset("b", ["db"]), executor=executor, pool_limits={"db": 1})
    bench.take(("db", 1))
    run = bench.start(repo, selection=["a"])
    bench.until_waiting("a")
    bench.storage.request_cancellation("r")
    result = run.result(30)
    assert (result.success, result.failed_assets, result.materialized_assets) == (False, [], [])
    assert bench.storage.get_run("r").status == "Canceled"
    assert bench.events() == ["StepSlotWaiting"]
    assert bench.storage.get_pool_info("db").pending_count == 0


def test_a_wait_ends_when_another_process_frees_what_it_holds(tmp_path: Any, patient: Callable[..., None]) -> None:
    """Nobody rings here: the waiting step looks by itself."""
    patient(POLL_INTERVAL="20ms", POLL_JITTER="0ms")
    bench = Bench(rs.Storage.embedded(tmp_path))
    repo = bench.repository(asset("a"), pool_limits={"db": 1})
    bench.take(("db", 1))
    run = bench.start(repo)
    bench.until_waiting("a")
    with bench.storage.database.transaction() as connection:
        claims.free_run(connection, "other")
    assert run.result(30).success
    bench.threads.shutdown()


def test_leases_are_renewed_while_the_step_runs(bench: Bench) -> None:
    go_on = threading.Event()
    bench.storage.set_pool_limit("db", 1, "1s")
    repo = bench.repository(asset("a", act=lambda: go_on.wait(30)))
    run = bench.start(repo)
    bench.until(lambda: bench.events().count("StepSlotRenewed") >= 3)
    assert bench.storage._free_expired_leases() == 0
    go_on.set()
    assert run.result(30).success
    assert bench.events()[:3] == ["StepSlotClaimed", "StepStart", "StepSlotRenewed"]
    assert bench.events()[-1] == "StepSlotReleased"


def test_a_lost_lease_is_claimed_again_and_never_counts_twice(bench: Bench) -> None:
    go_on = threading.Event()
    bench.storage.set_pool_limit("db", 1, "1s")
    repo = bench.repository(asset("a", act=lambda: go_on.wait(30)))
    run = bench.start(repo)
    bench.until(lambda: bench.storage.get_pool_info("db").claimed_count == 1)
    bench.storage._free_concurrency_slots("r", "a")
    bench.take(("db", 1))
    bench.until_waiting("a")  # it runs on, and holds nothing
    assert [one.run_id for one in bench.storage.get_pool_slot_holders("db")] == ["other"]
    bench.give()
    bench.until(lambda: bench.events().count("StepSlotClaimed") == 2)
    assert [one.run_id for one in bench.storage.get_pool_slot_holders("db")] == ["r"]
    go_on.set()
    assert run.result(30).success
    assert bench.storage.get_pool_slot_holders("db") == []


def test_a_multi_asset_claims_once_what_the_wanted_outputs_need(bench: Bench) -> None:
    def look() -> dict[str, tuple[str, int] | None]:
        held = {pool: bench.storage.get_pool_slot_holders(pool) for pool in ("db", "api")}
        return {pool: (found[0].step_key, found[0].slots_consumed) if found else None for pool, found in held.items()}

    seen: list[Any] = []

    @rs.Asset.from_multi(
        output_defs=[
            rs.AssetDef("x", pool="db"),
            rs.AssetDef("y", pool=["db", "api"], pool_slots={"db": 3}),
            rs.AssetDef("z", pool="db", pool_slots=2),
        ]
    )
    def multi() -> Any:
        seen.append(look())
        return 1, 1, 1

    repo = bench.repository(multi, pool_limits={"db": 9, "api": 1})
    repo.materialize(run_id_override="r", raise_on_error=False)
    assert seen == [{"db": ("x", 3), "api": ("x", 1)}]
    assert bench.events().count("StepSlotClaimed") == 1
    repo.materialize(["z", "x"], run_id_override="q", raise_on_error=False)
    assert seen[1:] == [{"db": ("x", 2), "api": None}]
    assert bench.facts("StepSlotClaimed", "q") == [[("pools", "db")]]
    repo.materialize(["y"], run_id_override="p", raise_on_error=False)
    assert seen[2:] == [{"db": ("y", 3), "api": ("y", 1)}]


def test_what_crashed_runs_left_is_taken_back_when_its_lease_is_over(bench: Bench) -> None:
    repo = bench.repository(asset("a"), pool_limits={"db": 1})
    with bench.storage.database.transaction() as connection:
        claims.claim(connection, {"db": 1}, "crashed", "s", now=0, lease_ns=1)
    assert repo.materialize().success


WORKERS = """
import os
import obstore.store
import rivers as rs

shared = rs.PickleIOHandler(store=obstore.store.LocalStore({folder!r}, mkdir=True))

@rs.Asset(pool="db", io_handler=shared)
def pid() -> int:
    return os.getpid()

@rs.Asset(pool="db", io_handler=shared)
def dies() -> int:
    os._exit(7)

@rs.Asset(pool="db", io_handler=shared)
def other() -> int:
    return os.getpid()
"""


def test_steps_in_workers_claim_before_they_leave_and_a_dead_worker_keeps_nothing(
    bench: Bench, made: Callable[[str], Any], tmp_path: Any
) -> None:
    module = made(WORKERS.format(folder=str(tmp_path / "values")))
    repo = bench.repository(module.pid, module.dies, module.other, executor=EXECUTORS[1], pool_limits={"db": 1})
    result = repo.materialize(run_id_override="r", raise_on_error=False)
    assert result.materialized_assets == ["pid", "other"]
    assert {repo.load_node(name) for name in ("pid", "other")}.isdisjoint({os.getpid()})
    for name in ("pid", "other"):
        assert [kind for kind in bench.events(name) if kind != "StepSlotWaiting"] == PLAIN
    died = [kind for kind in bench.events("dies") if kind != "StepSlotWaiting"]
    assert died == ["StepSlotClaimed", "StepStart", "StepFailure", "StepSlotReleased"]
    assert bench.storage.get_pool_slot_holders("db") == []


def test_a_lease_of_less_than_a_second_still_holds(bench: Bench) -> None:
    bench.storage.set_pool_limit("db", 1, "200ms")
    assert bench.storage.get_pool_limits()[0].lease_duration_secs == 0
    repo = bench.repository(asset("a", act=lambda: bench.storage.get_pool_info("db").claimed_count))
    repo.materialize()
    assert repo.load_node("a") == 1
