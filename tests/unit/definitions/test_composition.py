"""The body of a graph asset: what it records, and what is refused (tasks and graphs, sections 1 to 4)."""

from __future__ import annotations

from typing import Any

import pytest

import rivers as rs
from rivers.definitions.kinds import Delivery, StepKind
from rivers.errors import AssetDefinitionError, GraphValidationError


@rs.Task
def num() -> int:
    return 3


@rs.Task
def dbl(x: int) -> int:
    return x * 2


@rs.Task
def add(x: int, y: int = 10, *, z: int = 100) -> int:
    return x + y + z


@rs.Task
def told(context: rs.TaskExecutionContext, x: int) -> str:
    return context.task_name


@rs.Asset
def src() -> int:
    return 7


def graph(body: Any, **options: Any) -> Any:
    body.__name__ = "g"
    return rs.Asset.from_graph(**options)(body)


def bound(*assets: Any, tasks: Any = None, **settings: Any) -> Any:
    """The repository of these assets, with the tasks that they use unless others are given."""
    if tasks is None:
        calls = [call for asset in assets if asset.is_graph for call in asset.composition.calls.values()]
        tasks = list({id(call.task): call.task for call in calls}.values())
    return rs.CodeRepository(assets=list(assets), tasks=tasks, **settings).bound


def edges(repository: Any, step: str) -> list[tuple[str, str | None]]:
    return [(edge.upstream, edge.parameter) for edge in repository.snapshot.step_by_key[step].edges]


def test_a_body_runs_once_on_placeholders() -> None:
    seen: list[Any] = []

    @rs.Asset.from_graph
    def g(src):
        made = dbl(src)
        seen.append((src, made))
        return made

    repository = rs.CodeRepository(assets=[src, g], tasks=[dbl])
    repository.validate()
    repository.resolve()
    assert repository.materialize().success
    ((given, made),) = seen
    assert isinstance(given, rs.InvokedNodeOutput)
    assert isinstance(made, rs.InvokedNodeOutput)
    assert (given.node_name, given.output_name) == ("src", "result")
    assert (made.node_name, made.output_name) == ("g/dbl", "result")


def test_what_a_graph_asset_says_of_itself() -> None:
    handler = rs.InMemoryIOHandler()

    @rs.Asset.from_graph(
        name="report",
        tags=["t"],
        kinds="table",
        group="sales",
        code_version="2",
        io_handler=handler,
        node_io_handler="shared",
        metadata={"owner": "me"},
        retry=rs.RetryPolicy(2),
    )
    def g():
        """Made of tasks."""
        return num()

    assert isinstance(g, rs.GraphAsset)
    assert isinstance(g, rs.Asset)
    assert (g.is_graph, g.is_single, g.is_multi, g.is_external, g.is_async) == (True, False, False, False, False)
    assert (g.name, g.tags, g.kinds, g.group, g.code_version) == ("report", ["t"], ["table"], "sales", "2")
    assert g.io_handler is handler
    assert g.node_io_handler == "shared"
    assert g.metadata == {"owner": "me"}
    assert g.retry is not None
    assert g.observe_fn is None


def test_the_forms_of_the_decorator() -> None:
    def body():
        return num()

    assert rs.Asset.from_graph(body).name == "body"
    assert rs.Asset.from_graph(body, "other").name == "other"
    assert rs.Asset.from_graph()(body).name == "body"
    with pytest.raises(AssetDefinitionError):
        rs.Asset.from_graph(3)  # type: ignore[call-overload]
    with pytest.raises(TypeError):
        rs.Asset.from_graph(body, pool="db")  # type: ignore[call-overload]


def test_outside_of_a_body_a_task_is_its_function() -> None:
    assert dbl(4) == 8
    assert graph(lambda: dbl(num())).name == "g"
    assert dbl(4) == 8


def test_positions_feed_parameters_in_turn_and_keywords_by_name() -> None:
    repository = bound(src, graph(lambda src: add(src, num(), z=dbl(src))))
    assert edges(repository, "g/add") == [("src", "x"), ("g/num", "y"), ("g/dbl", "z")]
    repository = bound(src, graph(lambda src: add(num(), x=src)))
    assert edges(repository, "g/add") == [("src", "x"), ("g/num", "y")]


def test_a_context_is_not_fed() -> None:
    assert edges(bound(graph(lambda: told(num()))), "g/told") == [("g/num", "x")]


def test_a_parameter_that_is_not_passed_comes_from_around() -> None:
    @rs.Asset
    def x() -> int:
        return 1

    assert edges(bound(x, graph(lambda: dbl())), "g/dbl") == [("x", "x")]
    with pytest.raises(GraphValidationError, match=r"^Asset 'g/dbl': unresolved input 'x'"):
        bound(graph(lambda: dbl()))


@pytest.mark.parametrize("body", [lambda: dbl(5), lambda: dbl(x=5), lambda: dbl(None), lambda: dbl([num()])])
def test_constants_are_not_supported(body: Any) -> None:
    @rs.Asset
    def x() -> int:
        return 1

    with pytest.raises(GraphValidationError, match=r"^Asset 'g/dbl': unresolved input 'x'"):
        bound(x, graph(body))


def test_an_asset_called_in_a_body_is_like_a_parameter() -> None:
    repository = bound(src, graph(lambda: dbl(src())))
    assert edges(repository, "g/dbl") == [("src", "x")]
    assert set(repository.snapshot.step_by_key) == {"src", "g/dbl", "g"}
    with pytest.raises(AssetDefinitionError, match="already wraps a function"):
        src()


def test_the_same_task_twice_is_one_node() -> None:
    def body():
        first = dbl(num())
        return add(first, dbl(num()))

    repository = bound(graph(body))
    assert [step.key for step in repository.snapshot.steps] == ["g/num", "g/dbl", "g/add", "g"]
    assert edges(repository, "g/add") == [("g/dbl", "x"), ("g/dbl", "y")]


@pytest.mark.parametrize(
    "body",
    [lambda: dbl(dbl(num())), lambda: dbl(x=dbl(x=num())), lambda: num().map(dbl).collect().map(dbl).collect()],
)
def test_a_task_chained_into_itself_is_a_cycle(body: Any) -> None:
    with pytest.raises(GraphValidationError, match=r"^Cycle detected in asset graph: g/dbl"):
        bound(graph(body))


def test_two_graphs_have_copies_of_a_task_each() -> None:
    one, two = rs.Asset.from_graph(lambda: dbl(num()), "one"), rs.Asset.from_graph(lambda: num(), "two")
    repository = bound(one, two)
    assert [step.key for step in repository.snapshot.steps] == ["one/num", "one/dbl", "one", "two/num", "two"]
    assert repository.snapshot.step_by_key["one/dbl"].graph == "one"


def test_a_task_that_is_not_registered_is_unresolved() -> None:
    with pytest.raises(GraphValidationError, match=r"^Asset 'g': unresolved input 'g/dbl'"):
        bound(graph(lambda: dbl(num())), tasks=[num])


def test_a_parameter_of_the_body_that_nothing_is_called_like_is_unresolved() -> None:
    def body(nowhere):
        return dbl(nowhere)

    with pytest.raises(GraphValidationError, match=r"^Asset 'g': unresolved input 'nowhere'$"):
        bound(graph(body))


def test_a_graph_that_reads_itself() -> None:
    def body(g):
        return dbl(g)

    with pytest.raises(GraphValidationError, match="Asset 'g': depends on itself; use SelfDependency"):
        bound(graph(body))


def test_a_parameter_of_the_body_with_a_default_is_no_dependency() -> None:
    def body(src=None):
        assert src is None
        return num()

    assert edges(bound(src, graph(body)), "g") == [("g/num", "value")]


def test_only_the_graph_is_an_asset() -> None:
    repository = rs.CodeRepository(assets=[graph(lambda: dbl(num()))], tasks=[num, dbl])
    assert list(repository.assets) == ["g"]
    assert "num" not in repository.bound.snapshot.step_by_node


def test_an_input_that_matches_no_parameter_is_taken() -> None:
    asset = graph(lambda: num(), deps=[rs.AssetDef.input("src"), rs.AssetDef.dep("other")])

    @rs.Asset
    def other() -> int:
        return 1

    repository = bound(src, other, asset)
    assert sorted(edges(repository, "g"), key=str) == [("g/num", "value"), ("other", None), ("src", None)]
    assert edges(repository, "g/num") == [("other", None)], "no task starts before what the graph comes after"
    with pytest.raises(GraphValidationError, match=r"^Asset 'g': unresolved input 'src'$"):
        bound(other, asset)


def test_map_and_collect_are_steps() -> None:
    @rs.Asset.from_graph
    def g():
        return dbl(num().map(add, max_concurrency=4).collect())

    steps = bound(g).snapshot.step_by_key
    assert [key for key in steps if key.startswith("g")] == ["g/num", "g/add", "g/add__collect", "g/dbl", "g"]
    assert steps["g/add"].kind == StepKind.MAPPED_TASK
    assert steps["g/add"].max_concurrency == 4
    assert [(edge.upstream, edge.parameter, edge.delivery) for edge in steps["g/add"].edges] == [
        ("g/num", "x", Delivery.ELEMENT)
    ]
    assert steps["g/add__collect"].kind == StepKind.COLLECT
    assert steps["g/dbl"].edges[0].delivery == Delivery.COLLECTED
    assert steps["g/num"].outputs[0].is_mapped
    assert not steps["g/add"].outputs[0].is_mapped


@pytest.mark.parametrize(("ordered", "delivery"), [(False, Delivery.STREAMED_AS_MADE), (True, Delivery.STREAMED)])
def test_a_streaming_collect_says_in_which_order(ordered: bool, delivery: Delivery) -> None:
    asset = graph(lambda: dbl(num().map(add).collect_stream(ordered=ordered)))
    assert bound(asset).snapshot.step_by_key["g/dbl"].edges[0].delivery == delivery


def test_what_is_mapped_says_where_it_is() -> None:
    def body():
        mapped = num().map(dbl)
        assert (mapped.node_name, mapped.output_name) == ("g/dbl", "result")
        assert not hasattr(mapped, "map")
        collected = mapped.collect()
        assert isinstance(collected, rs.InvokedNodeOutput)
        assert collected.node_name == "g/dbl__collect"
        return add(collected)

    assert graph(body).name == "g"


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (lambda: num().map(len), TypeError, "takes a Task"),
        (lambda: num().map(rs.BashTask("b", "echo")), TypeError, "takes a Task"),
        (lambda: num().map(rs.Task(name="t")), TypeError, "is a decorator"),
        (lambda: dbl(1).map(num), TypeError, "no parameter that could take the element"),
        (lambda: num().map(dbl, max_concurrency=-1), OverflowError, "must not be negative"),
        (lambda: num().map(dbl, max_concurrency="2"), TypeError, "max_concurrency must be an int"),
        (lambda: num().map(dbl).map(add), AttributeError, "map"),
        (lambda: dbl(num(), num()), None, ""),
        (lambda: dbl(w=num()), TypeError, "task 'dbl' has no parameter 'w'"),
        (lambda: [dbl(num()), num().map(dbl)], AssetDefinitionError, "both called and mapped"),
        (lambda: src(1), TypeError, "takes no arguments"),
        (lambda: num() + 1, TypeError, "unsupported operand"),
    ],
)
def test_what_a_body_cannot_do(body: Any, error: Any, text: str) -> None:
    if error is None:
        graph(body)
        return
    with pytest.raises(error, match=text):
        graph(body)


def test_placeholders_outside_of_a_body() -> None:
    with pytest.raises(AssetDefinitionError, match="belongs in the body"):
        rs.InvokedNodeOutput("x", "result").map(dbl)


def test_a_coroutine_is_no_body() -> None:
    async def body():
        return num()

    with pytest.raises(AssetDefinitionError, match="write it as a plain function"):
        graph(body)


def test_a_command_in_a_body_waits_for_its_arguments() -> None:
    shell = rs.BashTask("shell", "echo hi")
    repository = bound(graph(lambda: dbl(shell(num(), 5, after=src()))), src, tasks=[num, dbl, shell])
    assert edges(repository, "g/shell") == [("g/num", None), ("src", None)]


def test_a_handler_that_is_none_is_refused() -> None:
    with pytest.raises(AssetDefinitionError, match=r"Asset 'g/num': io_handler references resource 'nope' which"):
        bound(graph(lambda: num(), node_io_handler="nope"))
    with pytest.raises(AssetDefinitionError, match="io_handler must be a BaseIOHandler subclass instance"):
        graph(lambda: num(), node_io_handler=3)


def test_a_job_with_a_graph_asset_has_its_steps() -> None:
    asset = graph(lambda src: dbl(src))
    repository = bound(src, asset, jobs=[rs.Job("all", [src, asset])])
    assert repository.snapshot.job_by_name["all"].steps == ("src", "g/dbl", "g")
    with pytest.raises(GraphValidationError, match="Job 'some': node 'g/dbl' depends on 'src' which is not in the job"):
        bound(src, asset, jobs=[rs.Job("some", [asset])])


def test_definitions_are_the_same_in_every_process() -> None:
    import os
    import subprocess
    import sys

    program = (
        "import rivers as rs\n"
        "a, b, c, d = (rs.Task(lambda x=0: x, name=n) for n in 'abcd')\n"
        "g = rs.Asset.from_graph(lambda: [a(), b(), c(), d()], 'g')\n"
        "print(rs.CodeRepository(assets=[g], tasks=[a, b, c, d]).bound.snapshot.digest)\n"
    )
    digests = {
        subprocess.check_output([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": str(seed)})
        for seed in range(3)
    }
    assert len(digests) == 1
