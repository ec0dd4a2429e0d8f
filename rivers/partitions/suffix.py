"""Where a node's value is kept, as text: the part of a key that names the partition."""

from __future__ import annotations

from rivers.partitions.context import PartitionContext
from rivers.partitions.key import PartitionKey


def partition_suffix(partition: PartitionContext | None) -> str | None:
    """`a/b` for a key of one dimension, `dim=1|2/other=3` for several; of several keys the first one counts."""
    if partition is None:
        return None
    match partition.key:
        case PartitionKey.Single(values):
            return "/".join(values)
        case PartitionKey.Multi(dimensions):
            return "/".join(f"{name}={'|'.join(dimensions[name])}" for name in sorted(dimensions))
        case other:
            return str(other)
