"""What is to be run."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rivers.errors import InvalidRequestError
from rivers.partitions.key import PartitionKey
from rivers.v1 import run_service_pb2
from rivers.wire.identity import fill_partition_key
from rivers.wire.values import encode_map, encode_tags


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run to submit: a job of a location, or a selection of nodes; neither means everything that can be materialized.

    `request_id` makes the request repeatable: the scheduler answers a repeat with the run that the first one made.
    """

    location: str
    job: str | None = None
    select: Sequence[str] | None = None
    include_upstream: bool = False
    config: Mapping[str, object] | None = None
    tags: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    partition_key: PartitionKey | str | None = None
    request_id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        if not self.location:
            raise InvalidRequestError("a run needs a location; `rivers locations list` shows what there is")
        if isinstance(self.select, str):
            raise TypeError(f"select is a list of nodes, not text: [{self.select!r}]")
        if self.job is not None and (self.select is not None or self.include_upstream):
            raise InvalidRequestError(f"job {self.job!r} says what is run; leave out the selection", field="selection")


def write_request(request: RunRequest) -> run_service_pb2.SubmitRunRequest:
    """A request, for the wire."""
    message = run_service_pb2.SubmitRunRequest(request_id=request.request_id, location=request.location)
    if request.job is not None:
        message.job = request.job
    else:
        message.selection.include_upstream = request.include_upstream
        message.selection.nodes.extend(request.select or ())
    if request.tags:
        pairs = request.tags.items() if isinstance(request.tags, Mapping) else request.tags
        message.tags.extend(encode_tags(pairs))
    if request.config is not None:
        message.config.CopyFrom(encode_map(request.config))
    if request.partition_key is not None:
        key = request.partition_key
        fill_partition_key(message.partition_key, PartitionKey.single(key) if isinstance(key, str) else key)
    return message


def request_of(
    location: str,
    job: str | None,
    select: Sequence[str] | None,
    include_upstream: bool,
    config: Mapping[str, object] | None,
    tags: Mapping[str, str] | Iterable[tuple[str, str]],
    partition_key: PartitionKey | str | None,
    request_id: str | None,
) -> RunRequest:
    """A request, with an id of its own when the caller gave none."""
    return RunRequest(location, job, select, include_upstream, config, tags, partition_key, request_id or _new_id())
