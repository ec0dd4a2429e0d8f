"""Runs on a database of their own, and what was recorded of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from rivers.definitions.binding import BoundRepository, bind
from rivers.definitions.executor import Executor
from rivers.definitions.job import Job
from rivers.driver import cancellation
from rivers.driver.execute import execute
from rivers.driver.outcome import RunOutcome
from rivers.io_handlers import InMemoryIOHandler
from rivers.lifecycle.states import EventType
from rivers.planning.build import plan_job, plan_selection
from rivers.storage import assets, events, logs, runs
from rivers.storage.assets import AssetRow
from rivers.storage.database import Database
from rivers.storage.rows import LogRow, RunRow
from rivers.v1.run_pb2 import RunEvent
from tests.unit.driver.team_source import SOURCE


class Here:
    """A process that executes runs."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.memory = InMemoryIOHandler()
        self.last: RunOutcome | None = None

    def bind(
        self,
        *assets: Any,
        tasks: Any = (),
        jobs: tuple[Job, ...] = (),
        resources: Mapping[str, Any] | None = None,
        executor: Executor | None = None,
        retry: Any = None,
    ) -> BoundRepository:
        return bind(
            assets,
            tasks=tasks,
            jobs=jobs,
            resources=resources,
            default_executor=executor or Executor.in_process(),
            default_retry_policy=retry,
        )

    def run(
        self,
        *assets: Any,
        select: list[str] | None = None,
        job: str | None = None,
        config: Any = None,
        bound: BoundRepository | None = None,
        run_id: str | None = None,
        resume: bool = False,
        tags: tuple[tuple[str, str], ...] = (),
        **definitions: Any,
    ) -> RunOutcome:
        bound = bound or self.bind(*assets, **definitions)
        if job is not None:
            plan = plan_job(bound.snapshot, job, config=config)
        else:
            plan = plan_selection(bound.snapshot, select, config=config)
        self.last = execute(
            bound,
            plan,
            database=self.database,
            memory_handler=self.memory,
            run_id=run_id,
            tags=tags,
            resume=resume,
        )
        return self.last

    def events(self, run_id: str | None = None) -> list[RunEvent]:
        with self.database.read() as connection:
            return events.of_run(connection, run_id or self._run_id)

    def story(self, run_id: str | None = None) -> list[str]:
        """The events of steps: "STEP_STARTED a"."""
        return [f"{EventType(event.type).name} {event.node}" for event in self.events(run_id) if event.node]

    def row(self, run_id: str | None = None) -> RunRow:
        with self.database.read() as connection:
            row = runs.get(connection, run_id or self._run_id)
        assert row is not None
        return row

    def logs(self, run_id: str | None = None) -> list[LogRow]:
        with self.database.read() as connection:
            return logs.of_run(connection, run_id or self._run_id)

    def asset(self, key: str) -> AssetRow | None:
        with self.database.read() as connection:
            return assets.get(connection, key)

    def cancel(self, run_id: str) -> None:
        cancellation.request(self.database, run_id, now=1)

    @property
    def _run_id(self) -> str:
        assert self.last is not None
        return self.last.run_id


@pytest.fixture
def here() -> Here:
    return Here(Database.memory())


@pytest.fixture
def stored(tmp_path: Any) -> Here:
    return Here(Database.embedded(tmp_path / "store"))


@pytest.fixture
def made(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Imports a module made of source, as authors have them."""
    import importlib
    import sys

    monkeypatch.syspath_prepend(str(tmp_path))
    names: list[str] = []

    def make(source: str, name: str = "made_for_driver") -> Any:
        (tmp_path / f"{name}.py").write_text(source)
        sys.modules.pop(name, None)
        names.append(name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def team(made: Callable[..., Any], tmp_path: Any) -> Any:
    """The module of an author; `read` loads what was stored."""
    module = made(SOURCE.format(folder=str(tmp_path / "values")))
    module.read = lambda node: pickle.loads((tmp_path / "values" / f"{node}.pkl").read_bytes())
    return module
