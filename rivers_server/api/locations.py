"""`LocationService`: hints from locations. They renew nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from grpc.aio import ServicerContext

from rivers.errors import InvalidRequestError, OverloadedError
from rivers.v1 import location_service_pb2, location_service_pb2_grpc
from rivers.wire.times import encode_duration
from rivers_server.api.border import Border
from rivers_server.api.errors import unary
from rivers_server.core.inputs import Deregister, Message, Register
from rivers_server.reply import FutureReply

Context = ServicerContext[Any, Any]

#: Seconds after which a location without a step stream announces itself again.
ANNOUNCE_AGAIN = 5.0


class LocationServicer(location_service_pb2_grpc.LocationServiceServicer):
    """Registers locations and has them dialled."""

    def __init__(self, put: Callable[[Message], None], known: Callable[[], Collection[str]], border: Border) -> None:
        self.border = border
        self._put = put
        self._known = known

    @unary
    async def Register(
        self, request: location_service_pb2.RegisterRequest, context: Context
    ) -> location_service_pb2.RegisterResponse:
        for field in ("location", "address", "home_id"):
            if not getattr(request, field):
                raise InvalidRequestError(f"{field} is missing", field=field)
        if not request.address.rpartition(":")[2].isdecimal() or not request.address.isprintable():
            raise InvalidRequestError(f"address {request.address!r} cannot be dialled; give HOST:PORT", field="address")
        known, most = self._known(), self.border.limits.locations
        if request.location not in known and len(known) >= most:
            raise OverloadedError(f"{len(known)} locations are there, and at most {most} can be", limit="locations")
        reply = FutureReply.make()
        self._put(Register(request.location, request.address, request.home_id, request.boot, request.digest, reply))
        store_id, term = await reply.future
        return location_service_pb2.RegisterResponse(
            store_id=store_id, term=term, retry_after=encode_duration(ANNOUNCE_AGAIN)
        )

    @unary
    async def Deregister(
        self, request: location_service_pb2.DeregisterRequest, context: Context
    ) -> location_service_pb2.DeregisterResponse:
        reply = FutureReply.make()
        self._put(Deregister(request.location, request.home_id, request.boot, reply))
        await reply.future
        return location_service_pb2.DeregisterResponse()
