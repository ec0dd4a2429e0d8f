"""Hooks of runs in this process."""

from __future__ import annotations

import asyncio
import importlib
import os
import threading

import obstore.store
import pytest
from pydantic import BaseModel

import rivers as rs


class Calls:
    """Hooks that remember what they were told."""

    def __init__(self):
        self.told = []
        self.contexts = []

    def both(self, prefix=""):
        return [rs.Hook.success(self.note, name=f"{prefix}good"), rs.Hook.failure(self.note, name=f"{prefix}bad")]

    def note(self, context):
        self.contexts.append(context)
        self.told.append((context.hook_type, context.asset_name, context.output, context.error))


@pytest.fixture
def calls():
    return Calls()


def test_success_is_told_with_the_unwrapped_value(repository, calls):
    @rs.Asset(hooks=calls.both(), metadata={"k": "v"})
    def plain():
        return rs.Output([1], metadata={"rows": 1})

    result = repository(plain).materialize()
    assert calls.told == [("success", "plain", [1], None)]
    (context,) = calls.contexts
    assert (context.run_id, context.metadata, context.config) == (result.run_id, {"k": "v"}, None)
    assert isinstance(context, rs.HookContext)


def test_what_stored_nothing_has_no_output(repository, calls):
    @rs.Asset(hooks=calls.both())
    def written():
        return rs.Materialization()

    repository(written).materialize()
    assert calls.told == [("success", "written", None, None)]
    assert calls.contexts[0].metadata is None


def test_failure_is_told_once_after_the_last_attempt(repository, calls):
    @rs.Asset(hooks=calls.both(), retry=rs.RetryPolicy(2))
    def broken():
        raise ValueError("no")

    @rs.Asset(hooks=calls.both())
    def skipped(broken): ...

    repository(broken, skipped).materialize(raise_on_error=False)
    assert calls.told == [("failure", "broken", None, "ValueError: no")]


def test_a_retried_attempt_calls_nothing(repository, calls):
    attempts = []

    @rs.Asset(hooks=calls.both(), retry=rs.RetryPolicy(1))
    def shaky():
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError("no")
        return 3

    repository(shaky).materialize()
    assert calls.told == [("success", "shaky", 3, None)]


def test_the_output_is_stored_before(repository):
    seen = []

    @rs.Hook.success
    def look(context):
        seen.append(repo.load_node(context.asset_name))

    repo = repository(rs.Asset(name="a", hooks=[look])(lambda: 7))
    repo.materialize()
    assert seen == [7]


def test_hooks_come_before_the_next_step(repository, calls):
    first = rs.Asset(name="a", hooks=calls.both())(lambda: 1)

    @rs.Asset
    def b(a):
        calls.told.append("b")

    repository(first, b).materialize()
    assert calls.told == [("success", "a", 1, None), "b"]


def test_a_multi_asset_tells_each_output_and_one_failure(repository, calls):
    @rs.Asset.from_multi(
        output_defs=[rs.AssetDef("x", metadata={"k": "x"}), rs.AssetDef("y"), rs.AssetDef("z")], hooks=calls.both()
    )
    def several():
        yield rs.Output(2, output_name="y")
        yield rs.Output(1, output_name="x")
        raise KeyError("z")

    repository(several).materialize(raise_on_error=False)
    assert calls.told == [
        ("success", "x", 1, None),
        ("success", "y", 2, None),
        ("failure", "x", None, "KeyError: 'z'"),
    ]
    assert [context.metadata for context in calls.contexts] == [{"k": "x"}, None, {"k": "x"}]


def test_a_narrowed_multi_asset_tells_what_was_selected(repository, calls):
    outputs = [rs.AssetDef("x"), rs.AssetDef("y")]
    both = rs.Asset.from_multi(lambda: {"x": 1, "y": 2}, outputs, hooks=calls.both())
    repository(both).materialize(selection=["y"])
    assert calls.told == [("success", "y", 2, None)]


def test_hooks_that_raise_change_nothing_and_the_next_follows(repository, calls, capsys):
    @rs.Hook.success(name="bang")
    def bang(context):
        raise SystemExit("hook")

    @rs.Hook.success
    def too_few(): ...

    @rs.Hook.success
    def too_many(context, more): ...

    @rs.Hook.success
    async def later(context): ...

    result = repository(
        rs.Asset(name="a", hooks=[bang, too_few, too_many, later, *calls.both()])(lambda: 1)
    ).materialize()
    assert result.success
    assert calls.told == [("success", "a", 1, None)]
    told = capsys.readouterr().err
    assert "Hook.Success(name='bang') of 'a' failed:" in told
    assert "SystemExit: hook" in told
    assert "Hook.Success(name='too_few') of 'a' failed:" in told
    assert "Hook.Success(name='too_many') of 'a' failed:" in told
    assert "Hook.Success(name='later') of 'a' is a coroutine function, which is not awaited" in told


def test_a_hook_may_see_the_configuration(repository):
    seen = []

    class Level(BaseModel):
        level: int = 1

    @rs.Hook.success
    def look(told: rs.HookContext[Level]):
        seen.append(told.config.level)

    repo = repository(rs.Asset(name="a", hooks=[look])(lambda: 1))
    repo.materialize()
    repo.materialize(config={"a": {"level": "7"}})
    assert seen == [1, 7]


def test_hooks_run_in_the_coordinating_process_without_the_value_of_a_worker(tmp_path, calls, monkeypatch):
    values = rs.PickleIOHandler(store=obstore.store.LocalStore(str(tmp_path / "values"), mkdir=True))
    (tmp_path / "made_for_hooks.py").write_text(
        "import os\n\ndef one():\n    return os.getpid()\n\ndef two():\n    raise ValueError(os.getpid())\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    module = importlib.import_module("made_for_hooks")
    seen = []

    def note(context):
        seen.append((os.getpid(), threading.current_thread()))
        calls.note(context)

    hooks = [rs.Hook.success(note), rs.Hook.failure(note)]
    repo = rs.CodeRepository(
        assets=[
            rs.Asset(module.one, io_handler=values, hooks=hooks),
            rs.Asset(module.two, io_handler=values, hooks=hooks),
        ],
        default_executor=rs.Executor.parallel(max_workers=2),
    )
    repo.materialize(raise_on_error=False)
    assert repo.load_node("one") != os.getpid()
    told = {name: (output, error) for _, name, output, error in calls.told}
    assert told["one"] == (None, None)
    assert told["two"][1].startswith("ValueError: ")
    assert set(seen) == {(os.getpid(), threading.current_thread())}


def test_hooks_of_coroutines(repository, calls):
    @rs.Asset(hooks=calls.both())
    async def later():
        await asyncio.sleep(0)
        return 3

    repository(later, default_executor=rs.Executor.parallel()).materialize()
    repository(later).materialize()
    assert calls.told == [("success", "later", 3, None)] * 2


def test_a_step_that_cannot_start_tells_its_failure(repository, calls):
    odd = rs.Asset(name="odd", hooks=calls.both(), metadata={"rivers/executor": "nope"})(lambda: 1)
    repository(odd).materialize(raise_on_error=False)
    assert [(kind, name) for kind, name, *_ in calls.told] == [("failure", "odd")]
