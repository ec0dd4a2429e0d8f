"""Conditions of assets that a daemon evaluates."""

from __future__ import annotations

import threading
import time

import pytest

import rivers as rs
from rivers.driver.run_row import new_row
from rivers.lifecycle.states import RunState
from rivers.storage.rows import WriteSet
from tests.services.daemon.conftest import eventually

C = rs.AutomationCondition


def asset(name, condition=None, deps=(), **options):
    def make():
        return name

    return rs.Asset(name=name, automation_condition=condition, deps=[rs.AssetDef.dep(one) for one in deps], **options)(
        make
    )


def repository(*assets, **options):
    options.setdefault("default_executor", rs.Executor.in_process())
    return rs.CodeRepository(list(assets), **options)


def evaluations(storage, count=3):
    """Returns when the conditions have been evaluated so often from now on, by a condition that always fires."""
    seen = len(storage.get_ticks("pulse"))
    eventually(lambda: len(storage.get_ticks("pulse")) >= seen + count)


def pulse():
    return asset("pulse", C.missing() | ~C.missing())


@pytest.mark.parametrize("queue", [None, rs.RunQueueConfig(dequeue_interval="20ms")], ids=["directly", "queue"])
def test_eager_follows_its_dependency(daemon, storage, queue):
    repo = repository(asset("up"), asset("dn", C.eager(), ["up"]), pulse(), run_queue=queue)
    daemon(repo)
    evaluations(storage)
    assert storage.get_ticks("dn") == []
    repo.materialize(["up"])
    tick = eventually(lambda: storage.get_ticks("dn"))[0]
    assert (tick.automation_name, tick.automation_type, tick.status) == ("dn", "AutomationCondition", "Requested")
    assert (tick.skip_reason, tick.error, tick.cursor, tick.backfill_ids) == (None, None, None, [])
    run = eventually(lambda: [one for one in storage.get_runs() if one.run_id in tick.run_ids and one.end_time])[0]
    assert (run.job_name, run.launched_by, run.status) == (None, rs.LaunchedBy.condition(), "Success")
    assert "dn" in run.node_names
    evaluations(storage)
    assert len(storage.get_ticks("dn")) == 1
    repo.materialize(["up"])
    eventually(lambda: len(storage.get_ticks("dn")) == 2)


def test_what_fires_together_is_one_run(daemon, storage):
    chain = [asset("a", C.eager()), asset("b", C.eager(), ["a"]), asset("c", C.eager(), ["b"])]
    daemon(repository(*chain))
    eventually(lambda: storage.get_ticks("c"))
    run_ids = {run_id for name in "abc" for run_id in storage.get_ticks(name)[0].run_ids}
    assert len(run_ids) == 1
    run = eventually(lambda: [one for one in storage.get_runs() if one.end_time])[0]
    assert run.node_names == ["a", "b", "c"]
    assert len(storage.get_runs()) == 1


def test_a_failing_asset_is_left_alone(daemon, storage):
    def fails():
        raise ValueError

    broken = rs.Asset(name="broken", automation_condition=C.eager())(fails)
    daemon(repository(broken, pulse()))
    eventually(lambda: storage.get_ticks("broken"))
    evaluations(storage, 4)
    assert len(storage.get_ticks("broken")) == 1


def test_a_bare_missing_on_a_failing_asset_fires_each_time(daemon, storage):
    def fails():
        raise ValueError

    daemon(repository(rs.Asset(name="broken", automation_condition=C.missing())(fails)))
    eventually(lambda: len(storage.get_ticks("broken")) >= 3)


def test_the_state_survives_a_restart_and_a_new_tree_starts_afresh(daemon, tmp_path):
    def start(condition):
        storage = rs.Storage.embedded(str(tmp_path / "store"))
        repo = repository(asset("a", condition), pulse())
        return storage, daemon(repo, storage)

    storage, one = start(C.initial_evaluation())
    eventually(lambda: storage.get_ticks("a"))
    one.stop()
    storage.database.close()
    storage, one = start(C.initial_evaluation())
    evaluations(storage)
    one.stop()
    assert len(storage.get_ticks("a")) == 1
    storage.database.close()
    storage, one = start(C.initial_evaluation() & ~C.in_progress())
    eventually(lambda: len(storage.get_ticks("a")) == 2)


def test_versions_of_code(daemon, tmp_path):
    condition = C.code_version_changed() & ~C.in_flight()
    for version, ticks in (("1", 0), ("2", 1)):
        storage = rs.Storage.embedded(str(tmp_path / "store"))
        repo = repository(asset("a", condition, code_version=version), pulse())
        repo.resolve(storage=storage)
        if version == "1":
            repo.materialize(["a"])
        one = daemon(repo, storage)
        evaluations(storage, 4)
        one.stop()
        assert len(storage.get_ticks("a")) == ticks
        storage.database.close()


def test_tags_of_runs(daemon, storage):
    condition = C.has_run_with_tags(tag_values=[("kind", "full")]).newly_true()
    repo = repository(asset("up"), asset("dn", C.any_deps_match(condition), ["up"]), pulse())
    daemon(repo)
    evaluations(storage, 1)
    repo.materialize(["up"], tags=[("kind", "part")])
    evaluations(storage)
    assert storage.get_ticks("dn") == []
    repo.materialize(["up"], tags=[("kind", "full")])
    eventually(lambda: storage.get_ticks("dn"))


def test_a_run_in_progress_is_not_doubled(daemon, storage):
    release = threading.Event()
    begun = []

    def slow():
        begun.append(1)
        release.wait(30)

    daemon(repository(rs.Asset(name="slow", automation_condition=C.missing() & ~C.in_flight())(slow), pulse()))
    eventually(lambda: begun)
    evaluations(storage)
    assert begun == [1]
    release.set()


def test_a_run_whose_process_is_gone_is_not_in_progress(daemon, storage):
    repo = repository(asset("a", C.missing() & ~C.in_flight()))
    repo.resolve(storage=storage)
    plan = repo.opened(storage).plan(["a"])
    gone = new_row("gone", plan, time.time_ns())
    gone.state, gone.version, gone.owner_id = RunState.STARTED, 1, "another-machine:1:1"
    storage.database.write(WriteSet(new_runs=[gone], plans=[("gone", plan)]))
    daemon(repo)
    eventually(lambda: storage.get_ticks("a"))


def test_external_assets_are_observed(daemon, storage):
    seen = []

    @rs.Asset.external(name="feed", io_handler=rs.InMemoryIOHandler(), automation_condition=C.on_cron("* * * * * *"))
    def feed():
        seen.append(1)
        return rs.Observation(data_version=str(len(seen) // 2))

    repo = repository(feed, asset("dn", C.any_deps_match(C.newly_updated()), ["feed"]))
    daemon(repo)
    eventually(lambda: len(seen) >= 4)
    assert storage.get_ticks("feed")[0].status == "Requested"
    eventually(lambda: len(storage.get_ticks("dn")) >= 2)
    assert len(storage.get_ticks("dn")) < len(storage.get_ticks("feed"))


def test_outputs_of_a_multi_asset(daemon, storage):
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y")], automation_condition=C.eager())
    def both():
        return 1, 2

    daemon(repository(both, pulse()))
    eventually(lambda: storage.get_ticks("y"))
    evaluations(storage)
    assert storage.get_ticks("x")[0].run_ids == storage.get_ticks("y")[0].run_ids
    assert len(storage.get_ticks("x")) == 1


def test_graph_assets_depend_on_what_their_tasks_read(daemon, storage):
    ok = []

    @rs.Task
    def double(up):
        if not ok:
            raise ValueError
        return 2

    @rs.Asset
    def up() -> int:
        return 1

    @rs.Asset.from_graph(automation_condition=C.eager())
    def dn(up):
        return double(up)

    repo = repository(up, dn, pulse(), tasks=[double])
    daemon(repo)
    evaluations(storage)
    assert storage.get_ticks("dn") == []
    repo.materialize(["up"])
    eventually(lambda: storage.get_ticks("dn"))
    evaluations(storage, 4)
    assert len(storage.get_ticks("dn")) == 1  # it has failed
    ok.append(1)
    repo.materialize(["up", "dn"])
    evaluations(storage)
    assert len(storage.get_ticks("dn")) == 1
    repo.materialize(["up"])
    eventually(lambda: len(storage.get_ticks("dn")) == 2)


def test_tasks_between_assets_are_looked_through(daemon, storage):
    @rs.Asset
    def up() -> int:
        return 1

    @rs.Task
    def between(up):
        return up

    @rs.Asset(automation_condition=C.any_deps_match(C.newly_updated()))
    def dn(between):
        return between

    repo = repository(up, dn, tasks=[between])
    daemon(repo)
    repo.materialize(["up", "between"])
    eventually(lambda: storage.get_ticks("dn") or (repo.materialize(["up"]) and None))


def test_ticks_of_conditions_are_kept_within_bounds(daemon, storage):
    daemon(repository(pulse()), max_ticks_retained=2)
    newest = eventually(lambda: storage.get_ticks("pulse"))[0].id
    eventually(lambda: int(storage.get_ticks("pulse")[0].id) > int(newest) + 3)
    assert len(storage.get_ticks("pulse")) == 2
