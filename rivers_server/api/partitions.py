"""`PartitionService`: keys of dynamic definitions, and what is stored of an asset's partitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from grpc.aio import ServicerContext

from rivers.definitions.snapshot import OutputDefinition
from rivers.definitions.suggestion import nearest_or_all
from rivers.errors import AssetNotFoundError, InvalidRequestError
from rivers.partitions.dynamic_key import check_dynamic_key
from rivers.storage import partitions
from rivers.storage.partitions import StoredPartition
from rivers.v1 import partition_service_pb2, partition_service_pb2_grpc
from rivers.wire.identity import encode_partition_key
from rivers.wire.times import encode_time
from rivers_server.api.border import Border
from rivers_server.api.errors import unary
from rivers_server.api.pages import decode_token, encode_token, page_size
from rivers_server.api.reader import Reader
from rivers_server.core.inputs import ChangePartitions, Message
from rivers_server.core.replica import Replica
from rivers_server.reply import FutureReply

Context = ServicerContext[Any, Any]


class PartitionServicer(partition_service_pb2_grpc.PartitionServiceServicer):
    """Partitions. What changes state goes to the core; what only reads goes to the rows."""

    def __init__(
        self,
        put: Callable[[Message], None],
        replicas: Callable[[], Iterable[Replica]],
        reader: Reader,
        border: Border,
    ) -> None:
        self.border = border
        self._put = put
        self._replicas = replicas
        self._reader = reader

    @unary
    async def AddDynamicPartitions(
        self, request: partition_service_pb2.AddDynamicPartitionsRequest, context: Context
    ) -> partition_service_pb2.AddDynamicPartitionsResponse:
        for key in request.keys:
            check_dynamic_key(key)
        await self._change(request.name, request.keys, is_added=True)
        return partition_service_pb2.AddDynamicPartitionsResponse()

    @unary
    async def RemoveDynamicPartitions(
        self, request: partition_service_pb2.RemoveDynamicPartitionsRequest, context: Context
    ) -> partition_service_pb2.RemoveDynamicPartitionsResponse:
        await self._change(request.name, request.keys, is_added=False)
        return partition_service_pb2.RemoveDynamicPartitionsResponse()

    @unary
    async def ListDynamicPartitions(
        self, request: partition_service_pb2.ListDynamicPartitionsRequest, context: Context
    ) -> partition_service_pb2.ListDynamicPartitionsResponse:
        _named(request.name, "name", "the dynamic partitions")
        size = page_size(request.page_size, self.border.limits.page)
        place = decode_token(request.page_token, str)
        after = str(place[0]) if place else ""
        found = await self._reader.read(partitions.keys_after, request.name, after, size + 1)
        return partition_service_pb2.ListDynamicPartitionsResponse(
            keys=found[:size], next_page_token=encode_token(found[size - 1]) if len(found) > size else ""
        )

    @unary
    async def ListPartitions(
        self, request: partition_service_pb2.ListPartitionsRequest, context: Context
    ) -> partition_service_pb2.ListPartitionsResponse:
        _named(request.node, "node", "an asset")
        output = self._output(request.node)
        if output.partitions is None:
            raise InvalidRequestError(f"'{request.node}' is not partitioned", field="node")
        size = page_size(request.page_size, self.border.limits.page)
        place = decode_token(request.page_token, int)
        start = max(int(place[0]), 0) if place else 0
        registered = {}
        for name in output.partitions.dynamic_names():
            registered[name] = await self._reader.read(partitions.keys, name)
        grid = output.partitions.grid(datetime.now().astimezone(), registered)
        keys = list(grid.keys(start, start + size))
        stored = await self._reader.read(partitions.stored_among, request.node, [str(key) for key in keys])
        count = await self._reader.read(partitions.count_materialized, request.node)
        return partition_service_pb2.ListPartitionsResponse(
            partitions=[_encode_partition(encode_partition_key(key), stored.get(str(key))) for key in keys],
            next_page_token=encode_token(start + size) if start + size < grid.count else "",
            total=grid.count,
            materialized=count,
        )

    async def _change(self, name: str, keys: Iterable[str], *, is_added: bool) -> None:
        _named(name, "name", "the dynamic partitions")
        reply = FutureReply.make()
        self._put(ChangePartitions(name, tuple(dict.fromkeys(keys)), is_added, reply))
        await reply.future

    def _output(self, node: str) -> OutputDefinition:
        snapshots = [replica.snapshot for replica in self._replicas() if replica.snapshot is not None]
        for snapshot in snapshots:
            if node in snapshot.output_by_node:
                return snapshot.output_by_node[node]
        known = [name for snapshot in snapshots for name in snapshot.output_by_node]
        raise AssetNotFoundError(
            f"Asset '{node}' not found", remedy=nearest_or_all(node, known, "assets"), field="node", asset=node
        )


def _encode_partition(key: Any, stored: StoredPartition | None) -> partition_service_pb2.Partition:
    partition = partition_service_pb2.Partition(key=key)
    if stored is not None:
        partition.last_run_id = stored.run_id
        partition.last_data_version = stored.data_version
        partition.last_time.CopyFrom(encode_time(stored.at))
    return partition


def _named(name: str, field: str, what: str) -> None:
    if not name:
        raise InvalidRequestError(f"{field} is missing; name {what}", field=field)
