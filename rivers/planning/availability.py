"""Which executors can run something in this version."""

from __future__ import annotations

from rivers.definitions.kinds import ExecutorKind
from rivers.definitions.snapshot import ExecutorDefinition
from rivers.errors import ConfigurationError


def check_available(executor: ExecutorDefinition | None) -> None:
    """Raises for one that is accepted in definitions and cannot run anything yet; before anything is stored."""
    if executor is not None and executor.kind == ExecutorKind.KUBERNETES:
        raise ConfigurationError(
            "Executor.kubernetes() is accepted in definitions, but running steps in pods is not available in this "
            "version of rivers",
            remedy="use Executor.parallel() or in_process(), or launch with "
            '{"execution": {"executor": "parallel"}} as config',
            field="executor",
        )
