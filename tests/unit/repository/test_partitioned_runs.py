"""Runs with a partition key, in both executors: what is refused, what a step is told, loads and records."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from obstore.store import LocalStore

import rivers as rs
from rivers.exceptions import (
    ConfigurationError,
    ExecutionError,
    PartitionDefinitionError,
    PartitionValidationError,
)

Defs, Map, Range = rs.PartitionsDefinition, rs.PartitionMapping, rs.PartitionKeyRange
key, multi = rs.PartitionKey.single, rs.PartitionKey.multi
JAN = datetime(2024, 1, 1)
AB, ABC, XY = Defs.static_(["a", "b"]), Defs.static_(["a", "b", "c"]), Defs.static_(["x", "y"])
DAYS = Defs.daily(JAN, end=datetime(2024, 1, 6))
GRID = Defs.multi({"date": DAYS, "region": AB})


class Telling(rs.BaseIOHandler):
    """Keeps nothing: what it stores and loads is what it was told."""

    log: str

    def handle_output(self, context, obj):
        self._note("store", context)

    def load_input(self, context):
        self._note("load", context)
        return None if context.partition is None else [str(key) for key in context.partition.keys]

    def _note(self, verb, context):
        keys = None if context.partition is None else [str(key) for key in context.partition.keys]
        definition = None if context.partition is None else repr(context.partition.definition)
        with open(self.log, "a") as log:
            log.write(json.dumps([verb, context.asset_name, keys, definition]) + "\n")

    def notes(self):
        with open(self.log) as log:
            return [tuple(json.loads(line)) for line in log]


@pytest.fixture
def handler(tmp_path):
    return Telling(log=str(tmp_path / "log"))


@pytest.fixture(params=["in_process", "parallel"])
def executor(request):
    return rs.Executor.in_process() if request.param == "in_process" else rs.Executor.parallel(max_workers=1)


def keys_of(context: rs.AssetExecutionContext):
    return [str(key) for key in context.partition.keys]


def asset(name, partitions=None, function=keys_of, **options):
    return rs.Asset(name=name, partitions_def=partitions, **options)(function)


def repository(*assets, **options):
    options.setdefault("default_executor", rs.Executor.in_process())
    return rs.CodeRepository(assets=list(assets), **options)


def events(repo, run, *types):
    found = repo.storage.get_events_for_run(run.run_id)
    return [
        (event.event_type, event.asset_key, None if event.partition_key is None else str(event.partition_key))
        for event in found
        if not types or event.event_type in types
    ]


# -- what is refused ------------------------------------------------------------------------------------------------


def test_a_partitioned_asset_needs_a_key_and_no_run_is_recorded():
    repo = repository(asset("p", AB), asset("u", function=lambda: 1))
    with pytest.raises(ExecutionError) as caught:
        repo.materialize()
    assert str(caught.value) == (
        'Cannot materialize without partition_key: assets ["p"] have partition definitions. '
        "Provide a partition_key or exclude them from selection."
    )
    assert repo.storage.get_runs() == []
    assert repo.materialize(["u"]).success


@pytest.mark.parametrize(
    ("given", "near"),
    [(key("c"), "'a', 'b'"), (key(["a", "c"]), "'a', 'b'"), (multi({"d": "a"}), "'a', 'b'")],
)
def test_a_key_that_is_none_is_refused_with_the_nearest(given, near):
    repo = repository(asset("p", AB))
    with pytest.raises(ExecutionError) as caught:
        repo.materialize(partition_key=given)
    assert str(caught.value) == (
        f"Invalid partition_key '{given}' for asset 'p': not a member of its partition definition."
    )
    assert near in caught.value.remedy
    assert repo.storage.get_runs() == []


def test_a_key_has_to_be_valid_for_every_selected_asset():
    repo = repository(asset("p", AB), asset("q", ABC))
    with pytest.raises(ExecutionError, match="Invalid partition_key 'c' for asset 'p'"):
        repo.materialize(partition_key=key("c"))
    assert repo.materialize(["q"], partition_key=key("c")).success
    assert repo.materialize(partition_key=key("b")).materialized_assets == ["p", "q"]


def test_a_job_runs_without_a_key_and_refuses_a_wrong_one():
    told = asset("p", AB, function=_partition_of)
    repo = repository(told, jobs=[rs.Job("j", [told])])
    job = repo.get_job("j")
    run = job.execute()
    assert run.success
    assert events(repo, run, "Materialization") == [("Materialization", "p", None)]
    with pytest.raises(PartitionValidationError, match=r"^Partition key c is not valid for node 'p'"):
        job.execute(partition_key=key("c"))
    assert events(repo, job.execute(partition_key=key("b")), "Materialization") == [("Materialization", "p", "b")]


def _partition_of(context: rs.AssetExecutionContext):
    return context.partition


def test_dynamic_keys_are_checked_against_the_storage():
    customers = Defs.dynamic("customers")
    repo = repository(asset("p", customers), asset("m", Defs.multi({"c": customers, "r": AB})))
    with pytest.raises(ExecutionError) as caught:
        repo.materialize(["p"], partition_key=key("acme"))
    assert str(caught.value) == (
        "Invalid partition_key 'acme' for asset 'p': not a registered dynamic partition key of namespace 'customers'. "
        'Register it with add_dynamic_partitions("customers", [...]) first.'
    )
    with pytest.raises(ExecutionError, match="Invalid partition_key 'c=acme' for asset 'p': not a member"):
        repo.materialize(["p"], partition_key=multi({"c": "acme"}))
    with pytest.raises(ExecutionError, match="Invalid partition_key 'acme' for asset 'm': not a member"):
        repo.materialize(["m"], partition_key=key("acme"))
    repo.storage.add_dynamic_partitions("customers", ["acme", "b"])
    assert repo.materialize(["p"], partition_key=key(["acme", "b"])).success
    assert repo.materialize(["m"], partition_key=multi({"c": "acme", "r": "a"})).success
    with pytest.raises(ExecutionError, match="Invalid partition_key 'zz' for asset 'm': not a registered"):
        repo.materialize(["m"], partition_key=multi({"c": ["acme", "zz"], "r": "a"}))
    repo.storage.delete_dynamic_partition("customers", "acme")
    with pytest.raises(ExecutionError, match="not a registered"):
        repo.materialize(["p"], partition_key=key("acme"))
    assert repo.storage.get_materialized_partitions("p") == [key("acme"), key("b")]


def test_an_unpartitioned_node_fails_in_a_run_with_a_key(executor):
    repo = repository(
        asset("u", function=_one),
        asset("p", AB),
        rs.Asset(name="v")(lambda u: u),
        tasks=[rs.Task(name="t")(_one)],
        default_executor=executor,
    )
    run = repo.materialize(partition_key=key("a"), raise_on_error=False)
    refusal = "PartitionValidationError: Node '{}' is not partitioned, but a partition_key was provided"
    assert dict(run.failed_assets) == {
        "u": refusal.format("u"),
        "t": refusal.format("t"),
        "v": "ExecutionError: Skipped: upstream dependency failed",
    }
    assert run.materialized_assets == ["p"]
    with pytest.raises(PartitionValidationError, match="Node 'u' is not partitioned, but a partition_key was provided"):
        repo.materialize(["u"], partition_key=key("a"))


def _one():
    return 1


# -- what a step is told --------------------------------------------------------------------------------------------


def test_a_batched_key_is_one_call_and_one_materialization_for_each_partition(executor, tmp_path):
    store = rs.PickleIOHandler(store=LocalStore(str(tmp_path)))
    repo = repository(asset("p", AB, io_handler=store), default_executor=executor)
    run = repo.materialize(partition_key=key(["b", "a", "b"]))
    assert events(repo, run) == [
        ("StepStart", "p", "b,a,b"),
        ("Materialization", "p", "b"),
        ("Materialization", "p", "a"),
        ("StepSuccess", "p", "b,a,b"),
    ]
    assert repo.load_node("p", partition_key=key("b")) == ["b", "a"]
    with pytest.raises(FileNotFoundError):
        repo.load_node("p", partition_key=key("a"))
    assert repo.storage.get_run(run.run_id).partition_key == key(["b", "a", "b"])
    assert repo.storage.get_materialized_partitions("p") == [key("a"), key("b")]
    assert repo.storage.count_materialized_partitions("p") == 2
    latest = repo.storage.get_latest_materialization("p", "a")
    assert (latest.run_id, latest.partition_key) == (run.run_id, key("a"))
    assert repo.storage.get_latest_materialization("p", "c") is None


def test_values_of_several_dimensions_make_a_product(executor):
    repo = repository(asset("p", GRID), default_executor=executor)
    run = repo.materialize(partition_key=multi({"date": ["2024-01-01", "2024-01-02"], "region": ["a", "b"]}))
    assert [partition for _, _, partition in events(repo, run, "Materialization")] == [
        "date=2024-01-01|region=a",
        "date=2024-01-01|region=b",
        "date=2024-01-02|region=a",
        "date=2024-01-02|region=b",
    ]
    assert repo.storage.count_materialized_partitions("p") == 4
    assert repo.storage.get_latest_materialization("p", "date=2024-01-02|region=a").run_id == run.run_id


def test_a_context_shows_the_partition():
    seen = []

    def look(context: rs.AssetExecutionContext):
        seen.append((context.has_partition_key, context.partition_time_window, context.partition.definition))
        return context.partition_key

    repo = repository(asset("p", DAYS, look))
    repo.materialize(partition_key=key("2024-01-03"))
    assert seen == [(True, (datetime(2024, 1, 3), datetime(2024, 1, 4)), DAYS)]
    assert repo.load_node("p", partition_key=key("2024-01-03")) == "2024-01-03"
    with pytest.raises(PartitionValidationError, match="partition_key is ambiguous for a batched"):
        repo.materialize(partition_key=key(["2024-01-03", "2024-01-04"]))


def test_a_task_has_partitions_like_an_asset():
    def work(context: rs.TaskExecutionContext):
        return context.partition_key

    repo = repository(tasks=[rs.Task(name="t", partitions_def=AB)(work)])
    with pytest.raises(ExecutionError, match=r'assets \["t"\] have partition definitions'):
        repo.materialize()
    assert repo.materialize(partition_key=key("b")).success
    assert repo.load_node("t", partition_key=key("b")) == "b"


def test_a_self_dependency_is_that_of_the_partition():
    @rs.Asset(partitions_def=AB)
    def total(self: rs.SelfDependency[int]):
        return (self.get_inner() or 0) + 1

    repo = repository(total)
    for given in ("a", "a", "b"):
        repo.materialize(partition_key=key(given))
    assert [repo.load_node("total", partition_key=key(one)) for one in "ab"] == [2, 1]


def test_load_node_without_a_key_loads_without_a_partition():
    repo = repository(asset("p", AB), asset("u", function=_one))
    repo.materialize(["p"], partition_key=key("a"))
    with pytest.raises(KeyError, match="'p'"):
        repo.load_node("p")
    with pytest.raises(PartitionValidationError, match="Node 'u' is not partitioned, but a partition_key was provided"):
        repo.load_node("u", partition_key=key("a"))


def test_the_suffix_of_a_stored_partition():
    handler = rs.InMemoryIOHandler()
    repo = repository(asset("p", Defs.multi({"d": XY, "b": XY}), function=lambda: 7, io_handler=handler))
    repo.materialize(partition_key=multi({"d": "x", "b": ["y", "x"]}))
    repo.materialize(partition_key=multi({"d": "y", "b": "x"}))
    assert sorted(handler._storage) == ["p/b=x/d=y", "p/b=y/d=x"]


# -- failures -------------------------------------------------------------------------------------------------------


def test_a_batched_step_that_fails_is_recorded_on_its_key_and_once_without(executor):
    repo = repository(asset("p", AB, _fail), default_executor=executor)
    batched = repo.materialize(partition_key=key(["a", "b"]), raise_on_error=False)
    assert events(repo, batched, "StepFailure") == [("StepFailure", "p", "a,b"), ("StepFailure", "p", None)]
    single = repo.materialize(partition_key=key("a"), raise_on_error=False)
    assert events(repo, single, "StepFailure") == [("StepFailure", "p", "a")]
    assert repo.storage.get_materialized_partitions("p") == []


def test_an_output_that_a_failed_batched_step_has_stored_succeeded_once(executor):
    repo = repository(_one_of_two(), default_executor=executor)
    run = repo.materialize(partition_key=key(["a", "b"]), raise_on_error=False)
    assert run.materialized_assets == ["x"]
    assert events(repo, run, "StepSuccess", "StepFailure") == [
        ("StepSuccess", "x", "a,b"),
        ("StepFailure", "y", "a,b"),
        ("StepFailure", "y", None),
    ]
    told = [event.event_type for event in repo.storage.get_events_for_asset("x")]
    assert told == ["StepSuccess", "Materialization", "Materialization", "StepStart"]


def _one_of_two():
    names = [rs.AssetDef(name, partitions_def=AB) for name in ("x", "y")]
    return rs.Asset.from_multi(_only_x, names, name="m")


def _only_x():
    return {"x": 1}


def _fail():
    raise ValueError("no")


def test_a_marked_partition_fails_alone(executor):
    repo = repository(asset("p", ABC, _mark), default_executor=executor)
    run = repo.materialize(partition_key=key(["a", "b", "c"]))
    assert run.success
    assert repo.storage.get_run(run.run_id).status == "Success"
    assert events(repo, run, "Materialization", "PartitionFailure") == [
        ("Materialization", "p", "a"),
        ("PartitionFailure", "p", "b"),
        ("Materialization", "p", "c"),
    ]
    (failed,) = [e for e in repo.storage.get_events_for_run(run.run_id) if e.event_type == "PartitionFailure"]
    assert failed.metadata == [("error", "no data")]
    assert repo.storage.get_materialized_partitions("p") == [key("a"), key("c")]


def _mark(context: rs.AssetExecutionContext):
    context.mark_partition_failed(key("b"), "no data")
    return 1


@pytest.mark.parametrize(("partitions", "given"), [(ABC, key(["a", "c"])), (None, None)])
def test_only_a_partition_of_the_step_can_be_marked(partitions, given):
    repo = repository(asset("p", partitions, _mark))
    with pytest.raises(ExecutionError, match="partition key b is not in this context's partition keys"):
        repo.materialize(partition_key=given)


# -- what a step loads ----------------------------------------------------------------------------------------------

LOADS = [
    (None, ABC, ABC, key("a"), ["a"]),
    (None, ABC, ABC, key(["a", "b"]), ["a", "b"]),
    (Map.identity(), ABC, ABC, key("a"), ["a"]),
    (Map.all_partitions(), None, ABC, None, None),
    (Map.all_partitions(), ABC, XY, key("a"), ["a"]),
    (Map.static_({"a": "x", "b": "y"}), ABC, XY, key("a"), ["x"]),
    (Map.static_({"a": "x"}), ABC, Defs.static_(["c", "x"]), key("c"), ["c"]),
    (Map.specific_partitions(["a", "c"]), None, ABC, None, ["a,c"]),
    (Map.time_window(-1), DAYS, DAYS, key("2024-01-02"), ["2024-01-01"]),
    (Map.time_window(1), DAYS, DAYS, key("2024-01-02"), ["2024-01-03"]),
    (Map.for_keys([key("a")]), ABC, None, key("a"), None),
    (Map.for_keys([Range.single("a", "b")]), ABC, None, key("b"), None),
    (Map.subset(), ABC, AB, key("a"), ["a"]),
    (
        Map.multi({"date": Map.time_window(-1), "region": Map.identity()}),
        GRID,
        GRID,
        multi({"date": "2024-01-02", "region": "a"}),
        ["date=2024-01-01|region=a"],
    ),
    (Map.multi_to_single("date"), DAYS, GRID, key("2024-01-02"), ["date=2024-01-02|region=a,b"]),
    (Map.multi_to_single("region", Map.static_({"x": "a"})), XY, GRID, key("x"),
     ["date=2024-01-01,2024-01-02,2024-01-03,2024-01-04,2024-01-05|region=a"]),
]  # fmt: skip


@pytest.mark.parametrize(("mapping", "downstream", "upstream", "given", "loaded"), LOADS)
def test_a_step_loads_the_image_of_its_partition(handler, executor, mapping, downstream, upstream, given, loaded):
    up = asset("up", upstream, _one, io_handler=handler)
    edge = rs.AssetDef.input("up", partition_mapping=mapping)
    down = asset("down", downstream, _take, deps=[edge], io_handler=handler)
    repo = repository(up, down, default_executor=executor)
    assert down.partition_mapping == (None if mapping is None else {"up": mapping})
    assert repo.materialize(["down"], partition_key=given).success
    own = None if given is None else [str(one) for one in given.expand()]
    assert handler.notes() == [
        ("load", "up", loaded, None if loaded is None else repr(upstream)),
        ("store", "down", own, None if own is None else repr(downstream)),
    ]


def _take(up):
    return up


@pytest.mark.parametrize(
    ("mapping", "upstream", "given"),
    [
        (Map.for_keys([key("a")]), None, key("b")),
        (Map.subset(), AB, key("c")),
        (Map.subset(), AB, key(["a", "c"])),
    ],
)
def test_without_an_image_nothing_is_loaded(handler, executor, mapping, upstream, given):
    up = asset("up", upstream, _one, io_handler=handler)
    down = asset("down", ABC, _is_none, deps=[rs.AssetDef.input("up", partition_mapping=mapping)])
    repo = repository(up, down, default_executor=executor)
    assert repo.materialize(["down"], partition_key=given).success
    assert repo.load_node("down", partition_key=given) is True


def _is_none(up: list | None):
    return up is None


@pytest.mark.parametrize("mapping", [None, Map.all_partitions()])
def test_loading_an_unpartitioned_upstream_fails_the_step(handler, executor, mapping):
    up = asset("up", None, _one, io_handler=handler)
    down = asset("down", AB, _take, deps=[rs.AssetDef.input("up", partition_mapping=mapping)])
    repo = repository(up, down, default_executor=executor)
    with pytest.raises(
        PartitionValidationError, match="Node 'up' is not partitioned, but a partition_key was provided"
    ):
        repo.materialize(["down"], partition_key=key("a"))


def test_an_edge_that_only_orders_loads_nothing(handler):
    up = asset("up", None, _one, io_handler=handler)
    down = asset("down", AB, deps=[rs.AssetDef.dep("up")])
    assert repository(up, down).materialize(["down"], partition_key=key("a")).success


def test_a_window_before_the_first_fails_the_step(handler):
    up = asset("up", DAYS, _one, io_handler=handler)
    down = asset("down", DAYS, _take, deps=[rs.AssetDef.input("up", partition_mapping=Map.time_window(-1))])
    repo = repository(up, down)
    with pytest.raises(PartitionValidationError) as caught:
        repo.materialize(["down"], partition_key=key("2024-01-01"))
    assert str(caught.value) == (
        "Asset 'down' depends on 'up': time_window(offset=-1) maps '2024-01-01' outside the partition range "
        "[2024-01-01T00:00:00, 2024-01-06T00:00:00)"
    )


def test_a_task_maps_the_partitions_that_it_reads(handler):
    up = asset("up", AB, _one, io_handler=handler)
    reading = rs.Task(name="t", partition_mapping={"up": Map.all_partitions()})(_take)
    assert repository(up, tasks=[reading]).materialize(["t"]).success
    assert handler.notes() == [("load", "up", None, None)]


def test_every_registered_key_of_a_dynamic_dimension_is_read(handler, executor):
    cells = Defs.multi({"date": DAYS, "customer": Defs.dynamic("customers")})
    up = asset("up", cells, _one, io_handler=handler)
    down = asset("down", DAYS, _take, deps=[rs.AssetDef.input("up", partition_mapping=Map.multi_to_single("date"))])
    repo = repository(up, down, default_executor=executor)
    repo.storage.add_dynamic_partitions("customers", ["y", "x"])
    repo.materialize(["down"], partition_key=key("2024-01-02"))
    assert handler.notes()[0] == ("load", "up", ["customer=x,y|date=2024-01-02"], repr(cells))


def test_values_of_earlier_windows_are_found():
    @rs.Asset(partitions_def=DAYS)
    def up(context: rs.AssetExecutionContext):
        return context.partition_key

    @rs.Asset(partitions_def=DAYS, deps=[rs.AssetDef.input("up", partition_mapping=Map.time_window(-1))])
    def down(up):
        return f"after {up}"

    repo = repository(up, down)
    repo.materialize(["up"], partition_key=key("2024-01-01"))
    repo.materialize(partition_key=key("2024-01-02"))
    assert repo.load_node("down", partition_key=key("2024-01-02")) == "after 2024-01-01"


# -- definitions ----------------------------------------------------------------------------------------------------


def test_a_definition_may_go_by_name():
    by_name = asset("p", "letters")
    assert by_name.partitions_def == "letters"
    repo = repository(
        by_name,
        rs.Asset.from_multi(_both, [rs.AssetDef("x", partitions_def="letters")], name="m"),
        tasks=[rs.Task(name="t", partitions_def="letters")(_one)],
        partition_defs={"letters": AB},
    )
    snapshot = repo.bound.snapshot
    assert [output.partitions for step in snapshot.steps for output in step.outputs] == [AB, AB, AB]


@pytest.mark.parametrize("kind", ["asset", "task", "task of a graph", "multi", "output", "output that is overridden"])
def test_an_unknown_name_is_refused(kind):
    assets, tasks = [], []
    if kind == "asset":
        assets = [asset("p", "leters")]
    elif kind == "task":
        tasks = [rs.Task(name="p", partitions_def="leters")(_one)]
    elif kind == "task of a graph":
        task = rs.Task(name="p", partitions_def="leters")(_one)
        assets, tasks = [rs.Asset.from_graph(lambda: task(), name="g")], [task]
    elif kind == "multi":
        assets = [rs.Asset.from_multi(_both, [rs.AssetDef("x")], name="p", partitions_def="leters")]
    else:
        own = "letters" if kind == "output that is overridden" else None
        outputs = [rs.AssetDef("p", partitions_def="leters")]
        assets = [rs.Asset.from_multi(_both, outputs, name="m", partitions_def=own)]
    with pytest.raises(ConfigurationError) as caught:
        repository(*assets, tasks=tasks, partition_defs={"letters": AB, "days": DAYS}).validate()
    assert str(caught.value) == (
        "unknown partitions definition 'leters' referenced by 'p'; registered: [\"letters\", \"days\"]"
    )
    assert caught.value.remedy == "did you mean 'letters'?"


@pytest.mark.parametrize("definition", [Defs.Static([]), Defs.Static(["a|b"]), Defs.TimeWindow(None, None, JAN)])
def test_definitions_are_checked_again_at_resolve(definition):
    with pytest.raises(PartitionDefinitionError):
        repository(asset("p", definition)).resolve()
    with pytest.raises(PartitionDefinitionError):
        repository(partition_defs={"p": definition}).resolve()


def test_a_dependency_that_does_not_fit_is_refused_at_resolve():
    repo = repository(asset("up", AB), asset("down", ABC, _take))
    with pytest.raises(PartitionValidationError) as caught:
        repo.resolve()
    assert str(caught.value) == (
        "Asset 'down' depends on 'up': Identity mapping requires every downstream key to exist upstream; "
        "missing upstream: c"
    )


def test_a_strategy_is_kept():
    strategy = rs.BackfillStrategy.single_run()
    repo = repository(asset("p", AB, backfill_strategy=strategy))
    assert repo.assets["p"].backfill_strategy is strategy
    assert repo.bound.snapshot.output_by_node["p"].backfill_strategy == strategy


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"partitions_def": 3}, "partitions_def must be a PartitionsDefinition, a str or None, not int"),
        ({"backfill_strategy": "x"}, "backfill_strategy must be a BackfillStrategy or None, not str"),
    ],
)
def test_other_types_are_refused(options, text):
    with pytest.raises(TypeError, match=text):
        rs.Asset(**options)(_one)


# -- multi-assets ---------------------------------------------------------------------------------------------------


def outputs(*definitions, **options):
    defs = [rs.AssetDef(name, partitions_def=definition) for name, definition in zip("xyz", definitions, strict=False)]
    return rs.Asset.from_multi(_both, defs, name="m", **options)


def _both():
    return {"x": 1, "y": 2}


def test_outputs_have_partitions_of_one_kind_with_a_key_in_common():
    with pytest.raises(ValueError, match="Multi-asset output") as caught:
        repository(outputs(AB, DAYS)).resolve()
    assert str(caught.value) == (
        "Multi-asset output 'x' has Static partitions but 'y' has TimeWindow partitions. "
        "All outputs must use the same partition type."
    )
    with pytest.raises(ValueError, match="Multi-asset outputs 'x' and 'y' have no overlapping partition keys"):
        repository(outputs(AB, XY)).resolve()
    repository(outputs(AB, XY, partitions_def=ABC)).resolve()


def test_a_key_that_one_output_lacks_is_refused_for_it():
    repo = repository(outputs(AB, ABC))
    with pytest.raises(ExecutionError, match="Invalid partition_key 'c' for asset 'x'"):
        repo.materialize(partition_key=key("c"))
    assert repo.materialize(["y"], partition_key=key("c")).materialized_assets == ["y"]
    assert repo.materialize(partition_key=key("b")).materialized_assets == ["x", "y"]
    assert repo.storage.get_materialized_partitions("y") == [key("b"), key("c")]


def test_a_mapping_of_an_output_names_what_it_depends_on():
    up = asset("up", AB)
    one = rs.AssetDef("x", partition_mapping={"up": Map.all_partitions()})
    made = rs.Asset.from_multi(lambda up: {"x": up}, [one], name="m")
    assert one.partition_mapping == {"up": Map.all_partitions()}
    snapshot = repository(up, made).bound.snapshot
    assert snapshot.step_by_node["x"].edges[0].mapping == Map.all_partitions()
    wrong = rs.AssetDef("x", partition_mapping={"upp": Map.all_partitions()})
    with pytest.raises(PartitionValidationError, match="partition_mapping names 'upp', on which it does not depend"):
        repository(up, rs.Asset.from_multi(lambda up: {"x": up}, [wrong], name="m")).resolve()
