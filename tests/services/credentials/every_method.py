"""Calls every RPC that there is, with whatever a caller has to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from rivers.v1 import (
    catalog_service_pb2,
    definition_service_pb2,
    location_service_pb2,
    partition_service_pb2,
    run_service_pb2,
    step_service_pb2,
)

SCHEDULER = [
    run_service_pb2,
    catalog_service_pb2,
    location_service_pb2,
    partition_service_pb2,
    health_pb2,
    reflection_pb2,
]
LOCATION = [step_service_pb2, definition_service_pb2, health_pb2, reflection_pb2]


def methods(files: list[Any]) -> list[MethodDescriptor]:
    """The methods of services, as their descriptors list them."""
    return [
        method for file in files for service in file.DESCRIPTOR.services_by_name.values() for method in service.methods
    ]


def path(method: MethodDescriptor) -> str:
    """How a method is called."""
    return f"/{method.containing_service.full_name}/{method.name}"


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


def served(channel: grpc.Channel, files: list[Any], token: str | None) -> Iterator[tuple[str, str]]:
    """Every method, and what a caller gets."""
    for method in methods(files):
        yield path(method), answer(channel, method, token)
