"""Snapshots and plans come back as they were."""

import subprocess
import sys

import pytest
from hypothesis import given

from rivers.definitions.kinds import StepKind
from rivers.definitions.snapshot import OutputDefinition, Snapshot, StepDefinition
from rivers.planning.plan import PlannedStep, RunPlan, StepId
from rivers.v1 import automation_pb2, identity_pb2, plan_pb2
from rivers.wire import conditions, definitions, identity, plans
from tests.unit.wire import strategies as some


def over_the_wire(message):
    return type(message).FromString(message.SerializeToString())


def sent(snapshot: Snapshot) -> Snapshot:
    parts = [over_the_wire(part) for part in definitions.encode_snapshot(snapshot)]
    assert [part.WhichOneof("part") for part in parts] == ["header"] + ["slice"] * (len(parts) - 1)
    return definitions.decode_snapshot(parts[0].header, [part.slice for part in parts[1:]])


@given(some.snapshots)
def test_a_snapshot_survives_the_wire(snapshot):
    received = sent(snapshot)
    assert received == snapshot
    assert (received.module, received.repository) == (snapshot.module, snapshot.repository)
    assert received.digest == snapshot.digest
    assert Snapshot(**{name: getattr(received, name) for name in Snapshot.__match_args__}).digest == snapshot.digest


@given(some.plans)
def test_a_plan_survives_the_wire(plan):
    received = plans.decode_plan(over_the_wire(plans.encode_plan(plan)))
    assert received == plan
    assert [step.key for step in received.steps] == [step.key for step in plan.steps]


@given(some.planned_steps)
def test_a_planned_step_survives_the_wire(step):
    assert plans.decode_planned_step(over_the_wire(plans.encode_planned_step(step))) == step


@given(some.step_ids)
def test_a_step_id_survives_the_wire(step):
    assert identity.decode_step_id(over_the_wire(identity.encode_step_id(step))) == step


@given(some.partition_keys)
def test_a_partition_key_survives_the_wire(key):
    received = identity.decode_partition_key(over_the_wire(identity.encode_partition_key(key)))
    assert received == key
    assert str(received) == str(key)


def test_an_unset_partition_key_is_none():
    assert identity.decode_partition_key(identity_pb2.PartitionKey()) is None


def test_a_mapping_key_may_be_empty_text():
    assert identity.decode_step_id(identity.encode_step_id(StepId("n", ""))) == StepId("n", "")


def test_an_empty_config_is_not_a_missing_one():
    assert plans.decode_plan(plans.encode_plan(RunPlan((), config={}))).config == {}
    assert plans.decode_plan(plans.encode_plan(RunPlan(()))).config is None


def test_a_big_snapshot_comes_in_slices_under_the_message_size():
    steps = tuple(
        StepDefinition(f"step_{n}", StepKind.ASSET, (OutputDefinition(f"step_{n}"),), description="x" * 1000)
        for n in range(3000)
    )
    parts = list(definitions.encode_snapshot(Snapshot(steps)))
    assert len(parts) > 5
    assert max(part.ByteSize() for part in parts) < 1024 * 1024
    assert sent(Snapshot(steps)).steps == steps


def test_one_definition_larger_than_a_slice_travels_alone():
    big = StepDefinition("big", StepKind.ASSET, (OutputDefinition("big"),), description="x" * definitions.SLICE_BYTES)
    small = StepDefinition("small", StepKind.ASSET, (OutputDefinition("small"),))
    parts = list(definitions.encode_snapshot(Snapshot((small, big, small))))
    assert [len(part.slice.steps) for part in parts[1:]] == [1, 1, 1]


def test_an_empty_repository_is_a_header():
    parts = list(definitions.encode_snapshot(Snapshot(())))
    assert len(parts) == 1
    assert definitions.decode_snapshot(parts[0].header, []) == Snapshot(())


def test_unset_enumerations_are_read_as_their_defaults():
    step = plans.decode_planned_step(plan_pb2.PlannedStep(id=identity_pb2.StepId(node="a"), step="a"))
    assert step == PlannedStep(StepId("a"), "a", ())


@pytest.mark.parametrize("module", ["grpc", "sqlalchemy", "pydantic"])
def test_the_wire_needs_little(module):
    wire = ["values", "identity", "failures", "definitions", "plans", "events", "runs", "steps", "errors"]
    code = "import sys; from rivers.wire import {}; sys.exit({!r} in sys.modules)".format(", ".join(wire), module)
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(some.conditions)
def test_a_condition_survives_the_wire(condition):
    received = conditions.decode_condition(over_the_wire(conditions.encode_condition(condition)))
    assert repr(received) == repr(condition)


@pytest.mark.parametrize(
    ("nodes", "trouble"),
    [
        ([], "lacks nodes"),
        ([(22, 1)], "lacks nodes"),
        ([(1, 0), (1, 0)], "belong to no other"),
        ([(1, 1), (1, 0)], "MISSING has 1 operands"),
        ([(20, 0)], "AND has 0 operands"),
        ([(24, 1), (1, 0)], "SINCE has 1 operands"),
        ([(22, -1)], "NOT has -1 operands"),
        ([(0, 0)], "0 is not a valid ConditionKind"),
        ([(999, 0)], "999 is not a valid ConditionKind"),
        ([(22, 1)] * 1000 + [(1, 0)], "deeper than"),
    ],
)
def test_nodes_that_are_no_tree_are_refused(nodes, trouble):
    message = automation_pb2.ConditionDefinition(
        nodes=[automation_pb2.ConditionNode(kind=kind, child_count=count) for kind, count in nodes]
    )
    with pytest.raises(ValueError, match=trouble):
        conditions.decode_condition(message)
