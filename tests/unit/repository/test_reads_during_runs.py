"""What steps and hooks read of the run that they are part of: everything up to themselves."""

import asyncio

import pytest

import rivers as rs
from rivers.definitions.executor import Executor


@pytest.fixture(params=[Executor.in_process(), Executor.parallel()], ids=["in_process", "parallel"])
def read(request, repository, storage):
    """What a run's steps and hooks found in its storage."""
    found = {}

    @rs.Hook.success
    def after(context: rs.HookContext):
        latest = storage.get_latest_materialization(context.asset_name)
        found["hook"] = (latest.run_id, [log.stdout for log in storage.get_run_logs(context.run_id)])

    @rs.Asset(hooks=[after])
    def a():
        found["a"] = storage.get_run("r").status, [event.event_type for event in storage.get_events_for_run("r")]
        print("said")

    @rs.Asset
    async def b(a):
        found["b"] = storage.get_asset_record("a").last_run_id, storage.get_run_progress("r")
        found["twin"] = [event.event_type for event in await storage.async_get_events_for_asset("b")]
        found["many"] = await asyncio.gather(*(storage.async_get_run("r") for _ in range(5)))

    repo = repository(a, b, storage=storage, default_executor=request.param)
    repo.materialize(run_id_override="r")
    return found


def test_steps_and_hooks_read_what_the_run_did_before(read):
    assert read["a"] == ("Started", ["StepStart"])
    assert read["hook"] == ("r", ["said\n"])
    assert read["b"] == ("r", (1, 2))
    assert read["twin"] == ["StepStart"]
    assert [run.status for run in read["many"]] == ["Started"] * 5


def test_nothing_is_behind_when_the_run_is_over(repository, storage):
    @rs.Asset
    def a():
        raise ValueError

    repository(a, storage=storage).materialize(raise_on_error=False)
    assert storage.database.behind == []
