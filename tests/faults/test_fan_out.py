"""Graph assets and fan-out through a scheduler and a location, and what becomes of them when one is killed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from rivers_client import EventType
from tests.stack import Stack

FAN_OUT = """

    @rs.Asset
    def scale() -> int:
        return 10
    @rs.Task
    def parts():
        mark("parts")
        return [rs.DynamicOutput(f"p{n}", n) for n in range(12)]
    @rs.Task
    def score(part, scale):
        mark(f"score {part}"); time.sleep(0.05); return part * scale
    @rs.Task
    def total(scores):
        mark("total"); return sum(scores)
    @rs.Asset.from_graph
    def totals(scale):
        return total(parts().map(score, max_concurrency=3).collect())
    repo = rs.CodeRepository(
        assets=[scale, totals],
        tasks=[parts, score, total],
        jobs=[rs.Job("all", [scale, totals])],
        %s
    )
"""
BODIES = ["parts", *(f"score {n}" for n in range(12)), "total"]


@pytest.mark.parametrize("executor", ["", "default_executor=rs.Executor.in_process(),"])
def test_a_graph_runs_through_a_scheduler(stack: Stack, executor: str) -> None:
    stack.start_location("fan", FAN_OUT % executor)
    run = stack.client.runs.submit(location="fan", job="all")
    ended = run.wait(timeout=60)
    assert ended.state.name == "SUCCEEDED", ended.failure
    assert Counter(stack.marks("fan")) == Counter(BODIES)
    assert {step.state.name for step in ended.steps} == {"SUCCEEDED"}
    assert ended.nodes == ("scale", "totals/parts", "totals/score", "totals/score__collect", "totals/total", "totals")
    assert (ended.completed_steps, ended.total_steps) == (18, 18)
    told = [(event.type, event.node) for event in run.events()]
    started = [node for kind, node in told if kind == EventType.STEP_STARTED]
    assert started[:3] in (["scale", "totals", "totals/parts"], ["totals", "totals/parts", "scale"])
    assert started[-2:] == ["totals/score__collect", "totals/total"]
    assert Counter(started) == Counter([step.key for step in ended.steps])
    made = {node for kind, node in told if kind == EventType.MATERIALIZED}
    assert made == {step.key for step in ended.steps} - {"totals/score", "totals/score__collect"}


def test_at_most_so_many_instances_run_at_a_time(stack: Stack) -> None:
    stack.start_location(
        "narrow",
        """
        @rs.Task
        def parts():
            return list(range(6))
        @rs.Task
        def score(part):
            mark("in"); time.sleep(0.05); mark("out"); return part
        @rs.Task
        def total(scores):
            return list(scores)
        @rs.Asset.from_graph
        def totals():
            return total(parts().map(score, max_concurrency=1).collect_stream())
        repo = rs.CodeRepository(assets=[totals], tasks=[parts, score, total])
        """,
    )
    run = stack.client.runs.submit(location="narrow", select=["totals"])
    assert run.wait(timeout=60).state.name == "SUCCEEDED"
    assert stack.marks("narrow") == ["in", "out"] * 6


def test_a_failed_instance_fails_its_task_and_what_follows(stack: Stack) -> None:
    stack.start_location(
        "broken",
        """
        @rs.Task
        def parts():
            return [1, 2, 3]
        @rs.Task(retry=rs.RetryPolicy(1))
        def score(part):
            mark(str(part))
            if part == 2:
                raise ValueError("boom")
            return part
        @rs.Task
        def total(scores):
            return sum(scores)
        @rs.Asset.from_graph
        def totals():
            return total(parts().map(score).collect())
        repo = rs.CodeRepository(assets=[totals], tasks=[parts, score, total])
        """,
    )
    run = stack.client.runs.submit(location="broken", select=["totals"])
    ended = run.wait(timeout=60)
    states = {step.key: step.state.name for step in ended.steps}
    assert states == {
        "totals/parts": "SUCCEEDED",
        "totals/score": "FAILED",
        "totals/score__0": "SUCCEEDED",
        "totals/score__1": "FAILED",
        "totals/score__2": "SUCCEEDED",
        "totals/score__collect": "SKIPPED",
        "totals/total": "SKIPPED",
        "totals": "SKIPPED",
    }
    assert sorted(stack.marks("broken")) == ["1", "2", "2", "3"]
    assert ended.failure is not None
    assert ended.failure.message == "ValueError: boom"


@pytest.mark.parametrize("seed", range(3))
def test_S01_a_scheduler_killed_in_a_fan_out_repeats_no_instance(stack: Stack, seed: int) -> None:
    chance = random.Random(seed)
    stack.start_location("fan", FAN_OUT % "")
    run = stack.client.runs.submit(location="fan", job="all")
    for least in (1, 3 + chance.randint(0, 2), 8 + chance.randint(0, 4)):
        stack.until(lambda least=least: len(stack.marks("fan")) >= least, "bodies")  # type: ignore[misc]
        stack.kill_scheduler()
        stack.start_scheduler("--beat-interval", "0.2")
    assert run.wait(timeout=60).state.name == "SUCCEEDED"
    assert Counter(stack.marks("fan")) == Counter(BODIES)


def test_a_killed_location_repeats_instances_that_had_not_ended(stack: Stack) -> None:
    stack.start_location("fan", FAN_OUT % "")
    run = stack.client.runs.submit(location="fan", job="all")
    stack.until(lambda: len(stack.marks("fan")) >= 5, "bodies")
    stack.locations["fan"].kill()
    stack.start_location("fan", await_ready=False)
    ended = run.wait(timeout=60)
    assert ended.state.name == "SUCCEEDED", ended.failure
    assert set(stack.marks("fan")) == set(BODIES)


KILLED = """
import os, time
import obstore.store
import rivers as rs

def mark(text):
    with open("marks", "a") as file:
        file.write(text + "\\n")

@rs.Task
def parts():
    mark("parts")
    return [rs.DynamicOutput(key, key) for key in "abcde"]

@rs.Task
def score(part):
    if part == "c" and not os.path.exists("died"):
        open("died", "w").close()
        deadline = time.monotonic() + 30.0
        while not is_stored("totals/score__b") and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(os.getpid(), 9)
    mark(part)
    return part * 2

@rs.Task
def total(scores):
    mark("total")
    return list(scores)

files = rs.PickleIOHandler(store=obstore.store.LocalStore("values", mkdir=True))

@rs.Asset.from_graph(node_io_handler=files, io_handler=files)
def totals():
    return total(parts().map(score).collect())

def is_stored(node):
    events = repo.storage.get_events_for_run("r")
    return any(event.event_type == "StepSuccess" and event.asset_key == node for event in events)

repo = rs.CodeRepository(assets=[totals], tasks=[parts, score, total], default_executor=rs.Executor.in_process())
repo.resolve(storage=rs.Storage.embedded("store"))
print(repo.materialize(run_id_override="r", resume=True).success, repo.load_node("totals"))
"""


def test_a_killed_program_resumes_with_the_instances_that_it_had_not_made(tmp_path: Path) -> None:
    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert run().returncode == -signal.SIGKILL
    resumed = run()
    assert resumed.stdout == "True ['aa', 'bb', 'cc', 'dd', 'ee']\n", resumed.stderr
    assert (tmp_path / "marks").read_text().split() == ["parts", *"abcde", "total"]
