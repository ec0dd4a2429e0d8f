"""Settings of a repository's run queue and backend ↔ `rivers.v1`."""

from __future__ import annotations

from typing import cast

from rivers.definitions.kinds import BackendKind
from rivers.definitions.snapshot import RunBackendDefinition, RunQueueDefinition, TagLimitDefinition
from rivers.v1 import definitions_pb2


def encode_run_queue(queue: RunQueueDefinition) -> definitions_pb2.RunQueueDefinition:
    """A run queue's settings."""
    return definitions_pb2.RunQueueDefinition(
        max_concurrent_runs=queue.max_concurrent_runs,
        tag_limits=[
            definitions_pb2.TagLimitDefinition(
                key=limit.key, limit=limit.limit, value=limit.value, per_unique_value=limit.per_unique_value
            )
            for limit in queue.tag_limits
        ],
        dequeue_interval_seconds=queue.dequeue_interval,
        start_timeout_seconds=queue.start_timeout,
    )


def decode_run_queue(queue: definitions_pb2.RunQueueDefinition) -> RunQueueDefinition:
    """A run queue's settings."""
    return RunQueueDefinition(
        queue.max_concurrent_runs,
        tuple(
            TagLimitDefinition(
                limit.key, limit.limit, limit.value if limit.HasField("value") else None, limit.per_unique_value
            )
            for limit in queue.tag_limits
        ),
        queue.dequeue_interval_seconds,
        queue.start_timeout_seconds,
    )


def encode_run_backend(backend: RunBackendDefinition) -> definitions_pb2.RunBackendDefinition:
    """Where runs are launched."""
    return definitions_pb2.RunBackendDefinition(
        kind=cast("definitions_pb2.BackendKind.ValueType", backend.kind),
        image=backend.image,
        namespace=backend.namespace,
        service_account=backend.service_account,
        run_cpu=backend.run_cpu,
        run_memory=backend.run_memory,
        worker_cpu=backend.worker_cpu,
        worker_memory=backend.worker_memory,
    )


def decode_run_backend(backend: definitions_pb2.RunBackendDefinition) -> RunBackendDefinition:
    """Where runs are launched."""
    return RunBackendDefinition(
        BackendKind(backend.kind or BackendKind.LOCAL),
        backend.image if backend.HasField("image") else None,
        backend.namespace if backend.HasField("namespace") else None,
        backend.service_account,
        backend.run_cpu,
        backend.run_memory,
        backend.worker_cpu,
        backend.worker_memory,
    )
