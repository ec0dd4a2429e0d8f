"""What travels to a worker process and back: a step with everything that its call needs, and what came of it."""

from __future__ import annotations

import operator
import os
import pickle
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rivers.definitions.binding import BoundStep
from rivers.driver import main_module
from rivers.driver.calls import NodeHandlers
from rivers.driver.step_outline import outline_of, whole_step
from rivers.errors import ExecutionError
from rivers.io_handlers.handler import BaseIOHandler
from rivers.kernel import InputReference, StepCall, StepEnd
from rivers.kernel.references import dumps, loads, travels
from rivers.kernel.travelling_exception import annotate, portable
from rivers.lifecycle.states import AttemptOutcome, LogStream


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker takes over from its parent before each call: a worker lives longer than a run."""

    directory: str
    path: tuple[str, ...]
    environment: Mapping[str, str]
    classes: main_module.Classes = ()

    @classmethod
    def here(cls) -> Surroundings:
        """Those of this process."""
        return cls(os.getcwd(), tuple(sys.path), dict(os.environ), main_module.packed())

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
    """One call of a step in another process; `call` makes it, given attempt, token and resources."""

    step: BoundStep
    facts: tuple[Any, ...]
    outputs: Mapping[str, BaseIOHandler]
    inputs: Mapping[str, BaseIOHandler]
    resources: Mapping[str, Any]

    def for_output(self, call: StepCall, node: str) -> BaseIOHandler:
        """The handler that stores a node."""
        return self.outputs[node]

    def for_input(self, call: StepCall, reference: Any) -> BaseIOHandler:
        """The handler that loads an input."""
        return self.outputs[reference.node] if reference.parameter == "self" else self.inputs[reference.node]

    def call(self, attempt: int, token: int, resources: Mapping[str, Any]) -> StepCall:
        """The call, complete."""
        run_id, step_key, outputs, inputs, config, tags, *others = self.facts
        references = tuple([InputReference(*one) for one in inputs])
        return StepCall(
            run_id, step_key, attempt, token, self.step, outputs, references, resources, config, tags, self, *others
        )


#: One thing that a sink was told: the name of its method and the arguments.
Told = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an errand. `refusal` says why it was not begun; `is_stale` that a fresh worker may do better."""

    told: Sequence[Told] = ()
    end: StepEnd | None = None
    logs: Sequence[tuple[LogStream, str]] = ()
    refusal: str = ""
    is_stale: bool = False


def surroundings() -> bytes:
    """The surroundings of this process, packed."""
    return dumps(Surroundings.here())


def pack(call: StepCall, handlers: NodeHandlers) -> bytes:
    """A call on its way to a worker. Raises whatever keeps a part of it from travelling."""
    step = call.step
    outline, function = outline_of(step)
    facts = (
        call.run_id,
        call.step_key,
        call.outputs,
        tuple([_fields_of(one) for one in call.inputs]),
        call.config,
        call.tags,
        call.partition,
        call.metadata,
        call.mapping_key,
        call.mapping_index,
        call.partition_key,
        call.registered,
    )
    outputs = {node: handlers.of_output(call.defined(node)) for node in call.outputs}
    inputs = {one.node: handlers.of_input(step.definition.key, one.node) for one in call.inputs}
    resources = {name: _travelling(call.resources[name]) for name in step.definition.resources}
    return dumps((outline, function, facts, outputs, inputs, resources))


def unpack(data: bytes) -> Errand:
    """What `pack` packed."""
    outline, function, *rest = loads(data)
    return Errand(whole_step(outline, function), *rest)


def pack_reply(reply: Reply) -> bytes:
    """A reply on its way back. Of an exception goes what can travel, its description in any case."""
    end = reply.end
    if end is None:
        return pickle.dumps((reply.refusal, reply.is_stale))
    if end.failure is None:
        return pickle.dumps((reply.told, reply.logs, None))
    exception = None if end.exception is None else portable(end.exception, travels)
    packed = b"" if exception is None else dumps(exception)
    return pickle.dumps((reply.told, reply.logs, (end.outcome, end.failure, packed, end.failures)))


def unpack_reply(data: bytes) -> Reply:
    """What `pack_reply` packed, with an exception in the place of one that could not travel."""
    facts = pickle.loads(data)
    if len(facts) == 2:
        refusal, is_stale = facts
        return Reply(refusal=refusal, is_stale=is_stale)
    told, logs, failed = facts
    if failed is None:
        return Reply(told, _SUCCEEDED, logs)
    outcome, failure, packed, failures = failed
    error = _exception(packed) or ExecutionError(failure.message)
    if failure.traceback:
        annotate(error, f"In a worker process:\n{failure.traceback}")
    return Reply(told, StepEnd(outcome, failure, error, failures), logs)


def _exception(packed: bytes) -> BaseException | None:
    """What was raised; `None` when it did not travel, or is not known here."""
    try:
        error: BaseException | None = loads(packed) if packed else None
    except Exception:  # the author's module is another one here
        return None
    return error


def _travelling(resource: Any) -> Any:
    """A resource on its way; handlers and plain objects travel as they are."""
    if isinstance(resource, BaseIOHandler) or not hasattr(type(resource), "model_fields"):
        return resource
    return ResourceFields(type(resource), {name: getattr(resource, name) for name in type(resource).model_fields})


_SUCCEEDED = StepEnd(AttemptOutcome.SUCCEEDED)
_fields_of = operator.attrgetter(*InputReference.__slots__)
