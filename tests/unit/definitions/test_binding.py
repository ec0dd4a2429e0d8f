"""A repository's definitions, bound: the snapshot, and what is refused."""

import time

import obstore.store
import pytest

import rivers as rs
from rivers.definitions.binding import bind
from rivers.definitions.kinds import ExecutorKind, HandlerKind, StepKind
from rivers.definitions.snapshot import PoolClaim
from rivers.exceptions import AssetDefinitionError, ConfigurationError, GraphValidationError, NodeNotFoundError


def asset(name, *upstreams, **options):
    """An asset with these upstreams as parameters."""
    namespace: dict = {}
    exec(f"def function({', '.join(upstreams)}): ...", namespace)
    return rs.Asset(name=name, **options)(namespace["function"])


def pickled():
    return rs.PickleIOHandler(store=obstore.store.LocalStore())


def refused(error, text, *args, **options):
    with pytest.raises(error) as caught:
        bind(*args, **options)
    assert str(caught.value) == text
    return caught.value


def test_steps_are_in_topological_order_and_else_as_declared():
    steps = bind([asset("c", "b"), asset("a"), asset("d"), asset("b", "a")]).snapshot.steps
    assert [step.key for step in steps] == ["a", "d", "b", "c"]


def test_an_output_says_everything_that_was_declared():
    described = asset(
        "a", tags=["t"], kinds=["k"], group="g", code_version="2", metadata={"b": "2", "a": "1"}, io_handler=pickled()
    )
    (step,) = bind([described]).snapshot.steps
    (output,) = step.outputs
    assert step.kind == StepKind.ASSET
    assert (output.tags, output.kinds, output.group, output.code_version) == (("t",), ("k",), "g", "2")
    assert output.metadata == (("a", "1"), ("b", "2"))
    assert output.handler == HandlerKind.SHARED
    assert output.handler_class == "rivers.io_handlers.pickles.PickleIOHandler"
    assert output.is_asset


def test_equal_definitions_have_equal_digests():
    first = bind([asset("a"), asset("b", "a")], module="m", repository="r").snapshot
    second = bind([asset("a"), asset("b", "a")]).snapshot
    assert first == second
    assert first.digest == second.digest
    assert first.digest != bind([asset("a"), asset("b", "a", tags=["t"])]).snapshot.digest


def test_a_multi_asset_is_one_step_with_several_outputs():
    @rs.Asset.from_multi(
        output_defs=[
            rs.AssetDef("x", tags=["own"], pool="db", pool_slots=2),
            rs.AssetDef("y", pool=["db", "api"], deps=[rs.AssetDef.dep("a")], type_hint=int),
        ],
        tags=["shared"],
        group="g",
        io_handler=rs.InMemoryIOHandler(),
    )
    def both(b):
        return {}

    bound = bind([asset("a"), asset("b"), both, asset("z", "y")])
    step = bound.snapshot.step_by_node["y"]
    assert (step.key, step.kind) == ("x", StepKind.MULTI_ASSET)
    assert [(output.name, output.tags, output.group) for output in step.outputs] == [
        ("x", ("own",), "g"),
        ("y", ("shared",), "g"),
    ]
    assert [output.type_name for output in step.outputs] == ["", "int"]
    assert {output.handler for output in step.outputs} == {HandlerKind.IN_MEMORY}
    assert [(edge.upstream, edge.parameter) for edge in step.edges] == [("b", "b"), ("a", None)]
    assert step.pools == (PoolClaim("db", 2), PoolClaim("api", 1))
    assert bound.asset_by_name["x"] is bound.asset_by_name["y"] is both
    assert "both" not in bound.snapshot.step_by_node


def test_an_empty_multi_asset_contributes_nothing():
    assert bind([rs.Asset.from_multi(list, [])]).snapshot.steps == ()


def test_a_multi_asset_may_share_its_own_name():
    bind([asset("both"), rs.Asset.from_multi(list, [rs.AssetDef("x")], name="both")])


def test_tasks_are_steps_and_no_assets():
    bound = bind([asset("a", "t")], tasks=[rs.Task(name="t")(lambda: 1)])
    assert [(step.key, step.kind) for step in bound.snapshot.steps] == [("t", StepKind.TASK), ("a", StepKind.ASSET)]
    assert bound.snapshot.output_by_node["t"].is_asset is False
    assert list(bound.asset_by_name) == ["a"]


def test_a_task_gives_way_to_an_asset_of_its_name():
    bound = bind([asset("a")], tasks=[rs.Task(name="a")(lambda: 1)])
    assert [step.kind for step in bound.snapshot.steps] == [StepKind.ASSET]


def test_duplicate_names_are_refused():
    text = "duplicate asset name 'a': two definitions register under it"
    refused(AssetDefinitionError, text, [asset("a"), asset("a")])
    refused(AssetDefinitionError, text, [asset("a"), rs.Asset.from_multi(list, [rs.AssetDef("a")])])
    refused(AssetDefinitionError, text, [rs.Asset.from_multi(list, [rs.AssetDef("a"), rs.AssetDef("a")])])


@pytest.mark.parametrize(
    ("assets", "cycle"),
    [
        ([("a", "b"), ("b", "a")], "a -> b -> a"),
        ([("x",), ("a", "c"), ("b", "a", "x"), ("c", "b"), ("y", "c")], "a -> b -> c -> a"),
    ],
)
def test_a_cycle_is_drawn(assets, cycle):
    refused(GraphValidationError, f"Cycle detected in asset graph: {cycle}", [asset(*one) for one in assets])


def test_an_ordering_cycle_is_a_cycle():
    first = asset("a", deps=[rs.AssetDef.dep("b")])
    refused(GraphValidationError, "Cycle detected in asset graph: a -> b -> a", [first, asset("b", "a")])


def test_handlers_by_name():
    handler = pickled()
    bound = bind([asset("a", io_handler="store"), asset("b")], resources={"store": handler})
    assert bound.handler_for("a") is handler
    assert bound.handler_for("b") is None
    assert bound.snapshot.output_by_node["a"].handler == HandlerKind.SHARED


@pytest.mark.parametrize(
    ("handler", "kind"),
    [
        (rs.InMemoryIOHandler(), HandlerKind.IN_MEMORY),
        (rs.PickleIOHandler(store=obstore.store.MemoryStore()), HandlerKind.IN_MEMORY),
        (rs.PickleIOHandler(store=obstore.store.LocalStore()), HandlerKind.SHARED),
        (None, HandlerKind.DEFAULT),
    ],
)
def test_where_values_are_kept(handler, kind):
    assert bind([asset("a", io_handler=handler)]).snapshot.output_by_node["a"].handler == kind


def test_an_edge_may_override_handler_and_metadata():
    handler = pickled()
    edge = rs.AssetDef.input("a", io_handler="store", metadata={"k": "v"})
    bound = bind([asset("a"), asset("b", "a", deps=[edge]), asset("c", "a")], resources={"store": handler})
    assert bound.input_handler_for("b", "a") is handler
    assert bound.input_handler_for("c", "a") is None
    assert bound.input_edge("b", "a").metadata == {"k": "v"}
    assert bound.input_edge("c", "a") is None


@pytest.mark.parametrize("edge", [False, True])
def test_wrong_handler_references_are_refused(edge):
    def declared():
        if edge:
            return [asset("up"), asset("a", "up", deps=[rs.AssetDef.input("up", io_handler="s")])]
        return [asset("a", io_handler="s")]

    story = "Asset 'a': io_handler references resource 's' which"
    refused(AssetDefinitionError, f"{story} is not in resources", declared())
    refused(
        AssetDefinitionError,
        f"{story} does not implement the IOHandler protocol (handle_output + load_input)",
        declared(),
        resources={"s": object()},
    )


def test_named_retries():
    policy = rs.RetryPolicy(5)
    bound = bind([asset("a", retry="often")], retries={"often": policy}, default_retry_policy="often")
    assert bound.snapshot.steps[0].retry == policy.definition
    assert bound.snapshot.default_retry == policy.definition


@pytest.mark.parametrize(
    ("options", "where"),
    [
        ({"assets": [asset("a", retry="x")]}, "referenced by asset 'a'"),
        ({"assets": [], "tasks": [rs.Task(name="t", retry="x")(lambda: 1)]}, "referenced by task 't'"),
        ({"assets": [asset("a")], "jobs": [rs.Job("j", [asset("a")], retry="x")]}, "referenced by job 'j'"),
        ({"assets": [], "default_retry_policy": "x"}, "in default_retry_policy"),
    ],
)
def test_an_unknown_retry_policy_is_refused(options, where):
    text = f"unknown retry policy 'x' {where}; registered: [\"often\"]"
    refused(ConfigurationError, text, retries={"often": rs.RetryPolicy()}, **options)


def test_named_partitions_are_unknown_as_long_as_there_are_none():
    text = "unknown partitions definition 'daily' referenced by 'a'; registered: []"
    refused(ConfigurationError, text, [asset("a", partitions_def="daily")])


def test_executors():
    steps = [asset("a", metadata={"rivers/executor": "in_process"}), asset("b", metadata={"rivers/executor": "nope"})]
    snapshot = bind(steps, default_executor=rs.Executor.kubernetes("image")).snapshot
    assert snapshot.default_executor.kind == ExecutorKind.KUBERNETES
    assert snapshot.steps[0].executor.kind == ExecutorKind.IN_PROCESS
    assert snapshot.steps[1].executor is None, "the step fails when it runs"
    assert bind([]).snapshot.default_executor.kind == ExecutorKind.PARALLEL


def test_a_job_is_a_topological_selection():
    a, b, c = asset("a"), asset("b", "a"), asset("c", "b")
    task = rs.Task(name="t")(lambda c: 1)
    jobs = [rs.Job("all", [c, task, b, a, a], executor=rs.Executor.in_process(), retry=rs.RetryPolicy(3))]
    (job,) = bind([a, b, c], tasks=[task], jobs=jobs).snapshot.jobs
    assert job.steps == ("a", "b", "c", "t")
    assert job.executor.kind == ExecutorKind.IN_PROCESS
    assert job.retry.max_retries == 3


def test_duplicate_job_names_are_refused():
    a = asset("a")
    refused(GraphValidationError, "Duplicate job name: 'j'", [a], jobs=[rs.Job("j", [a]), rs.Job("j", [a])])


def test_a_job_names_what_is_registered():
    error = refused(
        NodeNotFoundError, "Job 'j': node 'b' not found in repository", [asset("a")], jobs=[rs.Job("j", [asset("b")])]
    )
    assert (error.job, error.node) == ("j", "b")


def test_a_broken_chain_is_refused():
    a, b, c = asset("a"), asset("b", "a"), asset("c")
    text = (
        "Job 'broken': node 'b' depends on 'a' which is not in the job. "
        "Add it to the job or set allow_incomplete_deps=True"
    )
    refused(GraphValidationError, text, [a, b, c], jobs=[rs.Job("broken", [b, c])])
    bind([a, b, c], jobs=[rs.Job("ok", [a, c])])


def test_an_incomplete_job_needs_an_explicit_handler():
    b = asset("b", "a")
    text = "Job 'j': node 'b' depends on 'a' which is not in the job and has no io_handler"
    refused(GraphValidationError, text, [asset("a"), b], jobs=[rs.Job("j", [b], allow_incomplete_deps=True)])
    for handler in (pickled(), rs.InMemoryIOHandler()):
        bind([asset("a", io_handler=handler), b], jobs=[rs.Job("j", [b], allow_incomplete_deps=True)])


def test_an_ordering_edge_of_an_incomplete_job_needs_nothing():
    b = asset("b", deps=[rs.AssetDef.dep("a")])
    bind([asset("a"), b], jobs=[rs.Job("j", [b], allow_incomplete_deps=True)])


def test_pool_limits_are_part_of_the_snapshot():
    assert bind([], pool_limits={"b": 2, "a": 1}).snapshot.pool_limits == (("a", 1), ("b", 2))


def test_ten_thousand_assets_bind_in_less_than_a_second():
    assets = [asset(f"a{n}", *([f"a{n - 7}", f"a{n - 3}"] if n >= 7 else [])) for n in range(10_000)]
    started = time.process_time()
    assert len(bind(assets).snapshot.steps) == 10_000
    assert time.process_time() - started < 2.0, "0.3 s on an idle machine; far more means that it is quadratic"
