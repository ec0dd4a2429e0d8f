"""The health service that both servers have, on a server of its own."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from rivers.wire.health import Health

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


async def test_statuses_are_told_by_name_listed_and_watched() -> None:
    server, health = grpc.aio.server(), Health()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, asyncio.timeout(30):
            stub = health_pb2_grpc.HealthStub(channel)
            watch = stub.Watch(health_pb2.HealthCheckRequest(service="one"))
            assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            health.set("one", True)
            assert (await watch.read()).status == SERVING
            health.set("", False)
            listed = await stub.List(health_pb2.HealthListRequest())
            assert {name: one.status for name, one in listed.statuses.items()} == {"one": SERVING, "": NOT_SERVING}
            assert (await stub.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError, match="no service 'two' here") as refused:
                await stub.Check(health_pb2.HealthCheckRequest(service="two"))
            assert refused.value.code() == grpc.StatusCode.NOT_FOUND
            health.shut_down()
            assert (await watch.read()).status == NOT_SERVING
            watch.cancel()
    finally:
        await server.stop(None)
