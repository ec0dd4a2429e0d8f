"""Backfills that a daemon executes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

import rivers as rs
from tests.services.daemon.conftest import eventually

KEYS = [str(number) for number in range(6)]
NUMBERS = rs.PartitionsDefinition.static_(KEYS)
QUEUES = pytest.mark.parametrize("queue", [None, rs.RunQueueConfig(dequeue_interval="20ms")], ids=["directly", "queue"])


def repository(*assets, **options):
    options.setdefault("default_executor", rs.Executor.in_process())
    return rs.CodeRepository(list(assets), **options)


def over(repo, backfill_id):
    """The status of a backfill once it is over."""

    def found():
        status = repo.get_backfill(backfill_id)
        return status if status is not None and status.status != "in_progress" else None

    return eventually(found)


@QUEUES
def test_F04_what_was_recorded_for_it_is_executed_with_config_and_tags(daemon, storage, queue):
    seen, lock, running, peaks = [], threading.Lock(), [0], [0]

    @rs.Asset(partitions_def=NUMBERS)
    def load(context: rs.AssetExecutionContext):
        with lock:
            running[0] += 1
            peaks.append(running[0])
            seen.append(context.partition_key)
        try:
            if context.partition_key == "4":
                raise ValueError("no")
        finally:
            with lock:
                running[0] -= 1

    repo = repository(load, run_queue=queue)
    repo.resolve(storage)
    chosen = rs.PartitionKeyRange.single("0", "5")
    recorded = repo.backfill(partition_range=chosen, tags=[("team", "x")], max_concurrency=2, block=False)
    assert (recorded.status, recorded.run_ids, seen) == ("in_progress", [], [])
    daemon(repo)
    status = over(repo, recorded.backfill_id)
    assert (status.status, status.completed_partitions, status.failed_partitions) == ("failed", 5, 1)
    assert sorted(seen) == KEYS
    assert max(peaks) <= 2
    assert len(status.run_ids) == 6
    for run_id in status.run_ids:
        run = storage.get_run(run_id)
        assert ("team", "x") in run.tags
        assert run.launched_by == rs.LaunchedBy.backfill(recorded.backfill_id)
        assert run.priority == -10
        queued = [event.event_type for event in storage.get_events_for_run(run_id)].count("RunQueued")
        assert queued == (queue is not None)
    later = repo.backfill(partition_keys=[rs.PartitionKey.single("1")], block=False)
    assert over(repo, later.backfill_id).status == "completed"


@QUEUES
def test_a_daemon_that_stops_leaves_a_backfill_for_the_next(daemon, storage, queue):
    calls, began, go = [], threading.Event(), threading.Event()

    @rs.Asset(partitions_def=NUMBERS)
    def load(context: rs.AssetExecutionContext):
        calls.append(context.partition_key)
        if len(calls) == 2:
            began.set()
            assert go.wait(20)

    repo = repository(load, run_queue=queue)
    repo.resolve(storage)
    chosen = rs.PartitionKeyRange.single("0", "5")
    recorded = repo.backfill(partition_range=chosen, max_concurrency=1, block=False)
    first = daemon(repo)
    assert began.wait(20)
    stopper = threading.Thread(target=first.stop)
    stopper.start()
    eventually(lambda: repo.bound and first._pulse.is_stopping)
    go.set()
    stopper.join(20)
    assert repo.get_backfill(recorded.backfill_id).status == "in_progress"
    again = repository(load, run_queue=queue)
    daemon(again)
    assert over(again, recorded.backfill_id).status == "completed"
    assert sorted(calls) == KEYS


def test_a_backfill_whose_asset_is_gone_fails_says_why_and_counts_what_was_never_started_as_canceled(daemon, storage):
    repo = repository(rs.Asset(name="load", partitions_def=NUMBERS)(lambda: 1))
    repo.resolve(storage)
    recorded = repo.backfill(partition_keys=[rs.PartitionKey.single("0"), rs.PartitionKey.single("1")], block=False)
    another = repository(rs.Asset(name="other", partitions_def=NUMBERS)(lambda: 1))
    daemon(another)
    status = over(another, recorded.backfill_id)
    assert (status.status, status.error) == ("failed", "Selection contains unknown asset: 'load'")
    assert (status.completed_partitions, status.failed_partitions, status.canceled_partitions) == (0, 0, 2)


CANCEL = """
import sys
import rivers as rs
repo = rs.CodeRepository([])
repo.resolve(rs.Storage.embedded(sys.argv[1]))
print(repo.cancel_backfill(sys.argv[2]))
"""


def test_cancel_reaches_a_backfill_that_a_daemon_executes(daemon, tmp_path):
    began, go = threading.Event(), threading.Event()

    @rs.Asset(partitions_def=NUMBERS)
    def load():
        began.set()
        assert go.wait(20)

    repo = repository(load)
    storage = rs.Storage.embedded(tmp_path / "state")
    repo.resolve(storage)
    daemon(repo, storage)
    chosen = rs.PartitionKeyRange.single("0", "5")
    recorded = repo.backfill(partition_range=chosen, max_concurrency=1, block=False)
    assert began.wait(20)
    elsewhere = [sys.executable, "-c", CANCEL, tmp_path / "state", recorded.backfill_id]
    assert subprocess.run(elsewhere, capture_output=True, check=True, timeout=30).stdout == b"False\n"
    eventually(lambda: storage.is_cancelled(storage.get_runs()[0].run_id))
    go.set()
    status = over(repo, recorded.backfill_id)
    assert (status.status, status.canceled_partitions + status.completed_partitions) == ("canceled", 6)
    assert status.canceled_partitions >= 5


def test_a_schedule_asks_for_a_backfill(daemon, storage):
    @rs.Asset(partitions_def=NUMBERS)
    def load(context: rs.AssetExecutionContext):
        return context.partition_key

    @rs.Asset
    def other():
        return 1

    @rs.Sensor(name="nightly", asset_selection=["load"], default_status=rs.SensorStatus.Running, tags={"by": "sensor"})
    def nightly(context: rs.SensorEvaluationContext):
        if context.cursor:
            return rs.SkipReason("done")
        chosen = [rs.PartitionKey.single("1"), rs.PartitionKey.single("3")]
        request = rs.BackfillRequest(["load"], partition_keys=chosen, tags={"why": "late"})
        return rs.SensorResult([request], cursor="done")

    @rs.Sensor(name="wrong", asset_selection=["load"], default_status=rs.SensorStatus.Running)
    def wrong(context: rs.SensorEvaluationContext):
        return rs.BackfillRequest(["other"], partition_keys=[rs.PartitionKey.single("1")])

    repo = repository(load, other, sensors=[nightly, wrong])
    daemon(repo)
    tick = eventually(lambda: storage.get_ticks("nightly"))[-1]
    (backfill_id,) = tick.backfill_ids
    assert (tick.status, tick.run_ids) == ("Success", [])
    status = over(repo, backfill_id)
    assert (status.status, status.total_partitions) == ("completed", 2)
    assert status.tags == [("by", "sensor"), ("why", "late")]
    assert status.launched_by == rs.LaunchedBy.sensor("nightly")
    refused = eventually(lambda: storage.get_ticks("wrong"))[-1]
    assert refused.status == "Failed"
    assert "require a partitioned selection" in refused.error


PROGRAM = """
import sys, time
import rivers as rs
NUMBERS = rs.PartitionsDefinition.static_([str(n) for n in range(6)])
@rs.Asset(partitions_def=NUMBERS)
def load(context: rs.AssetExecutionContext):
    with open(sys.argv[2], "a") as marks:
        print(context.partition_key, file=marks)
    if context.partition_key == "2" and len(sys.argv) > 3:
        print("here", flush=True)
        time.sleep(60)
repo = rs.CodeRepository([load], default_executor=rs.Executor.in_process())
if __name__ == "__main__":
    repo.resolve(rs.Storage.embedded(sys.argv[1]))
    repo.backfill(partition_range=rs.PartitionKeyRange.single("0", "5"), max_concurrency=1)
"""


def test_F07_a_backfill_whose_process_was_killed_goes_on_where_it_was(daemon, tmp_path, monkeypatch):
    (tmp_path / "team.py").write_text(PROGRAM)
    state, marks = tmp_path / "state", tmp_path / "marks"
    program = subprocess.Popen(
        [sys.executable, "team.py", state, marks, "wait"], cwd=tmp_path, stdout=subprocess.PIPE, env=dict(os.environ)
    )
    assert program.stdout is not None
    assert program.stdout.readline() == b"here\n"
    program.send_signal(signal.SIGKILL)
    program.wait(10)
    program.stdout.close()
    monkeypatch.setattr(sys, "argv", ["team.py", str(state), str(marks)])
    monkeypatch.syspath_prepend(tmp_path)
    import team

    storage = rs.Storage.embedded(state)
    daemon(team.repo, storage)
    run = storage.get_runs(limit=1)[0]
    status = over(team.repo, run.launched_by.backfill_id)
    assert (status.status, status.completed_partitions, len(status.run_ids)) == ("completed", 6, 6)
    assert marks.read_text().split() == ["0", "1", "2", "2", "3", "4", "5"], "one body was cut short, and none is lost"
