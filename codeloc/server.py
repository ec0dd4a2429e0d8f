"""The gRPC server of a location: its services, reflection, and health by service name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from codeloc.definitions import Definitions
from codeloc.limits import Limits
from codeloc.stream import StepService
from rivers.credentials.binding import bind
from rivers.credentials.gate import Gate
from rivers.credentials.interceptor import CredentialInterceptor
from rivers.credentials.tls import Tls
from rivers.errors import ConflictError
from rivers.v1 import definition_service_pb2, definition_service_pb2_grpc, step_service_pb2, step_service_pb2_grpc
from rivers.v1.definition_service_pb2 import GetSnapshotRequest
from rivers.wire.health import NAME as HEALTH
from rivers.wire.health import Health
from rivers.wire.unreadable import UnreadableInterceptor

STEPS = step_service_pb2.DESCRIPTOR.services_by_name["StepService"].full_name
DEFINITIONS = definition_service_pb2.DESCRIPTOR.services_by_name["DefinitionService"].full_name

#: A second server on the port is an error, and a dead peer is noticed. Pings of a client every 10 s are no strikes.
OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.http2.max_ping_strikes", 0),
    # A bandwidth probe after every message would wake both processes once more for each beat.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 1 << 20),
)


class DefinitionService(definition_service_pb2_grpc.DefinitionServiceServicer):
    """Streams definitions."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions

    async def GetSnapshot(self, request: GetSnapshotRequest, context: Any) -> None:  # type: ignore[override]
        """Progress, then the definitions or why there are none."""
        async for part in self._definitions.stream(request.known_digest):
            await context.write(part)


class LocationServer:
    """Serves on one address."""

    def __init__(
        self, steps: StepService, definitions: Definitions, gate: Gate, limits: Limits, tls: Tls | None
    ) -> None:
        self.port = 0
        self._tls = tls
        self._health = Health()
        self._server = grpc.aio.server(
            options=(
                *OPTIONS,
                ("grpc.max_receive_message_length", limits.message_bytes),
                ("grpc.max_concurrent_streams", limits.calls_per_connection),
            ),
            interceptors=(UnreadableInterceptor(), CredentialInterceptor(gate)),
            maximum_concurrent_rpcs=limits.calls,
        )
        step_service_pb2_grpc.add_StepServiceServicer_to_server(steps, self._server)
        service = DefinitionService(definitions)
        definition_service_pb2_grpc.add_DefinitionServiceServicer_to_server(service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (STEPS, DEFINITIONS, HEALTH, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    async def start(self, host: str, port: int) -> None:
        """Binds the address; `ConflictError` when somebody else has it."""
        self._health.set(STEPS, True)
        self.definitions_serve(False)
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            self.port = bind(self._server, address, self._tls)
        except RuntimeError as error:
            raise ConflictError(
                f"cannot listen on {address}: the port is in use or the address is not of this machine; "
                "choose another with --grpc-port",
                address=address,
            ) from error
        await self._server.start()

    def definitions_serve(self, serving: bool) -> None:
        """Whether definitions are loaded, which is what the health of the whole server means as well."""
        for name in (DEFINITIONS, ""):
            self._health.set(name, serving)

    async def stop(self, grace: float) -> None:
        """Hangs up."""
        self._health.shut_down()
        await self._server.stop(grace)
