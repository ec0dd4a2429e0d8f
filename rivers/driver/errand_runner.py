"""What a worker process does: one errand at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from rivers.driver import main_module
from rivers.driver.cargo import Errand, Reply, ResourceFields, Surroundings, Told, pack_reply, unpack
from rivers.kernel import StepEnd, capture, failure_of, run_step
from rivers.kernel.references import StaleModuleError, loads
from rivers.kernel.tracebacks import trace_of
from rivers.lifecycle.states import AttemptOutcome


def run(surroundings: bytes, data: bytes, attempt: int, token: int) -> bytes:
    """Runs a packed errand and returns the packed reply."""
    try:
        _known(surroundings).enter()
        errand = unpack(data)
    except StaleModuleError as error:
        return pack_reply(Reply(refusal=str(error), is_stale=True))
    except BaseException as error:  # importing runs code of the author's
        return pack_reply(Reply(refusal=f"{type(error).__name__}: {error}"))
    heard = _Heard()
    output = capture.Capture()
    with capture.installed():
        mark = capture.begin(output)
        try:
            end = _run(errand, attempt, token, heard)
        finally:
            capture.end(output, mark)
    return pack_reply(Reply(heard.told, end, (*output.take(), *trace_of(end.exception))))


@lru_cache(maxsize=4)
def _known(surroundings: bytes) -> Surroundings:
    """Those of a run are the same for all its steps."""
    known: Surroundings = loads(surroundings)
    known.enter()  # classes may be of modules that are only found from there
    main_module.install(known.classes)
    return known


def _run(errand: Errand, attempt: int, token: int, heard: _Heard) -> StepEnd:
    resources: dict[str, Any] = {}
    set_up: list[Any] = []
    try:
        for name, packed in errand.resources.items():
            resource = packed.rebuild() if isinstance(packed, ResourceFields) else packed
            if _has_life(resource):
                resource.setup()
                set_up.append(resource)
            resources[name] = resource
        return run_step(errand.call(attempt, token, resources), heard)
    except BaseException as error:  # an author's resource
        return StepEnd(AttemptOutcome.FAILED, failure_of(error), error)
    finally:
        for resource in set_up:
            _tear_down(resource)


def _has_life(resource: Any) -> bool:
    from rivers.resources import Resource

    return isinstance(resource, Resource)


def _tear_down(resource: Any) -> None:
    try:
        resource.teardown()
    except Exception:  # swallowed, as at the end of a repository
        import logging

        logging.getLogger("rivers.resources").exception("teardown of %s failed", type(resource).__name__)


class _Heard:
    """A sink that remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def started(self) -> None:
        """The parent knows."""

    def materialized(self, *arguments: Any) -> None:
        self.told.append(("materialized", arguments))

    def observed(self, *arguments: Any) -> None:
        self.told.append(("observed", arguments))

    def mapped(self, *arguments: Any) -> None:
        self.told.append(("mapped", arguments))

    def partition_failed(self, *arguments: Any) -> None:
        self.told.append(("partition_failed", arguments))
