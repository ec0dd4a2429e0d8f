"""Definitions as a location sends them: taken whole, or refused with what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from rivers.definitions.kinds import BackoffKind
from rivers.definitions.snapshot import RetryDefinition, Snapshot
from rivers.errors import InvalidRequestError, RiversError
from rivers.lifecycle.retry import LONGEST_WAIT
from rivers.v1.definition_service_pb2 import SnapshotSlice
from rivers.v1.definitions_pb2 import SnapshotHeader
from rivers.wire.definitions import decode_snapshot
from rivers_server.links.automations import troubles_of_automations

#: Definitions of 10,000 steps take about 3 MiB.
MOST_BYTES = 64 << 20
LONGEST_NAME = 500


def take_definitions(location: str, header: SnapshotHeader, slices: Sequence[SnapshotSlice]) -> Snapshot:
    """The snapshot; `InvalidRequestError` for one that no plan could be made from."""
    try:
        snapshot = decode_snapshot(header, slices)
        trouble = next(_troubles(snapshot), None)
    except (ValueError, RiversError) as error:
        trouble = str(error)
    if trouble is not None:
        raise InvalidRequestError(f"location '{location}' sent definitions that cannot be taken: {trouble}")
    return snapshot


def _troubles(snapshot: Snapshot) -> Iterator[str]:
    names = [snapshot.digest, snapshot.module, snapshot.repository]
    nodes = [output.name for step in snapshot.steps for output in step.outputs]
    keys, jobs = [step.key for step in snapshot.steps], [job.name for job in snapshot.jobs]
    for name in (*names, *nodes, *keys, *jobs):
        if len(name) > LONGEST_NAME or "\0" in name:
            yield f"a name has at most {LONGEST_NAME} characters and no NUL, got {len(name)}: {name[:40]!r}"
    for noun, found in (("step", keys), ("node", nodes), ("job", jobs)):
        if "" in found:
            yield f"a {noun} has no name"
        if (twice := _twice(found)) is not None:
            yield f"{noun} {twice!r} is defined twice"
    known, steps = set(nodes), set(keys)
    for step in snapshot.steps:
        if not step.outputs:
            yield f"step {step.key!r} has no output"
        for edge in step.edges:
            if edge.upstream not in known:
                yield f"step {step.key!r} depends on {edge.upstream[:LONGEST_NAME]!r}, which is not defined"
            for name in set(edge.outputs).difference(output.name for output in step.outputs):
                yield f"step {step.key!r} has no output {name[:LONGEST_NAME]!r} that could depend on {edge.upstream!r}"
    for job in snapshot.jobs:
        for key in job.steps:
            if key not in steps:
                yield f"job {job.name!r} runs {key[:LONGEST_NAME]!r}, which is not defined"
    for one in (
        snapshot.default_retry,
        *(job.retry for job in snapshot.jobs),
        *(step.retry for step in snapshot.steps),
    ):
        if one is not None:
            yield from _troubles_of_retry(one)
    yield from troubles_of_automations(snapshot, LONGEST_NAME)


def _troubles_of_retry(retry: RetryDefinition) -> Iterator[str]:
    waits = (retry.delay, retry.initial, retry.max_delay, *retry.schedule)
    for seconds in waits:
        if seconds is not None and not 0.0 <= seconds <= LONGEST_WAIT:
            yield f"a retry waits {seconds} seconds; 0 to {LONGEST_WAIT:.0f} are possible"
    if not math.isfinite(retry.factor) or not 0.0 <= retry.jitter <= 1.0:
        yield f"a retry has the factor {retry.factor} and the jitter {retry.jitter}"
    if retry.backoff == BackoffKind.FIXED and not retry.schedule:
        yield "a retry of fixed waits has none"


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
