"""Repositories with the default executor, and what is left when they are dropped."""

from __future__ import annotations

import os
import sys

import pytest

import rivers as rs
from rivers.repository.loading import load_repository
from rivers.storage.database import Database

SOURCE = """
import os
import obstore.store
import rivers as rs

shared = rs.PickleIOHandler(store=obstore.store.LocalStore({folder!r}, mkdir=True))

@rs.Asset(io_handler=shared)
def left():
    return os.getpid()

@rs.Asset(io_handler=shared)
def right():
    return os.getpid()

@rs.Asset(io_handler=shared)
def both(left: int, right: int) -> list:
    return [left, right]

@rs.Asset
async def later(both: list) -> int:
    return len(both)

repo = rs.CodeRepository(
    assets=[both, left, right, later], jobs=[rs.Job("pair", [left, right], executor=rs.Executor.parallel(2))]
)
"""


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """A repository in a module of its own, whose values are files."""
    (tmp_path / "pair_of_assets.py").write_text(SOURCE.format(folder=str(tmp_path / "values")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield load_repository("pair_of_assets")
    sys.modules.pop("pair_of_assets", None)


def test_steps_run_in_worker_processes(loaded, tmp_path):
    storage = rs.Storage.embedded(tmp_path / "store")
    loaded.resolve(storage=storage)
    result = loaded.materialize()
    assert result.materialized_assets == ["left", "right", "both", "later"]
    left, right = loaded.load_node("both")
    assert os.getpid() not in (left, right)
    assert loaded.load_node("later") == 2
    assert loaded.get_job("pair").execute().success
    assert {event.event_type for event in storage.get_events_for_run(result.run_id)} == {
        "StepStart",
        "Materialization",
        "StepSuccess",
    }


def test_everything_dropped_the_directory_is_free(tmp_path):
    storage = rs.Storage.embedded(tmp_path)
    repo = rs.CodeRepository([rs.Asset(name="a")(lambda: 1)], default_executor=rs.Executor.in_process())
    repo.resolve(storage=storage)
    run = storage.get_run(repo.materialize().run_id)
    del storage, repo
    Database.embedded(tmp_path, lock="exclusive", address="here:1").close()
    assert run.status == "Success", "records stay readable"
