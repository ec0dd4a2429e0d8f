"""Partition keys and step identities ↔ `rivers.v1`."""

from __future__ import annotations

from rivers.partitions.key import PartitionKey
from rivers.planning.plan import StepId
from rivers.v1 import identity_pb2


def encode_partition_key(key: PartitionKey) -> identity_pb2.PartitionKey:
    """One key, or several that are handled together."""
    target = identity_pb2.PartitionKey()
    fill_partition_key(target, key)
    return target


def fill_partition_key(target: identity_pb2.PartitionKey, key: PartitionKey) -> None:
    """Writes a key into a message that exists."""
    match key:
        case PartitionKey.Single():
            target.single.values.extend(key.key)
        case PartitionKey.Multi():
            for dimension in sorted(key.keys):
                target.multi.dimensions.add(dimension=dimension, values=key.keys[dimension])
        case PartitionKey.Set():
            target.set.SetInParent()
            for member in key.keys:
                fill_partition_key(target.set.keys.add(), member)
        case _:
            raise TypeError(f"not a partition key: {key!r}")


def decode_partition_key(key: identity_pb2.PartitionKey) -> PartitionKey | None:
    """The key; `None` when nothing is set, as for what is unpartitioned."""
    match key.WhichOneof("kind"):
        case "single":
            return PartitionKey.Single(list(key.single.values))
        case "multi":
            return PartitionKey.Multi({entry.dimension: list(entry.values) for entry in key.multi.dimensions})
        case "set":
            members = [decode_partition_key(member) for member in key.set.keys]
            return PartitionKey.Set([member for member in members if member is not None])
    return None


def encode_step_id(step: StepId) -> identity_pb2.StepId:
    """A step's identity."""
    target = identity_pb2.StepId(node=step.node)
    if step.mapping_key is not None or step.matrix_cell or step.partition_keys:
        fill_step_id(target, step)
    return target


def fill_step_id(target: identity_pb2.StepId, step: StepId) -> None:
    """Writes an identity into a message that exists."""
    target.node = step.node
    if step.mapping_key is not None:
        target.mapping_key = step.mapping_key
    for axis, value in step.matrix_cell:
        target.matrix_cell.add(axis=axis, value=value)
    for key in step.partition_keys:
        fill_partition_key(target.partition_keys.add(), key)


def decode_step_id(step: identity_pb2.StepId) -> StepId:
    """A step's identity."""
    keys = [decode_partition_key(key) for key in step.partition_keys] if step.partition_keys else ()
    return StepId(
        step.node,
        step.mapping_key if step.HasField("mapping_key") else None,
        tuple([(cell.axis, cell.value) for cell in step.matrix_cell]) if step.matrix_cell else (),
        tuple([key for key in keys if key is not None]),
    )
