"""Every RPC that there is, found in the generated modules, so that a new one is met by the tests that take all."""

from __future__ import annotations

import importlib
import pkgutil

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

import rivers.v1

#: What a location serves; all else of the contract is the scheduler's. `tests/services/credentials` asks both servers.
_OF_LOCATIONS = {"rivers.v1.StepService", "rivers.v1.DefinitionService"}


def _services() -> list[ServiceDescriptor]:
    found: list[ServiceDescriptor] = []
    for module in pkgutil.iter_modules(rivers.v1.__path__):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(f"rivers.v1.{module.name}").DESCRIPTOR
            found += descriptor.services_by_name.values()
    return found


def path(method: MethodDescriptor) -> str:
    """How a method is called."""
    return f"/{method.containing_service.full_name}/{method.name}"


def _methods(services: list[ServiceDescriptor]) -> list[MethodDescriptor]:
    return [method for service in services for method in service.methods]


OURS = _methods(_services())
_BESIDE = _methods(
    [health_pb2.DESCRIPTOR.services_by_name["Health"], reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]]
)
SCHEDULER = [method for method in OURS if method.containing_service.full_name not in _OF_LOCATIONS] + _BESIDE
LOCATION = [method for method in OURS if method.containing_service.full_name in _OF_LOCATIONS] + _BESIDE
