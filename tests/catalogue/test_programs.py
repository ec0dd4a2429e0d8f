"""Every program of the catalogue, in process, in parallel and through a scheduler: the same comes of it each time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import rivers as rs
from rivers_client import RunHandle
from tests.catalogue import ways
from tests.catalogue.outcome import Outcome, Program, noted, programs
from tests.catalogue.ways import Seen
from tests.stack import Stack

#: What is said of a mapped step whose instance has failed; only the instance is among what failed.
MAPPED = "One or more map instances failed"
PROGRAMS = {program.name: program for program in programs()}


ON_POSTGRES = pytest.param("parallel on PostgreSQL", marks=pytest.mark.postgres)


@pytest.fixture(scope="module", params=["parallel", "in_process", ON_POSTGRES])
def handles(
    request: pytest.FixtureRequest, scratch: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, RunHandle]]:
    """All programs, submitted at once to a scheduler, to run in a location's workers or in a home process each."""
    executor, _, database = request.param.partition(" on ")
    url = request.getfixturevalue("cluster").new_database() if database else None
    with Stack(tmp_path_factory.mktemp("catalogue"), url) as stack:
        stack.start_scheduler("--beat-interval", "0.5", "--max-concurrent-runs", "1000")
        ways.serve(stack, executor)
        yield {name: ways.submit(stack, program) for name, program in PROGRAMS.items()}


@pytest.fixture
def program(request: pytest.FixtureRequest) -> Program:
    return PROGRAMS[request.param]


@cache
def reference(name: str) -> tuple[Seen, Any]:
    """What came of a program in process, one step after another."""
    return ways.in_process(PROGRAMS[name], rs.Executor.in_process())


def check(expected: Outcome, seen: Seen) -> None:
    """Compares what was seen with what the program says of itself."""
    errors = {event[5][1] for event in seen.of("STEP_FAILED", "STEP_SKIPPED")}
    assert errors - {MAPPED} == set(expected.failed.values())
    assert seen.success is not bool(expected.failed)
    assert {node for _, _, node, *_ in seen.of("OBSERVED")} == set(expected.observed)
    assert dict(seen.values) == dict(expected.values)
    for node, entries in expected.metadata.items():
        last = [event for event in seen.of("MATERIALIZED", "OBSERVED") if event[2] == node][-1]
        assert {name: value for name, _, value in last[3]} == entries, node
    for node, version in expected.versions.items():
        assert [event[4] for event in seen.of("MATERIALIZED", "OBSERVED") if event[2] == node][-1] == version
    assert {step: text for step, text in seen.stdout.items() if text} == dict(expected.stdout)
    retried = [step for step, told in seen.story.items() for event in told if event[0] == "STEP_RETRIED"]
    assert {step: retried.count(step) for step in retried} == dict(expected.retries)
    for name, lines in expected.notes.items():
        assert noted(seen.run_id, name) == list(lines)


every = pytest.mark.parametrize("program", PROGRAMS, indirect=True)


@every
def test_in_process(program: Program) -> None:
    seen, result = reference(program.name)
    check(program.expected, seen)
    assert result.materialized_assets == list(program.expected.materialized)
    assert dict(result.failed_assets) == dict(program.expected.failed)


@every
def test_in_parallel(program: Program) -> None:
    seen, result = ways.in_process(program, rs.Executor.parallel(max_workers=2))
    check(program.expected, seen)
    assert result.materialized_assets == list(program.expected.materialized)
    assert dict(result.failed_assets) == dict(program.expected.failed)
    assert seen.story == reference(program.name)[0].story


@every
def test_through_a_scheduler(program: Program, handles: dict[str, RunHandle]) -> None:
    seen = ways.at_location(handles[program.name], program)
    check(program.expected, seen)
    assert seen.story == reference(program.name)[0].story


def test_there_are_enough() -> None:
    assert len(PROGRAMS) >= 60
