"""The client for asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from rivers.errors import RiversError
from rivers.lifecycle.states import RunState
from rivers.partitions.key import PartitionKey
from rivers_client import _calls
from rivers_client._aio_transport import AioTransport
from rivers_client._backfills import AsyncBackfills
from rivers_client._catalog import Asset, Job, Location
from rivers_client._handle import AsyncRunHandle
from rivers_client._partition import Partition, key_list
from rivers_client._request import RunRequest, request_of
from rivers_client._run import Run
from rivers_client._settings import FilePath, settle

if TYPE_CHECKING:
    import grpc

AsyncSubmitted: TypeAlias = "list[AsyncRunHandle | RiversError]"


class AsyncClient:
    """Talks to a scheduler from an event loop. Without an address it asks `RIVERS_SCHEDULER`, then this machine; a
    token comes from `RIVERS_TOKEN` when none is given.

    With `tls_ca`, a PEM file, the connection is encrypted, and the scheduler's certificate has to name the address;
    `tls_cert` with `tls_key` is shown to it. They come from `RIVERS_TLS_CA`, `RIVERS_TLS_CERT` and `RIVERS_TLS_KEY`
    when they are not given. `credentials` beat all three.

    A call is repeated for up to `patience` seconds while nobody answers, and ends after `timeout`. Errors are the
    classes of `rivers.exceptions`, the same that the scheduler raised.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        token: str | None = None,
        timeout: float = 30.0,
        patience: float = 10.0,
        credentials: grpc.ChannelCredentials | None = None,
        tls_ca: FilePath | None = None,
        tls_cert: FilePath | None = None,
        tls_key: FilePath | None = None,
    ) -> None:
        self._transport = AioTransport(
            settle(address, token, timeout, patience, credentials, (tls_ca, tls_cert, tls_key))
        )
        self.runs = AsyncRuns(self._transport)
        self.locations = AsyncLocations(self._transport)
        self.assets = AsyncAssets(self._transport)
        self.jobs = AsyncJobs(self._transport)
        self.backfills = AsyncBackfills(self._transport)
        self.partitions = AsyncPartitions(self._transport)

    @property
    def address(self) -> str:
        """The scheduler that it talks to."""
        return self._transport.settings.address

    async def close(self) -> None:
        """Closes the connection."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Noun:
    def __init__(self, transport: AioTransport) -> None:
        self._transport = transport


class AsyncRuns(_Noun):
    """Runs."""

    async def submit(
        self,
        location: str,
        *,
        job: str | None = None,
        select: Sequence[str] | None = None,
        include_upstream: bool = False,
        config: Mapping[str, object] | None = None,
        tags: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        partition_key: PartitionKey | str | None = None,
        request_id: str | None = None,
    ) -> AsyncRunHandle:
        """Submits a job, or a selection of nodes; neither means everything. A repeat of a request_id finds its run."""
        request = request_of(location, job, select, include_upstream, config, tags, partition_key, request_id)
        return AsyncRunHandle(self._transport, *(await self._transport.invoke(_calls.submit(request))))

    async def submit_many(self, requests: Iterable[RunRequest]) -> AsyncSubmitted:
        """Submits many in few calls; a handle for each, or the error that it was refused with, in order."""
        batches = await self._transport.invoke_all(_calls.submit_many(requests))
        return [
            one if isinstance(one, RiversError) else AsyncRunHandle(self._transport, *one)
            for got in batches
            for one in got
        ]

    async def get(self, run_id: str) -> AsyncRunHandle:
        """A run with its steps."""
        return AsyncRunHandle(self._transport, await self._transport.invoke(_calls.get(run_id)))

    def list(
        self,
        *,
        location: str | None = None,
        job: str | None = None,
        states: RunState | Sequence[RunState] = (),
        limit: int | None = None,
    ) -> AsyncIterator[Run]:
        """Runs, newest first; pages are fetched as they are reached."""
        return self._transport.items(_calls.runs(location, job, states, limit))

    async def cancel(self, run_id: str, reason: str = "") -> Run:
        """Asks a run to stop; one that is over stays as it is."""
        return await self._transport.invoke(_calls.cancel(run_id, reason))


class AsyncLocations(_Noun):
    """Code locations."""

    def list(self, *, limit: int | None = None) -> AsyncIterator[Location]:
        """Locations, by name."""
        return self._transport.items(_calls.locations(limit))

    async def forget(self, name: str, reason: str = "") -> int:
        """Forgets a location whose machine is gone for good; the number of attempts that are lost with it, at once.

        Only for what can never come back: a body that runs on there would run beside its next attempt.
        `LocationNotFoundError` for an unknown name, `ConflictError` while it is connected.
        """
        return await self._transport.invoke(_calls.forget_location(name, reason))


class AsyncAssets(_Noun):
    """Assets."""

    def list(self, *, location: str | None = None, limit: int | None = None) -> AsyncIterator[Asset]:
        """Assets of one location, or of all, by location and name."""
        return self._transport.items(_calls.assets(location, limit))


class AsyncJobs(_Noun):
    """Jobs."""

    def list(self, *, location: str | None = None, limit: int | None = None) -> AsyncIterator[Job]:
        """Jobs of one location, or of all, by location and name."""
        return self._transport.items(_calls.jobs(location, limit))


class AsyncPartitions(_Noun):
    """Partitions of assets, and the keys of dynamic definitions."""

    def list(self, node: str, *, limit: int | None = None) -> AsyncIterator[Partition]:
        """The partitions of an asset as of now, in the order of its definition."""
        return self._transport.items(_calls.partitions(node, limit))

    async def add(self, name: str, keys: str | Sequence[str]) -> None:
        """Adds keys to a dynamic definition; one that is refused refuses them all."""
        await self._transport.invoke(_calls.change_dynamic_partitions(name, key_list(keys), is_added=True))

    async def remove(self, name: str, keys: str | Sequence[str]) -> None:
        """Removes keys of a dynamic definition; what was materialized stays."""
        await self._transport.invoke(_calls.change_dynamic_partitions(name, key_list(keys), is_added=False))

    def keys(self, name: str, *, limit: int | None = None) -> AsyncIterator[str]:
        """The keys of a dynamic definition, sorted."""
        return self._transport.items(_calls.dynamic_partitions(name, limit))
