"""Calls as data: what is asked and how the answer is read, the same for the sync and the async client."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rivers.errors import RiversError
from rivers.lifecycle.states import RunState
from rivers.v1 import catalog_service_pb2, partition_service_pb2, run_service_pb2
from rivers.wire.errors import from_detail
from rivers_client._catalog import Asset, Job, Location, read_asset, read_job, read_location
from rivers_client._event import LAST, LogChunk, RunEvent, read_event, read_log
from rivers_client._partition import Partition, read_partition
from rivers_client._request import RunRequest, write_request
from rivers_client._run import Run, read_run

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

#: A batch is cut before it passes this many runs or bytes.
BATCH_RUNS, BATCH_BYTES = 200, 1024 * 1024
PAGE = 200


@dataclass(frozen=True, slots=True)
class Call(Generic[T_co]):
    """One call. Every one may be repeated: submissions carry a request_id, the others change nothing twice."""

    service: str
    method: str
    request: Any
    read: Callable[[Any], T_co]

    def fresh_request(self) -> Any:
        """What is sent: the request, or its pieces, made anew for every try."""
        return self.request() if callable(self.request) else self.request


class Listing(Generic[T]):
    """A listing, page by page, up to `limit` items."""

    __slots__ = ("_call", "_left", "done")

    def __init__(self, call: Call[Iterable[T]], limit: int | None) -> None:
        self._call = call
        self._left = limit
        self.done = limit == 0

    def next_page(self) -> Call[list[T]]:
        """The call for the next page."""
        self._call.request.page_size = PAGE if self._left is None else min(PAGE, self._left)
        return Call(self._call.service, self._call.method, self._call.request, self._turn)

    def _turn(self, page: Any) -> list[T]:
        items = list(self._call.read(page))
        self._call.request.page_token = page.next_page_token
        if self._left is not None:
            items = items[: self._left]
            self._left -= len(items)
        self.done = not page.next_page_token or self._left == 0
        return items


class Watch(Generic[T]):
    """A reader of a run's stream: where it is, so that it goes on there after a cut."""

    __slots__ = ("_is_last", "_opened_at", "_over", "call")

    def __init__(self, call: Call[Iterable[T]], is_last: Callable[[T], bool]) -> None:
        self.call = call
        self._is_last = is_last
        self._opened_at = -1
        self._over = False

    def open(self) -> Call[Iterable[T]]:
        """The call that goes on after what was seen."""
        self._opened_at = self.call.request.after_seq
        return self.call

    def take(self, message: Any) -> list[T]:
        """What is new in a message."""
        fresh = []
        for item in self.call.read(message):
            seq: int = item.seq  # type: ignore[attr-defined]
            if seq > self.call.request.after_seq:
                self.call.request.after_seq = seq
                self._over = self._is_last(item)
                fresh.append(item)
        return fresh

    @property
    def is_over(self) -> bool:
        """Whether a stream that ended by itself is complete: a server that stops may end one early."""
        return self._over or self.call.request.after_seq == self._opened_at


def submit(request: RunRequest) -> Call[tuple[Run, bool]]:
    """A run to submit; answers with the run and whether it was there already."""
    return Call(
        "RunService", "SubmitRun", write_request(request), lambda answer: (read_run(answer.run), answer.existed)
    )


def submit_many(requests: Iterable[RunRequest]) -> list[Call[list[tuple[Run, bool] | RiversError]]]:
    """Runs to submit, in batches; each answer has one result per request, in order."""
    batches: list[run_service_pb2.BatchSubmitRunsRequest] = []
    size = 0
    for request in requests:
        message = write_request(request)
        length = message.ByteSize() + 8
        if not batches or len(batches[-1].requests) >= BATCH_RUNS or size + length > BATCH_BYTES:
            batches.append(run_service_pb2.BatchSubmitRunsRequest())
            size = 0
        batches[-1].requests.append(message)
        size += length
    return [Call("RunService", "BatchSubmitRuns", batch, _read_batch) for batch in batches]


def get(run_id: str) -> Call[Run]:
    """One run with its steps."""
    request = run_service_pb2.GetRunRequest(run_id=run_id)
    return Call("RunService", "GetRun", request, lambda answer: read_run(answer.run, answer.steps))


def cancel(run_id: str, reason: str) -> Call[Run]:
    """A run to stop."""
    request = run_service_pb2.CancelRunRequest(run_id=run_id, reason=reason)
    return Call("RunService", "CancelRun", request, lambda answer: read_run(answer.run))


def runs(
    location: str | None, job: str | None, states: RunState | Sequence[RunState], limit: int | None
) -> Listing[Run]:
    """Runs, newest first."""
    wanted = [states] if isinstance(states, RunState) else states
    request = run_service_pb2.ListRunsRequest(
        location=location or "",
        job=job or "",
        states=[state.value for state in wanted],  # type: ignore[misc]
    )
    return Listing(Call("RunService", "ListRuns", request, lambda page: map(read_run, page.runs)), limit)


def events(run_id: str, after: int) -> Watch[RunEvent]:
    """A run's events as they are committed."""
    request = run_service_pb2.WatchRunRequest(run_id=run_id, after_seq=after)
    call = Call("RunService", "WatchRun", request, lambda message: map(read_event, message.events))
    return Watch(call, lambda event: event.type in LAST)


def logs(run_id: str, after: int, step: str | None, follow: bool) -> Watch[LogChunk]:
    """The captured output of a run's steps; without `follow`, what there is now."""
    request = run_service_pb2.WatchRunLogsRequest(
        run_id=run_id, after_seq=after, step_key=step or "", no_follow=not follow
    )
    call = Call("RunService", "WatchRunLogs", request, lambda message: map(read_log, message.chunks))
    return Watch(call, lambda _: not follow)


def forget_location(name: str, reason: str) -> Call[int]:
    """Forgets a location."""
    request = catalog_service_pb2.ForgetLocationRequest(location=name, reason=reason)
    return Call("CatalogService", "ForgetLocation", request, lambda answer: int(answer.lost_attempts))


def locations(limit: int | None) -> Listing[Location]:
    """Locations, by name."""
    request = catalog_service_pb2.ListLocationsRequest()
    call = Call("CatalogService", "ListLocations", request, lambda page: map(read_location, page.locations))
    return Listing(call, limit)


def assets(location: str | None, limit: int | None) -> Listing[Asset]:
    """Assets, by location and name."""
    request = catalog_service_pb2.ListAssetsRequest(location=location or "")
    return Listing(Call("CatalogService", "ListAssets", request, lambda page: map(read_asset, page.assets)), limit)


def jobs(location: str | None, limit: int | None) -> Listing[Job]:
    """Jobs, by location and name."""
    request = catalog_service_pb2.ListJobsRequest(location=location or "")
    return Listing(Call("CatalogService", "ListJobs", request, lambda page: map(read_job, page.jobs)), limit)


def change_dynamic_partitions(name: str, keys: Sequence[str], *, is_added: bool) -> Call[None]:
    """Keys of a dynamic definition to add or to remove."""
    if is_added:
        added = partition_service_pb2.AddDynamicPartitionsRequest(name=name, keys=keys)
        return Call("PartitionService", "AddDynamicPartitions", added, lambda _: None)
    removed = partition_service_pb2.RemoveDynamicPartitionsRequest(name=name, keys=keys)
    return Call("PartitionService", "RemoveDynamicPartitions", removed, lambda _: None)


def dynamic_partitions(name: str, limit: int | None) -> Listing[str]:
    """The keys of a dynamic definition, sorted."""
    request = partition_service_pb2.ListDynamicPartitionsRequest(name=name)
    return Listing(Call("PartitionService", "ListDynamicPartitions", request, lambda page: page.keys), limit)


def partitions(node: str, limit: int | None) -> Listing[Partition]:
    """The partitions of an asset, in the order of its definition."""
    request = partition_service_pb2.ListPartitionsRequest(node=node)
    call = Call("PartitionService", "ListPartitions", request, lambda page: map(read_partition, page.partitions))
    return Listing(call, limit)


def _read_batch(answer: run_service_pb2.BatchSubmitRunsResponse) -> list[tuple[Run, bool] | RiversError]:
    return [
        from_detail(result.error.status, result.error.message, result.error.detail)
        if result.HasField("error")
        else (read_run(result.submitted.run), result.submitted.existed)
        for result in answer.results
    ]
