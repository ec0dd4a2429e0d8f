"""Assets, multi-assets, tasks and jobs as they are declared: attributes, and what is refused at once."""

from __future__ import annotations

import functools

import pytest

import rivers as rs
from rivers.exceptions import AssetDefinitionError, ExecutionError, GraphValidationError, TaskDefinitionError


@rs.Asset
def plain() -> int:
    """Plain.

    More.
    """
    return 1


def test_a_bare_decorator_makes_a_single_asset():
    assert isinstance(plain, rs.SingleAsset)
    assert isinstance(plain, rs.Asset)
    assert plain.name == "plain"
    assert (plain.is_single, plain.is_multi, plain.is_graph, plain.is_external) == (True, False, False, False)
    assert plain.is_async is False
    assert plain.__wrapped__() == 1
    assert (plain.__module__, plain.__qualname__) == (__name__, "plain")
    unset = {
        name: getattr(plain, name) for name in ("tags", "group", "code_version", "io_handler", "metadata", "hooks")
    }
    assert set(unset.values()) == {None}
    assert (plain.kinds, plain.deps, plain.pool) == ([], [], [])
    assert (plain.partitions_def, plain.partition_mapping, plain.observe_fn, plain.compute) == (None, None, None, None)


def test_attributes_read_back():
    policy, compute = rs.RetryPolicy(2), rs.Compute(cpu="1")

    @rs.Asset(
        name="orders clean",
        tags=["etl"],
        kinds="table",
        group="sales",
        code_version="3",
        metadata={"a": "b"},
        pool=["db", "api"],
        pool_slots={"db": 2},
        retry=policy,
        compute=compute,
    )
    def clean(): ...

    assert (clean.name, clean.tags, clean.kinds, clean.group) == ("orders clean", ["etl"], ["table"], "sales")
    assert (clean.code_version, clean.metadata) == ("3", {"a": "b"})
    assert clean.pool == [("db", 2), ("api", 1)]
    assert clean.pool_slots == {"db": 2}
    assert clean.retry is policy
    assert clean.compute is compute


def test_attributes_are_read_only():
    with pytest.raises(AttributeError):
        plain.name = "other"
    with pytest.raises(AttributeError):
        del plain.name


def test_without_a_function_it_is_a_decorator_for_many():
    tagged = rs.Asset(tags=["t"])

    @tagged
    def one(): ...

    @tagged
    def two(): ...

    assert (one.name, one.tags, two.name, two.tags) == ("one", ["t"], "two", ["t"])
    assert rs.Asset(one.function, name="uno").name == "uno"


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b"])
def test_names_are_not_checked(name):
    assert rs.Asset(name=name)(lambda: 1).name == name


def test_lambdas_and_coroutine_functions_are_accepted():
    async def later(): ...

    assert rs.Asset(lambda: 1).name == "<lambda>"
    assert rs.Asset(later).is_async is True


def test_pools():
    assert rs.Asset(pool="db")(lambda: 1).pool == [("db", 1)]
    assert rs.Asset(pool=["a", "b"], pool_slots=3)(lambda: 1).pool == [("a", 3), ("b", 3)]
    assert rs.Asset(pool_slots="ignored")(lambda: 1).pool == []


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: rs.Asset(3), AssetDefinitionError, "Asset wraps a function, not int"),
        (lambda: rs.Asset(lambda: 1, lambda: 2), AssetDefinitionError, "Asset wraps one function, got 2"),
        (lambda: rs.Asset()(), AssetDefinitionError, "Asset wraps one function, got 0"),
        (lambda: rs.Asset(functools.partial(int)), AssetDefinitionError, "Asset needs a name: "),
        (lambda: rs.Asset(nope=1), TypeError, "nope"),
        (lambda: rs.Asset(name=3), TypeError, "name must be a str"),
        (lambda: rs.Asset(tags="a"), TypeError, "tags must be a list of str"),
        (lambda: rs.Asset(tags=[1]), TypeError, "tags must be a list of str"),
        (lambda: rs.Asset(metadata={"a": 1}), TypeError, "metadata must be a dict[str, str]"),
        (lambda: rs.Asset(deps=["a"]), TypeError, "deps must be a list of DepDef"),
        (lambda: rs.Asset(hooks=[print]), TypeError, "hooks must be Hook instances"),
        (lambda: rs.Asset(retry=3), TypeError, "retry must be a RetryPolicy"),
        (lambda: rs.Asset(compute="1"), TypeError, "compute must be a Compute"),
        (
            lambda: rs.Asset(io_handler=object()),
            AssetDefinitionError,
            "io_handler must be a BaseIOHandler subclass instance or a string resource reference",
        ),
        (
            lambda: rs.Asset(pool=["db"], pool_slots={"api": 1}),
            AssetDefinitionError,
            "pool_slots key 'api' not in pool list [",
        ),
        (
            lambda: rs.Asset(pool="db", pool_slots=-1),
            AssetDefinitionError,
            "pool_slots must be an int or dict[str, int]",
        ),
        (
            lambda: rs.Asset(pool="db", pool_slots="2"),
            AssetDefinitionError,
            "pool_slots must be an int or dict[str, int]",
        ),
        (
            plain,
            AssetDefinitionError,
            "asset 'plain' already wraps a function; call it only inside an Asset.from_graph body",
        ),
        (lambda: rs.SingleAsset(lambda: 1), TypeError, "SingleAsset has no constructor"),
        (lambda: type("Orders", (rs.Asset,), {}), AssetDefinitionError, "assets in class form are not available"),
        (
            lambda: rs.Asset(deps=[rs.AssetDef.input("z")])(lambda a: 1),
            ValueError,
            "AssetDef.input('z') does not match any parameter on the function. Available parameters: [\"a\"]",
        ),
        (lambda: rs.DepDef(), TypeError, "DepDef has no constructor"),
        (lambda: rs.AssetDef("a", type_hint="int"), AssetDefinitionError, "type_hint must be a type"),
        (lambda: rs.Asset.from_multi(lambda: 1, ["a"]), TypeError, "output_defs must be a list of AssetDef"),
        (lambda: rs.Asset.from_multi(lambda: 1, [rs.AssetDef()]), AssetDefinitionError, "every AssetDef needs a name"),
        (lambda: rs.Asset.from_multi(lambda: 1, metadata={}), TypeError, "metadata"),
        (lambda: rs.Asset.from_multi(lambda: 1, pool="db"), TypeError, "pool"),
        (lambda: rs.Task(3), TaskDefinitionError, "Task wraps a function, not int"),
        (lambda: rs.Task()(1, 2), TaskDefinitionError, "give it one function"),
    ],
)
def test_wrong_declarations_are_refused_at_once(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)


def test_edges():
    edge = rs.AssetDef.input("a", metadata={"k": "v"})
    assert (edge.name, edge.is_input, edge.metadata, edge.partition_mapping) == ("a", True, {"k": "v"}, None)
    order = rs.AssetDef.dep("b")
    assert (order.name, order.is_input, order.metadata) == ("b", False, None)
    assert isinstance(edge, rs.DepDef)
    with pytest.raises(AttributeError):
        edge.name = "c"


def test_a_multi_asset_has_outputs():
    outputs = [rs.AssetDef("x", pool="db", kinds="table"), rs.AssetDef("y")]

    @rs.Asset.from_multi(output_defs=outputs, group="g")
    def both():
        return {"x": 1, "y": 2}

    assert isinstance(both, rs.MultiAsset)
    assert (both.is_multi, both.is_single, both.name, both.group) == (True, False, "both", "g")
    assert [output.name for output in both.output_defs] == ["x", "y"]
    assert (outputs[0].pool, outputs[0].kinds, outputs[1].pool) == ([("db", 1)], ["table"], [])
    assert rs.Asset.from_multi(both.function, outputs, "other").name == "other"


def test_a_multi_asset_may_be_an_asynchronous_generator():
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x")])
    async def stream():
        yield rs.Output(1, output_name="x")

    assert stream.is_async


def test_a_task_called_runs_its_function():
    @rs.Task(name="double", tags=["cheap"])
    def dbl(x):
        return x * 2

    assert dbl(4) == 8
    assert (dbl.name, dbl.tags, dbl.is_async) == ("double", ["cheap"], False)
    assert rs.Task(lambda: 3)() == 3


def test_a_task_without_a_function_decorates_many():
    tagged = rs.Task(tags=["t"])
    first, second = tagged(lambda: 1), tagged(len)
    assert first is not second
    assert (first.tags, second.name) == (["t"], "len")


def test_a_job_is_a_declaration():
    job = rs.Job("nightly", [plain], executor=rs.Executor.in_process())
    assert (job.name, job.action) == ("nightly", None)
    with pytest.raises(ExecutionError, match="Job 'nightly' has not been validated") as caught:
        job.execute()
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (
            lambda: rs.Job("j", []),
            GraphValidationError,
            "Job 'j' got an empty asset list: name at least one asset or task",
        ),
        (lambda: rs.Job("j", ["plain"]), GraphValidationError, "Job assets must be Asset, Task, or BashTask instances"),
        (
            lambda: rs.Job("j", [plain.function]),
            GraphValidationError,
            "Job assets must be Asset, Task, or BashTask instances",
        ),
        (lambda: rs.Job(3, [plain]), TypeError, "name must be a str, not int"),
        (lambda: rs.Job("j", [plain], executor="x"), TypeError, "executor must be an Executor or None, not str"),
    ],
)
def test_wrong_jobs_are_refused_at_once(make, error, text):
    with pytest.raises(error) as caught:
        make()
    assert str(caught.value) == text


def test_results_are_read_only_and_keep_what_they_are_given():
    output = rs.Output([1], metadata={"rows": 3}, data_version="v", tags=["t"])
    assert (output.value, output.metadata, output.data_version, output.tags) == ([1], {"rows": 3}, "v", ["t"])
    assert rs.Output(metadata={"x": object()}).value is None, "metadata is converted when it is recorded"
    with pytest.raises(AttributeError):
        output.value = 2
    with pytest.raises(TypeError):
        rs.Materialization({"rows": 3})
    with pytest.raises(TypeError):
        rs.Observation({"rows": 3})
    assert rs.DynamicOutput("k", 1).key == "k"


def test_a_self_dependency_hands_over_what_there_is():
    assert rs.SelfDependency().get_inner() is None
    assert rs.SelfDependency(3).get_inner() == 3
    assert rs.SelfDependency[int] is not None


@pytest.mark.parametrize(
    "name", ["RunResult", "RunRecord", "StoredEvent", "AssetRecord", "StaleCause", "StoredTick", "Storage"]
)
def test_what_only_rivers_makes_has_no_constructor(name):
    with pytest.raises(TypeError):
        getattr(rs, name)()
