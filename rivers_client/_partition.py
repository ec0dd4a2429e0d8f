"""Partitions of assets, as a caller sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rivers.errors import InvalidRequestError
from rivers.partitions.key import PartitionKey
from rivers.v1 import partition_service_pb2
from rivers.wire.identity import decode_partition_key
from rivers.wire.times import decode_datetime


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of an asset with what was last stored of it."""

    key: PartitionKey
    last_run_id: str | None
    last_materialized_at: datetime | None
    last_data_version: str | None


def read_partition(partition: partition_service_pb2.Partition) -> Partition:
    """A partition, from the wire."""
    key = decode_partition_key(partition.key)
    if key is None:
        raise InvalidRequestError("a partition without a key", field="key")
    return Partition(
        key=key,
        last_run_id=partition.last_run_id or None,
        last_materialized_at=decode_datetime(partition.last_time) if partition.HasField("last_time") else None,
        last_data_version=partition.last_data_version or None,
    )


def key_list(keys: str | Sequence[str]) -> list[str]:
    """Keys of a dynamic definition; a single one may be given alone."""
    return [keys] if isinstance(keys, str) else list(keys)
