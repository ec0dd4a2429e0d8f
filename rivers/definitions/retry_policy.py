"""Retry policies as authors write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from rivers.definitions.backoff import Backoff
from rivers.definitions.closed_set import ClosedSet
from rivers.definitions.compute import ComputeEscalation
from rivers.definitions.failure_reason import FailureReason
from rivers.definitions.snapshot import RetryDefinition


class RetryOn(ClosedSet):
    """Presets of what is tried again."""

    ALL = 0
    TRANSIENT = 1


RetryFilter: TypeAlias = RetryOn | Sequence[type[BaseException] | FailureReason] | None

_TRANSIENT = (FailureReason.OUT_OF_MEMORY, FailureReason.TIMEOUT, FailureReason.INFRASTRUCTURE)


class RetryPolicy:
    """How often, after which wait and after which failures a step is tried again.

    The nearest policy wins whole: asset or task, then job or run, then repository default.
    """

    __slots__ = ("_backoff", "_definition", "_escalate", "_max_retries", "_retry_on")

    def __init__(
        self,
        max_retries: int = 1,
        *,
        backoff: Backoff | None = None,
        retry_on: RetryFilter = None,
        escalate: ComputeEscalation | None = None,
    ) -> None:
        if isinstance(max_retries, bool) or not isinstance(max_retries, int):
            raise TypeError(f"max_retries must be an int, not {type(max_retries).__name__}")
        if max_retries < 0:
            raise OverflowError(f"max_retries must not be negative, got {max_retries}")
        if max_retries >= 1 << 31:
            raise OverflowError(f"max_retries must fit 32 bits, got {max_retries}")
        if backoff is not None and not isinstance(backoff, Backoff):
            raise TypeError(f"backoff must be a Backoff, not {type(backoff).__name__}")
        if escalate is not None and not isinstance(escalate, ComputeEscalation):
            raise TypeError(f"escalate must be a ComputeEscalation, not {type(escalate).__name__}")
        self._max_retries = max_retries
        self._backoff = backoff
        self._escalate = escalate
        self._retry_on = retry_on
        self._definition = self._freeze()

    @property
    def max_retries(self) -> int:
        """Attempts after the first."""
        return self._max_retries

    @property
    def escalate(self) -> ComputeEscalation | None:
        """How memory grows on a retry."""
        return self._escalate

    @property
    def definition(self) -> RetryDefinition:
        """The policy as frozen data."""
        return self._definition

    def _freeze(self) -> RetryDefinition:
        filtered = _filter(self._retry_on)
        reasons: tuple[str, ...] | None = None
        types: tuple[str, ...] | None = None
        if filtered is not None:
            if self._escalate is not None:
                filtered[0].extend(reason for reason in self._escalate.on or () if reason not in filtered[0])
            reasons = tuple(reason.name.lower() for reason in filtered[0])
            types = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in filtered[1])
            if reasons or types:  # nothing of one sort is the same as not speaking of it
                reasons, types = reasons or None, types or None
        backoff = self._backoff
        if backoff is None:
            return RetryDefinition(self._max_retries, reasons=reasons, exception_types=types)
        return RetryDefinition(
            self._max_retries,
            backoff=backoff.kind,
            delay=backoff.delay,
            initial=backoff.initial,
            factor=backoff.factor,
            schedule=backoff.schedule,
            jitter=backoff.jitter,
            max_delay=backoff.max_delay,
            reasons=reasons,
            exception_types=types,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RetryPolicy):
            return NotImplemented
        return self._definition == other._definition and self._escalate == other._escalate

    def __hash__(self) -> int:
        return hash(self._definition)

    def __repr__(self) -> str:
        return f"RetryPolicy(max_retries={self._max_retries})"


def _filter(given: RetryFilter) -> tuple[list[FailureReason], list[type[BaseException]]] | None:
    """Reasons and exception types; `None` for everything."""
    if given is None or given is RetryOn.ALL:
        return None
    if given is RetryOn.TRANSIENT:
        return list(_TRANSIENT), []
    reasons: list[FailureReason] = []
    types: list[type[BaseException]] = []
    if isinstance(given, RetryOn) or not isinstance(given, Sequence):
        raise TypeError("retry_on must be a RetryOn preset or a sequence of exception types and FailureReason values")
    for element in given:
        if isinstance(element, FailureReason):
            reasons.append(element)
        elif isinstance(element, type) and issubclass(element, BaseException):
            types.append(element)
        else:
            raise TypeError("retry_on elements must be exception types or FailureReason values")
    return reasons, types
