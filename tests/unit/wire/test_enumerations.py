"""The closed sets of the core have the numbers and names of the contract."""

import pytest

from rivers.definitions import kinds
from rivers.lifecycle import states
from rivers.planning.plan import Placement
from rivers.v1 import automation_pb2, definitions_pb2, failure_pb2, plan_pb2, run_pb2, step_service_pb2


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (kinds.StepKind, definitions_pb2.StepKind),
        (kinds.HandlerKind, definitions_pb2.HandlerKind),
        (kinds.HookKind, definitions_pb2.HookKind),
        (kinds.TriggerRule, definitions_pb2.TriggerRule),
        (kinds.ExecutorKind, definitions_pb2.ExecutorKind),
        (kinds.BackoffKind, definitions_pb2.BackoffKind),
        (kinds.BackendKind, definitions_pb2.BackendKind),
        (kinds.EvaluationMode, automation_pb2.EvaluationMode),
        (kinds.WatchedStatus, automation_pb2.WatchedStatus),
        (kinds.ConditionKind, automation_pb2.ConditionKind),
        (Placement, plan_pb2.Placement),
        (states.RunState, run_pb2.RunState),
        (states.StepState, run_pb2.StepState),
        (states.RunKind, run_pb2.RunKind),
        (states.RunOwner, run_pb2.RunOwner),
        (states.LaunchCause, run_pb2.LaunchCause),
        (states.EventType, run_pb2.EventType),
        (states.LogStream, run_pb2.LogStream),
        (states.FailureReason, failure_pb2.FailureReason),
        (states.AttemptOutcome, step_service_pb2.AttemptOutcome),
    ],
)
def test_numbers_agree(ours, theirs):
    prefix = theirs.keys()[0].removesuffix("UNSPECIFIED")
    named = {name.removeprefix(prefix): number for name, number in theirs.items() if number}
    assert named == {member.name: member.value for member in ours}
