"""Starting and stopping a daemon."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings

import pytest

import rivers as rs
from tests.services.daemon.conftest import eventually


@rs.Asset
def a() -> int:
    return 1


def repository(*sensors):
    return rs.CodeRepository([a], jobs=[rs.Job("j", [a])], sensors=list(sensors))


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda s: rs.AutomationDaemon("repo", s), TypeError, "repo must be a CodeRepository, not str"),
        (lambda s: rs.AutomationDaemon(repository(), "x"), TypeError, "storage must be a Storage, not str"),
        (
            lambda s: rs.AutomationDaemon(repository(), s, condition_eval_interval="soon"),
            ValueError,
            "invalid duration for 'condition_eval_interval'",
        ),
        (lambda s: rs.AutomationDaemon(repository(), s, max_ticks_retained=0), ValueError, "at least 1, got 0"),
        (lambda s: rs.AutomationDaemon(repository(), s, max_ticks_retained="9"), TypeError, "int or None, not str"),
        (lambda s: rs.AutomationDaemon(repository(), s, 5), TypeError, "positional"),
    ],
)
def test_wrong_arguments_are_refused(storage, make, error, text):
    with pytest.raises(error) as caught:
        make(storage)
    assert text in str(caught.value)


def test_definitions_that_are_wrong_are_raised_at_the_start(storage):
    with pytest.raises(rs.exceptions.SensorDefinitionError):
        rs.AutomationDaemon(repository(rs.Sensor(lambda: None, name="s")), storage).start()


def test_it_starts_once(storage):
    one = rs.AutomationDaemon(repo=repository(), storage=storage)
    one.stop()  # not started: nothing to do
    one.start()
    with pytest.warns(UserWarning, match="started before"):
        one.start()
    one.stop()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one.stop()
    with pytest.warns(UserWarning, match="started before"):
        one.start()


def test_nothing_ticks_after_the_stop(storage):
    repo = repository(
        rs.Sensor(list, name="s", job_name="j", minimum_interval="20ms", default_status=rs.SensorStatus.Running)
    )
    one = rs.AutomationDaemon(repo, storage)
    one.start()
    eventually(lambda: len(storage.get_ticks("s")) >= 2)
    one.stop()
    last = storage.get_ticks("s")[0].id
    assert not [thread for thread in threading.enumerate() if thread.name == "rivers-daemon"]
    assert storage.get_ticks("s")[0].id == last


@pytest.mark.parametrize("queue", [None, rs.RunQueueConfig(dequeue_interval="20ms")], ids=["directly", "queue"])
def test_stopping_waits_for_runs(storage, queue):
    begun, release = threading.Event(), threading.Event()

    @rs.Asset
    def slow() -> int:
        begun.set()
        release.wait(30)
        return 1

    sensor = rs.Sensor(lambda: rs.RunRequest("k"), name="s", job_name="slow", default_status=rs.SensorStatus.Running)
    repo = rs.CodeRepository(
        [slow],
        jobs=[rs.Job("slow", [slow])],
        sensors=[sensor],
        default_executor=rs.Executor.in_process(),
        run_queue=queue,
    )
    one = rs.AutomationDaemon(repo, storage)
    one.start()
    assert begun.wait(30)
    threading.Timer(0.2, release.set).start()
    one.stop()
    assert [run.status for run in storage.get_runs()] == ["Success"]


def test_a_repository_with_another_storage_ticks_into_this_one():
    mine, other = rs.Storage.memory(), rs.Storage.memory()
    sensor = rs.Sensor(lambda: rs.RunRequest("k"), name="s", job_name="j", default_status=rs.SensorStatus.Running)
    repo = repository(sensor)
    repo.resolve(storage=other)
    one = rs.AutomationDaemon(repo, mine)
    one.start()
    eventually(lambda: mine.get_runs())
    one.stop()
    assert other.get_runs() == []
    assert other.get_ticks("s") == []


NEVER_STOPPED = """
import rivers as rs

@rs.Asset(automation_condition=rs.AutomationCondition.newly_updated())
def a():
    return 1

ticked = []
sensor = rs.Sensor(
    lambda: ticked.append(1), name="s", job_name="j", minimum_interval="1ms", default_status=rs.SensorStatus.Running
)
repo = rs.CodeRepository([a], jobs=[rs.Job("j", [a])], sensors=[sensor])
rs.AutomationDaemon(repo, rs.Storage.memory(), condition_eval_interval="1ms").start()
while len(ticked) < 5:
    pass
"""


def test_a_program_that_ends_without_stopping_its_daemon_ends_quietly():
    done = subprocess.run(
        [sys.executable, "-c", NEVER_STOPPED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
