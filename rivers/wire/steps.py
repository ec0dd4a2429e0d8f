"""What an assignment carries, and what an attempt answers with, ↔ `rivers.v1`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from rivers.definitions.kinds import Delivery
from rivers.lifecycle.events import Failure, MetadataEntry
from rivers.lifecycle.fan_out import Producer
from rivers.lifecycle.states import AttemptOutcome
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import Placement, PlannedStep, StepId
from rivers.v1 import definitions_pb2, identity_pb2, plan_pb2, step_service_pb2, value_pb2
from rivers.wire.failures import decode_failure, encode_failure
from rivers.wire.identity import decode_partition_key, decode_step_id, fill_partition_key, fill_step_id
from rivers.wire.values import decode_map, decode_tags, encode_metadata


@dataclass(frozen=True, slots=True)
class Input:
    """An input of an assigned step; token 0: produced outside this store's knowledge, loaded by name."""

    node: str
    parameter: str | None = None
    producer_token: int = 0
    producer_run_id: str = ""
    delivery: Delivery = Delivery.VALUE
    has_value: bool = True
    results: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """An assigned step."""

    id: StepId
    step_key: str
    step: str
    outputs: tuple[str, ...]
    inputs: tuple[Input, ...]
    placement: Placement
    home_required: bool
    config: dict[str, object] | None
    tags: tuple[tuple[str, str], ...]
    job: str
    mapping_index: int = 0
    partition_key: PartitionKey | None = None
    registered: Mapping[str, Sequence[str]] | None = None


def encode_work(
    step: PlannedStep,
    producers: Iterable[Producer],
    *,
    run_id: str = "",
    mapping_index: int = 0,
    home_required: bool = False,
    config: value_pb2.MapValue | None = None,
    tags: Iterable[value_pb2.Tag] = (),
    job: str | None = None,
    partition_key: identity_pb2.PartitionKey | None = None,
    previous: tuple[int, str] | None = None,
    registered: Mapping[str, Sequence[str]] | None = None,
) -> step_service_pb2.StepWork:
    """A step to run. `producers` holds for each edge where its value comes from; what an attempt made is of this run.
    `previous` is the attempt, token and run, that made the step's own last output, `registered` holds the keys of the
    dynamic definitions that it has to know.

    Configuration, tags and partition key are the same for many steps of a run and come encoded.
    """
    work = step_service_pb2.StepWork(
        step_key=step.key,
        step=step.step,
        outputs=[output.node for output in step.outputs],
        placement=cast("plan_pb2.Placement.ValueType", step.placement),
        home_required=home_required,
        config=config,
        tags=tags,
        job=job or "",
        mapping_index=mapping_index,
        partition_key=partition_key,
    )
    fill_step_id(work.id, step.id)
    if step.edges:
        add = work.inputs.add
        for edge, producer in zip(step.edges, producers, strict=True):
            reference = add(
                node=edge.node,
                parameter=edge.parameter,
                producer_token=producer.token,
                producer_run_id=run_id if producer.token or producer.results else "",
                delivery=cast("definitions_pb2.Delivery.ValueType", edge.delivery),
                has_no_value=not producer.has_value,
            )
            for node, token in producer.results:
                reference.results.add(node=node, token=token)
    for name, keys in (registered or {}).items():
        work.dynamic_keys.add(name=name, keys=keys)
    if previous is not None:
        work.inputs.add(
            node=step.outputs[0].node, parameter="self", producer_token=previous[0], producer_run_id=previous[1]
        )
    return work


def decode_work(work: step_service_pb2.StepWork) -> Work:
    """A step to run."""
    return Work(
        id=decode_step_id(work.id),
        step_key=work.step_key,
        step=work.step,
        outputs=tuple(work.outputs),
        inputs=tuple([_decode_input(one) for one in work.inputs]),
        placement=Placement(work.placement or Placement.ANY_WORKER),
        home_required=work.home_required,
        config=decode_map(work.config) if work.HasField("config") else None,
        tags=decode_tags(work.tags),
        job=work.job,
        mapping_index=work.mapping_index,
        partition_key=decode_partition_key(work.partition_key) if work.HasField("partition_key") else None,
        registered={one.name: list(one.keys) for one in work.dynamic_keys} if work.dynamic_keys else None,
    )


def _decode_input(given: step_service_pb2.InputReference) -> Input:
    return Input(
        given.node,
        given.parameter or None,
        given.producer_token,
        given.producer_run_id,
        Delivery(given.delivery or Delivery.VALUE),
        not given.has_no_value,
        tuple([(result.node, result.token) for result in given.results]) if given.results else (),
    )


def encode_materialized(
    node: str,
    metadata: Iterable[MetadataEntry] = (),
    data_version: str = "",
    partition_key: PartitionKey | None = None,
    has_value: bool = True,
) -> step_service_pb2.AttemptMaterialized:
    """An output was stored."""
    target = step_service_pb2.AttemptMaterialized(
        node=node, metadata=encode_metadata(metadata), data_version=data_version, has_value=has_value
    )
    if partition_key is not None:
        fill_partition_key(target.partition_key, partition_key)
    return target


def encode_observed(
    node: str,
    metadata: Iterable[MetadataEntry] = (),
    data_version: str | None = None,
    partition_key: PartitionKey | None = None,
) -> step_service_pb2.AttemptObserved:
    """Something was observed."""
    target = step_service_pb2.AttemptObserved(node=node, metadata=encode_metadata(metadata), data_version=data_version)
    if partition_key is not None:
        fill_partition_key(target.partition_key, partition_key)
    return target


def encode_partition_failed(
    node: str, partition_key: PartitionKey, error: str
) -> step_service_pb2.AttemptPartitionFailed:
    """One of the partitions failed."""
    target = step_service_pb2.AttemptPartitionFailed(node=node, error=error)
    fill_partition_key(target.partition_key, partition_key)
    return target


def encode_ended(
    outcome: AttemptOutcome, failure: Failure | None = None, *, home_lost: bool = False, output_cut: bool = False
) -> step_service_pb2.AttemptEnded:
    """The end of an attempt."""
    return step_service_pb2.AttemptEnded(
        outcome=cast("step_service_pb2.AttemptOutcome.ValueType", outcome),
        failure=encode_failure(failure) if failure is not None else None,
        home_lost=home_lost,
        output_cut=output_cut,
    )


def decode_ended(ended: step_service_pb2.AttemptEnded) -> tuple[AttemptOutcome, Failure | None]:
    """How an attempt ended, and why."""
    failure = decode_failure(ended.failure) if ended.HasField("failure") else None
    return AttemptOutcome(ended.outcome), failure
