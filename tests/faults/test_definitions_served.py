"""What repositories define, through a scheduler and a location."""

from __future__ import annotations

import pytest

from rivers.exceptions import ExecutionError
from tests.stack import Stack


def test_external_assets_are_loaded_and_observed(stack: Stack) -> None:
    stack.start_location(
        "outside",
        """
        class Fixed(rs.BaseIOHandler):
            def handle_output(self, context, obj): ...
            def load_input(self, context):
                return 5
        @rs.Asset.external(io_handler=Fixed())
        def watched(context: rs.AssetExecutionContext):
            context.add_output_metadata({"rows": 1, "kept": True})
            return rs.Observation(metadata={"rows": 3}, data_version="v1")
        plain = rs.Asset.external(name="plain", io_handler=Fixed())
        @rs.Asset
        def total(watched, plain):
            mark(str(watched + plain))
        repo = rs.CodeRepository(assets=[watched, plain, total], jobs=[rs.Job("short", [total])])
        """,
    )
    run = stack.client.runs.submit(location="outside")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    events = list(run.events())
    assert [event.type.name for event in events if event.node == "watched"] == [
        "STEP_STARTED",
        "OBSERVED",
        "STEP_SUCCEEDED",
    ]
    (seen,) = (event for event in events if event.type.name == "OBSERVED")
    assert {name: value for name, _, value in seen.metadata} == {"rows": 3, "kept": True}
    assert seen.data_version == "v1"
    assert not [event for event in events if event.node == "plain"]
    job = stack.client.runs.submit(location="outside", job="short")
    assert job.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("outside") == ["10", "10"]


def test_what_nobody_observes_is_refused_by_name(stack: Stack) -> None:
    stack.start_location(
        "outside",
        """
        plain = rs.Asset.external(name="plain", io_handler=rs.InMemoryIOHandler())
        repo = rs.CodeRepository(assets=[plain])
        """,
    )
    with pytest.raises(ExecutionError, match="Cannot materialize external asset without observe function: 'plain'"):
        stack.client.runs.submit(location="outside", select=["plain"])


def test_commands_are_steps(stack: Stack) -> None:
    stack.start_location(
        "shell",
        """
        greet = rs.BashTask(name="greet", command="echo seen by $WHO >&2; echo $WHO", env={"WHO": "you"})
        fails = rs.BashTask(name="fails", command=["sh", "-c", "echo oops >&2; exit 3"])
        @rs.Asset
        def loud(greet):
            mark(greet.upper())
        repo = rs.CodeRepository(assets=[loud], tasks=[greet, fails])
        """,
    )
    run = stack.client.runs.submit(location="shell")
    assert run.wait(timeout=30).state.name == "FAILED"
    assert stack.marks("shell") == ["YOU"]
    assert "seen by you" in "".join(chunk.text for chunk in run.logs())
    (failed,) = (event for event in run.events() if event.type.name == "STEP_FAILED")
    assert (failed.node, failed.failure.message) == ("fails", "OSError: Command failed with exit status: 3: oops")


HOOKED = """
    @rs.Hook.success
    def good(context: rs.HookContext):
        mark(f"good {context.asset_name} {context.output} {context.metadata}")
    @rs.Hook.failure
    def bad(context):
        mark(f"bad {context.asset_name} {context.error}")
        print("paged somebody")
    @rs.Hook.success
    def breaks(context):
        raise SystemExit("of a hook")
"""


def test_hooks_are_called_after_the_result_is_stored(stack: Stack) -> None:
    stack.start_location(
        "hooked",
        HOOKED
        + """
    attempts = []
    @rs.Asset(hooks=[breaks, good, bad], metadata={"k": "v"})
    def fine():
        return 1
    @rs.Asset(hooks=[good, bad], retry=rs.RetryPolicy(1))
    def fails():
        mark("attempt")
        raise ValueError("no")
    @rs.Asset(hooks=[good, bad])
    def skipped(fails): ...
    @rs.Asset(hooks=[good, bad])
    def dies():
        os.kill(os.getpid(), 11)
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y")], hooks=[good, bad])
    def several():
        yield rs.Output(1, output_name="y")
        raise KeyError("x")
    repo = rs.CodeRepository(assets=[fine, fails, skipped, dies, several])
    """,
    )
    run = stack.client.runs.submit(location="hooked")
    assert run.wait(timeout=60).state.name == "FAILED"
    (succeeded,) = (event.node for event in run.events() if event.type.name == "STEP_SUCCEEDED")
    assert succeeded == "fine"
    stack.until(lambda: len(stack.marks("hooked")) >= 7, "the hooks were not called")
    died = "bad dies TerminatedWorkerError: worker process "
    told = [died if line.startswith(died) else line for line in stack.marks("hooked")]
    assert sorted(told) == [
        "attempt",
        "attempt",
        died,
        "bad fails ValueError: no",
        "bad x KeyError: 'x'",
        "good fine None {'k': 'v'}",
        "good y None None",
    ]
    assert told.index("bad fails ValueError: no") > max(n for n, line in enumerate(told) if line == "attempt")


def test_hooks_of_the_last_step_are_called_before_a_location_goes(stack: Stack) -> None:
    program = stack.start_location(
        "hooked",
        HOOKED
        + """
    @rs.Asset(hooks=[bad])
    def fails():
        mark("begun")
        while not os.path.exists("go"):
            time.sleep(0.01)
        raise ValueError("no")
    repo = rs.CodeRepository(assets=[fails])
    """,
    )
    stack.client.runs.submit(location="hooked")
    stack.until(lambda: stack.marks("hooked") == ["begun"], "the step did not start")
    program.process.terminate()
    (stack.directory / "go").touch()
    program.process.wait(30)
    assert stack.marks("hooked") == ["begun", "bad fails ValueError: no"]
    assert "paged somebody" in program.stderr()


def test_an_asset_is_given_its_own_previous_output(stack: Stack) -> None:
    stack.start_location(
        "selfish",
        """
        attempts = []
        @rs.Asset
        def counter(self: rs.SelfDependency[int]) -> int:
            mark(str(self.get_inner()))
            return (self.get_inner() or 0) + 1
        repo = rs.CodeRepository(assets=[counter])
        """,
    )
    for _ in range(3):
        run = stack.client.runs.submit(location="selfish")
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("selfish") == ["None", "1", "2"]


def test_handlers_are_told_what_the_launch_says_of_an_upstream(stack: Stack) -> None:
    stack.start_location(
        "told",
        """
        class Told(rs.BaseIOHandler):
            def handle_output(self, context, obj):
                mark(f"out {context.asset_name} {context.asset_metadata}")
            def load_input(self, context):
                mark(f"in {context.asset_name} {context.asset_metadata}")
        told = Told()
        @rs.Asset(io_handler=told, metadata={"a": "1", "b": "1"})
        def up(): ...
        @rs.Asset(io_handler=told)
        def down(up): ...
        @rs.Asset(io_handler=told, deps=[rs.AssetDef.input("up", metadata={"c": "3"})])
        def other(up, down): ...
        repo = rs.CodeRepository(assets=[up, down, other])
        """,
    )
    run = stack.client.runs.submit(location="told", config={"assets": {"up": {"metadata": {"b": "2"}}}})
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    both = "{'a': '1', 'b': '2'}"
    assert stack.marks("told") == [
        f"out up {both}",
        f"in up {both}",
        "out down None",
        "in up {'c': '3'}",
        "in down None",
        "out other None",
    ]


def test_an_executor_that_there_is_not_fails_its_step(stack: Stack) -> None:
    stack.start_location(
        "odd",
        """
        odd = rs.Asset(name="odd", metadata={"rivers/executor": "nope"})(lambda: mark("run"))
        fine = rs.Asset(name="fine", metadata={"rivers/executor": "in_process"})(lambda: mark("fine"))
        repo = rs.CodeRepository(assets=[odd, fine])
        """,
    )
    run = stack.client.runs.submit(location="odd")
    assert run.wait(timeout=30).state.name == "FAILED"
    (failed,) = (event for event in run.events() if event.type.name == "STEP_FAILED")
    assert (failed.node, failed.failure.message) == (
        "odd",
        "ConfigurationError: Unknown executor in rivers/executor metadata: 'nope'. "
        "Valid values: 'in_process', 'parallel'",
    )
    assert stack.marks("odd") == ["fine"]
