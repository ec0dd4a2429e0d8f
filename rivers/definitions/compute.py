"""What a step asks of the machine that runs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rivers.definitions.failure_reason import FailureReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """Kubernetes quantities, not checked here."""

    cpu: str | None = None
    memory: str | None = None
    gpu: str | None = None

    def __post_init__(self) -> None:
        for name in ("cpu", "memory", "gpu"):
            _check_text(name, getattr(self, name), optional=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputeEscalation:
    """Grows the memory request on a retry, on executors that provision per step."""

    max_memory: str
    factor: float = 2.0
    cpu_factor: float | None = None
    max_cpu: str | None = None
    on: Sequence[FailureReason] | None = None

    def __post_init__(self) -> None:
        _check_text("max_memory", self.max_memory)
        _check_text("max_cpu", self.max_cpu, optional=True)
        reasons = (FailureReason.OUT_OF_MEMORY,) if self.on is None else tuple(self.on)
        if not all(isinstance(reason, FailureReason) for reason in reasons):
            raise TypeError("on elements must be FailureReason values")
        object.__setattr__(self, "on", reasons)


def _check_text(name: str, value: object, *, optional: bool = False) -> None:
    if not isinstance(value, str) and not (optional and value is None):
        raise TypeError(f"{name} must be a str{' or None' if optional else ''}, not {type(value).__name__}")
