"""What travels to a worker process and back: a step with everything that its call needs, and what came of it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rivers.definitions.binding import BoundStep
from rivers.driver.calls import NodeHandlers
from rivers.errors import ExecutionError
from rivers.io_handlers.handler import BaseIOHandler
from rivers.kernel import StepCall, StepEnd
from rivers.kernel.references import dumps, loads, travels
from rivers.kernel.travelling_exception import annotate, portable
from rivers.lifecycle.states import LogStream


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker takes over from its parent before each call: a worker lives longer than a run."""

    directory: str
    path: tuple[str, ...]
    environment: Mapping[str, str]

    @classmethod
    def here(cls) -> Surroundings:
        """Those of this process."""
        return cls(os.getcwd(), tuple(sys.path), dict(os.environ))

    def enter(self) -> None:
        """Makes this process like that."""
        if os.getcwd() != self.directory:
            os.chdir(self.directory)
        if tuple(sys.path) != self.path:
            sys.path[:] = self.path
        if dict(os.environ) != self.environment:
            for name in os.environ.keys() - self.environment.keys():
                del os.environ[name]
            os.environ.update(self.environment)


class Owner:
    """Stands for an asset or task in a worker: the names that contexts show."""

    def __init__(self, name: Any, group: Any, code_version: Any, hints: Mapping[str, Any]) -> None:
        self.name = name
        self.group = group
        self.code_version = code_version
        self.output_defs = [_Output(name, hint) for name, hint in hints.items()]


@dataclass(frozen=True, slots=True)
class _Output:
    name: str
    type_hint: Any


@dataclass(frozen=True, slots=True)
class ResourceFields:
    """A resource as its class and fields. What `setup` made of it stays where it was made."""

    kind: Any
    values: Mapping[str, Any]

    def rebuild(self) -> Any:
        """The resource, not set up."""
        return self.kind.model_construct(**self.values)


@dataclass(frozen=True, slots=True)
class Errand:
    """One call of a step in another process, without its attempt and token."""

    call: StepCall
    outputs: Mapping[str, BaseIOHandler]
    inputs: Mapping[str, BaseIOHandler]
    resources: Mapping[str, Any]

    def for_output(self, call: StepCall, node: str) -> BaseIOHandler:
        """The handler that stores a node."""
        return self.outputs[node]

    def for_input(self, call: StepCall, reference: Any) -> BaseIOHandler:
        """The handler that loads an input."""
        return self.outputs[reference.node] if reference.parameter == "self" else self.inputs[reference.node]


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a sink was told: the name of its method and the arguments."""

    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an errand. `refusal` says why it was not begun; `is_stale` that a fresh worker may do better."""

    told: tuple[Told, ...] = ()
    end: StepEnd | None = None
    logs: tuple[tuple[LogStream, str], ...] = ()
    refusal: str = ""
    is_stale: bool = False


def surroundings() -> bytes:
    """The surroundings of this process, packed."""
    return dumps(Surroundings.here())


def pack(call: StepCall, handlers: NodeHandlers) -> bytes:
    """A call on its way to a worker. Raises whatever keeps a part of it from travelling."""
    step, owner = call.step, call.step.owner
    hints = {one.name: one.type_hint for one in getattr(owner, "output_defs", ())}
    stand_in: Any = Owner(owner.name, getattr(owner, "group", None), getattr(owner, "code_version", None), hints)
    travelling = BoundStep(
        step.definition,
        step.function,
        stand_in,
        step.parameters,
        step.return_annotation,
        {},
        step.config_class,
        {},
    )
    resources = {name: _fields(call.resources[name]) for name in step.definition.resources}
    errand = Errand(
        _replaced(call, step=travelling, resources={}, values=None),
        {node: handlers.of_output(call.defined(node)) for node in call.outputs},
        {one.node: handlers.of_input(step.definition.key, one.node) for one in call.inputs},
        resources,
    )
    return dumps(errand)


def unpack(data: bytes) -> Errand:
    """What `pack` packed."""
    errand: Errand = loads(data)
    return errand


def pack_reply(reply: Reply) -> bytes:
    """A reply on its way back. Of an exception goes what can travel, its description in any case."""
    end = reply.end
    if end is not None and end.exception is not None:
        end = StepEnd(end.outcome, end.failure, portable(end.exception, travels), end.failures)
        reply = Reply(reply.told, end, reply.logs)
    return dumps(reply)


def unpack_reply(data: bytes) -> Reply:
    """What `pack_reply` packed, with an exception in the place of one that could not travel."""
    reply: Reply = loads(data)
    end = reply.end
    if end is None or end.failure is None:
        return reply
    error = end.exception or ExecutionError(end.failure.message)
    if end.failure.traceback:
        annotate(error, f"In a worker process:\n{end.failure.traceback}")
    return Reply(reply.told, StepEnd(end.outcome, end.failure, error, end.failures), reply.logs)


def call_of(errand: Errand, attempt: int, token: int, resources: Mapping[str, Any]) -> StepCall:
    """The call, complete."""
    return _replaced(errand.call, attempt=attempt, token=token, values=errand, resources=resources)


def _replaced(call: StepCall, **changes: Any) -> StepCall:
    names = StepCall.__slots__
    return StepCall(**{name: changes[name] if name in changes else getattr(call, name) for name in names})


def _fields(resource: Any) -> Any:
    """A resource on its way; handlers and plain objects travel as they are."""
    if isinstance(resource, BaseIOHandler) or not hasattr(type(resource), "model_fields"):
        return resource
    return ResourceFields(type(resource), {name: getattr(resource, name) for name in type(resource).model_fields})
