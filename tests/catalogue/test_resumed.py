"""A program that failed is resumed: no step whose success is recorded runs again, and those that failed do."""

from __future__ import annotations

from typing import Any

import pytest

import rivers as rs
from rivers.lifecycle.states import EventType
from rivers.storage import events
from tests.catalogue.test_programs import PROGRAMS

FAILING = [name for name, program in PROGRAMS.items() if program.expected.failed and program.launch.job is None]


@pytest.mark.parametrize("name", FAILING)
@pytest.mark.parametrize("executor", [rs.Executor.in_process(), rs.Executor.parallel(max_workers=2)], ids=str)
def test_what_succeeded_is_not_run_again(name: str, executor: Any) -> None:
    program = PROGRAMS[name]
    launch = program.launch
    run_id = f"resumed {name} {executor}"
    how: dict[str, Any] = {"partition_key": launch.key, "config": launch.config, "raise_on_error": False}
    with program.repository(executor) as repo:
        repo.resolve(storage=rs.Storage.memory())

        def run(resume: bool) -> tuple[set[str], set[str]]:
            """The steps that were started, and those that succeeded."""
            with repo.storage.database.read() as connection:
                before = len(events.of_run(connection, run_id))
            repo.materialize(list(launch.select or []), run_id_override=run_id, resume=resume, **how)
            with repo.storage.database.read() as connection:
                told = events.of_run(connection, run_id)[before:]
            started = {event.step_key for event in told if event.type == EventType.STEP_STARTED}
            return started, {event.step_key for event in told if event.type == EventType.STEP_SUCCEEDED}

        _, succeeded = run(resume=False)
        again, now = run(resume=True)
        assert not again & succeeded
        assert not now & succeeded
        assert again or name == "executor_unknown", "what failed is tried again, if it can be started at all"
