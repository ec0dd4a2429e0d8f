"""Plans of jobs and of selections."""

import obstore.store
import pytest

import rivers as rs
from rivers.daemon.facts import dependencies_of
from rivers.definitions.binding import bind
from rivers.definitions.kinds import ExecutorKind
from rivers.exceptions import AssetNotFoundError, GraphValidationError, JobNotFoundError, NodeNotFoundError
from rivers.planning.build import plan_job, plan_selection
from rivers.planning.plan import Placement


def asset(name, *upstreams, **options):
    namespace: dict = {}
    exec(f"def function({', '.join(upstreams)}): ...", namespace)
    return rs.Asset(name=name, **options)(namespace["function"])


def pickled():
    return rs.PickleIOHandler(store=obstore.store.LocalStore())


A, B, C = asset("a", retry=rs.RetryPolicy(7)), asset("b", "a"), asset("c", "b", deps=[rs.AssetDef.dep("a")])


def snapshot(*assets, **options):
    return bind(list(assets) or [C, B, A], **options).snapshot


def edges(step):
    return [(edge.node, edge.producer, edge.parameter) for edge in step.edges]


def test_everything_is_planned_in_topological_order():
    plan = plan_selection(snapshot(), None)
    assert plan.nodes == ("a", "b", "c")
    assert [step.key for step in plan.steps] == ["a", "b", "c"]
    assert [edges(step) for step in plan.steps] == [[], [("a", 0, "a")], [("b", 1, "b"), ("a", 0, None)]]
    assert (plan.job, plan.location, plan.digest) == (None, "", "")


def test_a_selection_is_a_set_in_topological_order():
    plan = plan_selection(snapshot(), ["b", "a", "b"])
    assert plan.nodes == ("a", "b")
    assert plan_selection(snapshot(), []).steps == ()


def test_upstreams_are_added_on_request():
    plan = plan_selection(snapshot(), ["c"], include_upstream=True)
    assert plan.nodes == ("a", "b", "c")


def test_an_upstream_outside_needs_a_handler_of_its_own():
    with pytest.raises(GraphValidationError) as caught:
        plan_selection(snapshot(), ["b"])
    assert str(caught.value) == (
        "Job '<materialize>': node 'b' depends on 'a' which is not in the job and has no io_handler"
    )
    stored = snapshot(asset("a", io_handler=pickled()), asset("b", "a"))
    assert edges(plan_selection(stored, ["b"]).steps[0]) == [("a", None, "a")]


def test_an_upstream_that_only_orders_needs_nothing():
    plan = plan_selection(snapshot(A, asset("z", deps=[rs.AssetDef.dep("a")])), ["z"])
    assert edges(plan.steps[0]) == [("a", None, None)]


def test_an_unknown_asset_is_refused_with_the_nearest_one():
    with pytest.raises(AssetNotFoundError) as caught:
        plan_selection(snapshot(asset("orders")), ["order"])
    assert str(caught.value) == "Selection contains unknown asset: 'order'"
    assert caught.value.remedy == "did you mean 'orders'?"
    assert caught.value.asset == "order"


def test_an_unknown_job_is_refused_with_the_nearest_one():
    with pytest.raises(JobNotFoundError) as caught:
        plan_job(snapshot(A, jobs=[rs.Job("nightly", [A])]), "nighty")
    assert str(caught.value) == "Job 'nighty' not found"
    assert caught.value.remedy == "did you mean 'nightly'?"
    assert isinstance(caught.value, NodeNotFoundError)
    assert isinstance(caught.value, ValueError)


def test_a_name_that_resembles_nothing_is_answered_with_what_there_is():
    with pytest.raises(JobNotFoundError) as caught:
        plan_job(snapshot(A), "x")
    assert caught.value.remedy == "there are no jobs"
    with pytest.raises(AssetNotFoundError) as caught:
        plan_selection(snapshot(*(asset(f"a{n}") for n in range(7))), ["zzz"])
    assert caught.value.remedy == "the assets are 'a0', 'a1', 'a2', 'a3', 'a4' and 2 more"


def test_a_job_is_planned_with_its_own_settings():
    jobs = [rs.Job("j", [A, B], executor=rs.Executor.in_process(), retry=rs.RetryPolicy(2))]
    plan = plan_job(snapshot(A, B, C, jobs=jobs), "j", location="here", config={"assets": {}})
    assert (plan.job, plan.location, plan.config) == ("j", "here", {"assets": {}})
    assert len(plan.digest) == 64
    assert plan.executor.kind == ExecutorKind.IN_PROCESS
    assert [step.retry.max_retries for step in plan.steps] == [7, 2], "the nearest policy wins"
    assert {step.location for step in plan.steps} == {"here"}


def test_runs_of_a_job_share_their_steps():
    definitions = snapshot(A, jobs=[rs.Job("j", [A])])
    assert plan_job(definitions, "j").steps is plan_job(definitions, "j", config={"a": 1}).steps
    assert plan_job(definitions, "j").steps is not plan_job(definitions, "j", location="there").steps


def test_the_repositorys_policy_is_the_last_resort():
    definitions = snapshot(A, B, default_retry_policy=rs.RetryPolicy(4))
    assert [step.retry.max_retries for step in plan_selection(definitions, None).steps] == [7, 4]
    given = plan_selection(definitions, None, retry=rs.RetryPolicy(1).definition)
    assert [step.retry.max_retries for step in given.steps] == [7, 1]


def test_a_multi_asset_can_be_narrowed():
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y", io_handler=pickled())])
    def both(): ...

    definitions = snapshot(both, asset("use_x", "x"), asset("use_y", "y"))
    plan = plan_selection(definitions, ["x", "use_x", "use_y"])
    assert [[output.node for output in step.outputs] for step in plan.steps] == [["x"], ["use_x"], ["use_y"]]
    assert edges(plan.steps[2]) == [("y", None, "y")], "an output that the run does not want is loaded from outside"
    with pytest.raises(AssetNotFoundError, match="'both'"):
        plan_selection(definitions, ["both"])
    whole = plan_selection(definitions, ["use_x", "use_y"], include_upstream=True)
    assert [output.node for output in whole.steps[0].outputs] == ["x", "y"]


def test_what_only_one_output_comes_after_matters_to_that_one():
    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y", deps=[rs.AssetDef.dep("only_y")])])
    def both(read): ...

    definitions = snapshot(both, asset("read", io_handler=pickled()), asset("only_y"), asset("use_x", "x"))
    assert plan_selection(definitions, ["x"], include_upstream=True).nodes == ("read", "x")
    assert edges(plan_selection(definitions, ["x"]).steps[0]) == [("read", None, "read")]
    (step,) = plan_selection(definitions, ["x", "y"]).steps
    assert edges(step) == [("read", None, "read"), ("only_y", None, None)]
    assert (step.lineage_of("x"), step.lineage_of("y")) == (["read"], ["read", "only_y"])
    assert (dependencies_of(definitions, "x"), dependencies_of(definitions, "y")) == (("read",), ("read", "only_y"))
    assert plan_selection(definitions, ["use_x", "y"], include_upstream=True).nodes[-3:] == ("x", "y", "use_x")


def test_what_shares_memory_shares_the_home_process():
    memory = rs.InMemoryIOHandler()
    definitions = snapshot(
        asset("a", io_handler=memory),
        asset("b", "a", io_handler=pickled()),
        asset("c", "b"),
        asset("d", metadata={"rivers/executor": "in_process"}),
        asset("e", deps=[rs.AssetDef.dep("a")]),
    )
    places = {step.key: step.placement for step in plan_selection(definitions, None).steps}
    assert places == {
        "a": Placement.HOME,
        "b": Placement.HOME,
        "c": Placement.ANY_WORKER,
        "d": Placement.HOME,
        "e": Placement.ANY_WORKER,
    }
    home = plan_selection(snapshot(A, B, default_executor=rs.Executor.in_process()), None)
    assert {step.placement for step in home.steps} == {Placement.HOME}


def test_an_executor_of_the_launch_beats_the_default():
    plan = plan_selection(snapshot(A), None, executor=rs.Executor.in_process().definition)
    assert plan.executor.kind == ExecutorKind.IN_PROCESS
    assert plan.steps[0].placement == Placement.HOME


def multi(*outputs):
    return rs.Asset.from_multi(list, list(outputs), name="multi")


@pytest.mark.parametrize(
    ("wanted", "claims"),
    [
        (None, [("db", 3), ("api", 1)]),
        (["x"], [("db", 1)]),
        (["y", "x"], [("db", 3), ("api", 1)]),
        (["z"], []),
    ],
)
def test_a_multi_asset_claims_for_the_outputs_that_are_wanted(wanted, claims):
    outputs = (
        rs.AssetDef("x", pool="db"),
        rs.AssetDef("y", pool=["db", "api"], pool_slots={"db": 3}),
        rs.AssetDef("z"),
    )
    (step,) = plan_selection(snapshot(multi(*outputs)), wanted).steps
    assert [(claim.pool, claim.slots) for claim in step.pools] == claims
