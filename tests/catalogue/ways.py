"""The ways to run a program, and what was seen of it: the same of each."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import rivers as rs
from rivers.definitions.kinds import MetadataKind
from rivers.lifecycle.states import EventType, LogStream
from rivers.storage import events, logs
from rivers.wire.failures import decode_failure
from rivers.wire.identity import decode_partition_key
from rivers.wire.values import decode_metadata
from rivers_client import RunHandle
from tests.catalogue.outcome import Program
from tests.stack import Stack

ROOT = Path(__file__).parents[2]
MODULE = "tests.catalogue.everything"
#: Entries that a handler adds, which are different from one to another.
BY_HANDLER = {"path", "offset", "serializer", "size_bytes", "storage", "write_duration_s"}
#: Events of one engine alone: a run in process is not queued, and a worker that is busy is no news of the run.
OF_ENGINES = {EventType.RUN_QUEUED, EventType.RUN_DEQUEUED, EventType.STEP_DISPATCHED, EventType.ATTEMPT_NOT_STARTED}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")
RUN_EVENTS = {EventType.RUN_STARTED, EventType.RUN_SUCCEEDED, EventType.RUN_FAILED, EventType.RUN_CANCELED}


@dataclass
class Seen:
    """What came of a program. `story` holds the events of each step in order; steps are in no order."""

    run_id: str = ""
    success: bool = False
    story: dict[str, list[tuple[Any, ...]]] = field(default_factory=dict)
    stdout: dict[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def take(
        self, type: EventType, step: str, attempt: int, node: str, metadata: Any, version: Any, failure: Any, key: Any
    ) -> None:
        """One event."""
        if type in OF_ENGINES:
            return
        if type in RUN_EVENTS:
            step, attempt = "", 0
        entries = sorted(
            (name, MetadataKind(kind).name, value) for name, kind, value in metadata if name not in BY_HANDLER
        )
        told = (failure.reason.name, failure.message, failure.exception_types) if failure is not None else None
        if version is not None and UUID.fullmatch(version):
            version = "a new one"
        self.story.setdefault(step, []).append(
            (type.name, attempt, node, entries, version, told, str(key) if key else None)
        )

    def of(self, *types: str) -> list[tuple[Any, ...]]:
        """All events of these types."""
        return [event for told in self.story.values() for event in told if event[0] in types]


def in_process(program: Program, executor: Any) -> tuple[Seen, rs.RunResult]:
    """Runs a program in this process."""
    launch = program.launch
    with program.repository(executor) as repo:
        repo.resolve(storage=rs.Storage.memory())
        for name, keys in program.dynamic.items():
            repo.storage.add_dynamic_partitions(name, keys)
        how: dict[str, Any] = {
            "partition_key": launch.key,
            "tags": list(launch.tags) or None,
            "raise_on_error": False,
        }
        if launch.config is not None:
            how["config"] = dict(launch.config)
        if launch.job is not None:
            result = repo.get_job(launch.job).execute(**how)
        else:
            result = repo.materialize(list(launch.select or []), include_upstream=launch.include_upstream, **how)
        seen = Seen(result.run_id, result.success)
        with repo.storage.database.read() as connection:
            told = events.of_run(connection, result.run_id)
            wrote = logs.of_run(connection, result.run_id)
        for event in told:
            seen.take(
                EventType(event.type),
                event.step_key,
                event.attempt,
                event.node,
                decode_metadata(event.metadata),
                event.data_version if event.HasField("data_version") else None,
                decode_failure(event.failure) if event.HasField("failure") else None,
                decode_partition_key(event.partition_key) if event.HasField("partition_key") else None,
            )
        _take_output(seen, ((row.step_key, row.stream, row.text) for row in wrote))
        for node in program.expected.values:
            seen.values[node] = repo.load_node(node, partition_key=launch.key)
    return seen, result


def serve(stack: Stack, executor: str) -> None:
    """Serves all programs as one repository, by a location with this default executor."""
    os.environ["CATALOGUE_EXECUTOR"] = executor
    try:
        options = ("--name", "catalogue")
        stack.start_location(MODULE, libraries=(ROOT,), options=options, await_ready=False)
    finally:
        del os.environ["CATALOGUE_EXECUTOR"]
    stack.await_location("catalogue")


def submit(stack: Stack, program: Program) -> RunHandle:
    """Submits a program to the scheduler."""
    launch = program.launch
    for name, keys in program.dynamic.items():
        stack.client.partitions.add(name, keys)
    return stack.client.runs.submit(
        "catalogue",
        job=launch.job,
        select=launch.select if launch.job is None else None,
        include_upstream=launch.include_upstream,
        config=launch.config,
        tags=launch.tags,
        partition_key=launch.key,
    )


def at_location(handle: RunHandle, program: Program) -> Seen:
    """What came of a program that the scheduler has run."""
    seen = Seen(handle.run_id, handle.wait(timeout=90).succeeded)
    places: dict[str, dict[str, Any]] = {}
    for event in handle.events():
        seen.take(
            event.type,
            event.step_key or "",
            event.attempt,
            event.node or "",
            event.metadata,
            event.data_version,
            event.failure,
            event.partition_key,
        )
        if event.type == EventType.MATERIALIZED and event.node:
            places[event.node] = {name: value for name, _, value in event.metadata}
    _take_output(seen, ((chunk.step_key, chunk.stream, chunk.text) for chunk in handle.logs()))
    for node in program.expected.values:
        place = places.get(node, {})
        if str(place.get("path", "")).startswith("/"):
            with open(place["path"], "rb") as file:
                file.seek(place.get("offset", 0))
                seen.values[node] = pickle.loads(file.read(place["size_bytes"]))
        else:  # its author named a handler, which finds it from here as well
            with program.repository(rs.Executor.in_process()) as repo:
                seen.values[node] = repo.load_node(node, partition_key=program.launch.key)
    return seen


def _take_output(seen: Seen, chunks: Iterable[tuple[str, LogStream, str]]) -> None:
    for step, stream, text in chunks:
        if stream == LogStream.STDOUT:
            seen.stdout[step] = seen.stdout.get(step, "") + text
