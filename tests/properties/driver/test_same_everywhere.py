"""Any graph with failures, retries and skips ends the same in process, in parallel and in the scheduler's core."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import rivers as rs
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import AttemptOutcome, EventType, FailureReason
from rivers.storage import events
from tests.unit.server.world import World

MOST = 40


@dataclass(frozen=True)
class Node:
    """A step: what it needs, how often it fails before it works, and how often it is tried again."""

    parents: tuple[int, ...]
    failures: int
    retries: int
    is_async: bool


@dataclass(frozen=True)
class Ending:
    """How a run ended: which nodes have a value, the error of every other one, and how often each was tried again."""

    succeeded: frozenset[str]
    errors: Mapping[str, str]
    retried: Mapping[str, int]
    calls: Mapping[str, int]


@st.composite
def graphs(draw: st.DrawFn) -> list[Node]:
    """Nodes, each of which needs some of those before it."""
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, MOST))):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        failures = draw(st.sampled_from([0, 0, 0, 0, 1, 2, 3]))
        nodes.append(Node(tuple(sorted(parents)), failures, draw(st.integers(0, 2)), draw(st.booleans())))
    return nodes


def expected(nodes: list[Node]) -> Ending:
    """What must come of it."""
    succeeded: set[int] = set()
    errors, retried, calls = {}, {}, {}
    for number, node in enumerate(nodes):
        if not set(node.parents) <= succeeded:
            errors[name(number)] = "Skipped: upstream dependency failed"
            continue
        calls[name(number)] = min(node.failures, node.retries) + 1
        if again := min(node.failures, node.retries):
            retried[name(number)] = again
        if node.failures <= node.retries:
            succeeded.add(number)
        else:
            errors[name(number)] = f"ValueError: {name(number)}, try {node.retries + 1}"
    return Ending(frozenset(map(name, succeeded)), errors, retried, calls)


def name(number: int) -> str:
    return f"n{number}"


def assets_of(nodes: list[Node], marks: Path, handler: Any = None) -> list[Any]:
    """The graph as assets, whose bodies leave a mark each time in whatever process they run."""
    return [_asset(number, node, marks, handler) for number, node in enumerate(nodes)]


def _asset(number: int, node: Node, marks: Path, handler: Any) -> Any:
    mark, failures, label = str(marks / name(number)), node.failures, name(number)

    def body() -> int:
        with open(mark, "a+") as file:
            file.write("x")
            tries = file.tell()
        if tries <= failures:
            raise ValueError(f"{label}, try {tries}")
        return number

    async def coroutine() -> int:
        return body()

    return rs.Asset(
        name=label,
        deps=[rs.AssetDef.dep(name(parent)) for parent in node.parents],
        retry=rs.RetryPolicy(node.retries),
        io_handler=handler,
    )(coroutine if node.is_async else body)


def in_process(nodes: list[Node], executor: Any, handler: Any = None) -> Ending:
    """Runs the graph in this process."""
    with TemporaryDirectory() as directory:
        repo = rs.CodeRepository(assets_of(nodes, Path(directory), handler), default_executor=executor)
        with repo:
            repo.resolve(storage=rs.Storage.memory())
            result = repo.materialize(raise_on_error=False)
            with repo.storage.database.read() as connection:
                told = events.of_run(connection, result.run_id)
        calls = {path.name: len(path.read_text()) for path in Path(directory).iterdir()}
    retried = Counter(event.step_key for event in told if event.type == EventType.STEP_RETRIED)
    errors = {node: text.removeprefix("ExecutionError: ") for node, text in result.failed_assets}
    assert result.success is not bool(errors)
    return Ending(frozenset(result.materialized_assets), errors, dict(retried), calls)


def in_core(nodes: list[Node]) -> Ending:
    """Runs the graph by the scheduler's core, at a location that does what the bodies would."""
    world = World()
    repo = rs.CodeRepository(assets_of(nodes, Path("nowhere")), default_executor=rs.Executor.parallel())
    location = world.add_location("team", repo.bound.snapshot, places=3)
    run_id = world.submit("team", job=None)
    calls: Counter[str] = Counter()
    while any(not item.is_ended for item in location.held.values()):
        location.start_all()
        for item in [item for item in location.held.values() if item.is_started and not item.is_ended]:
            key = item.assign.step.key
            calls[key] += 1
            if calls[key] <= nodes[int(key[1:])].failures:
                error = Failure(FailureReason.ERROR, f"ValueError: {key}, try {calls[key]}", ("builtins.ValueError",))
                location.end(item, AttemptOutcome.FAILED, error)
            else:
                location.end(item, AttemptOutcome.SUCCEEDED)
    assert world.state_of(run_id).is_terminal
    with world.database.read() as connection:
        found = events.of_run(connection, run_id)
    errors = {
        event.step_key: event.failure.message.removeprefix("ExecutionError: ")
        for event in found
        if event.type in (EventType.STEP_FAILED, EventType.STEP_SKIPPED)
    }
    retried = Counter(event.step_key for event in found if event.type == EventType.STEP_RETRIED)
    succeeded = frozenset(event.step_key for event in found if event.type == EventType.STEP_SUCCEEDED)
    return Ending(succeeded, errors, dict(retried), dict(calls))


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_a_graph_ends_the_same_wherever_it_runs(nodes: list[Node]) -> None:
    want = expected(nodes)
    assert in_process(nodes, rs.Executor.in_process()) == want
    assert in_process(nodes, rs.Executor.parallel(max_workers=2)) == want
    assert in_core(nodes) == want


class Folder:
    """A store for pickles that worker processes share."""

    def __init__(self, path: str) -> None:
        self.path = path

    def put(self, key: str, data: bytes) -> None:
        (Path(self.path) / key).write_bytes(data)

    def get(self, key: str) -> Any:
        raise AssertionError("nothing is loaded here")


@settings(max_examples=8, deadline=None)
@given(graphs())
def test_a_graph_ends_the_same_in_worker_processes(nodes: list[Node]) -> None:
    with TemporaryDirectory() as store:
        handler = rs.PickleIOHandler(store=Folder(store))
        assert in_process(nodes, rs.Executor.parallel(max_workers=2), handler) == expected(nodes)
