"""Calls every RPC that there is, with whatever a caller has to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from tests.contract import path


def answer(channel: grpc.Channel, method: MethodDescriptor, token: str | None, location: str = "team") -> str:
    """The status that a call ends with; ANSWERED as soon as something is answered.

    The request is empty but for the location that it is about, if it is about one.
    """
    request = GetMessageClass(method.input_type)()
    if "location" in method.input_type.fields_by_name and "LocationService" in path(method):
        request.location = location
    metadata = (("authorization", f"Bearer {token}"),) if token is not None else ()
    many = "stream" if method.server_streaming else "unary"
    make = getattr(channel, f"{'stream' if method.client_streaming else 'unary'}_{many}")
    sent: Any = iter([request.SerializeToString()]) if method.client_streaming else request.SerializeToString()
    try:
        answered = make(path(method))(sent, timeout=10, metadata=metadata)
        if many == "stream":
            first = next(answered, None)
            answered.cancel()
            return "ANSWERED" if first is not None else "OK"
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code.name
    return "OK"


REFUSALS = {"UNAUTHENTICATED", "PERMISSION_DENIED"}


def served(
    channel: grpc.Channel, methods: list[MethodDescriptor], token: str | None, location: str = "team"
) -> Iterator[tuple[str, str]]:
    """Every method, and what a caller gets. The server that is asked has all of them."""
    for method in methods:
        status = answer(channel, method, token, location)
        assert status != "UNIMPLEMENTED", path(method)
        yield path(method), status
