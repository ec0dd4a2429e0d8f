"""What an evaluation function asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rivers.definitions import declared
from rivers.errors import ResultDefinitionError


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run. Without `job_name` it is of the job of the schedule or sensor that asks.

    A `run_key` that the same automation has used already launches nothing; without one every request does.
    """

    run_key: str | None = None
    tags: dict[str, str] | None = None
    partition_key: str | None = None
    job_name: str | None = None

    def __post_init__(self) -> None:
        declared.text("run_key", self.run_key)
        declared.text("partition_key", self.partition_key)
        declared.text("job_name", self.job_name)
        object.__setattr__(self, "tags", declared.tags(self.tags))


@dataclass(frozen=True, slots=True)
class BackfillRequest:
    """One backfill, with the arguments of `CodeRepository.backfill`, which checks them when it is submitted.

    `failure_policy=None` means `"continue"`.
    """

    selection: list[str]
    partition_keys: list[Any] | None = None
    partition_range: Any = None
    strategy: Any = None
    failure_policy: str | None = None
    max_concurrency: int = 4
    tags: dict[str, str] | None = None
    action: str | None = None

    def __post_init__(self) -> None:
        selection = declared.texts("selection", self.selection)
        if selection is None:
            raise TypeError("selection must be a list of str, not None")
        object.__setattr__(self, "selection", selection)
        object.__setattr__(self, "tags", declared.tags(self.tags))
        declared.text("failure_policy", self.failure_policy)
        declared.text("action", self.action)
        if isinstance(self.max_concurrency, bool) or not isinstance(self.max_concurrency, int):
            raise TypeError(f"max_concurrency must be an int, not {type(self.max_concurrency).__name__}")


Request: TypeAlias = RunRequest | BackfillRequest


@dataclass(frozen=True, slots=True)
class SkipReason:
    """Nothing is to be done, and why."""

    message: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.message, str):
            raise TypeError(f"message must be a str, not {type(self.message).__name__}")


@dataclass(frozen=True, slots=True, init=False)
class SensorResult:
    """Requests, or a reason for none; and the cursor that the next evaluation is given.

    Raises `ResultDefinitionError` for requests together with a skip reason.
    """

    run_requests: list[Request] | None
    skip_reason: SkipReason | None
    cursor: str | None

    def __init__(
        self,
        run_requests: Sequence[Request] | None = None,
        skip_reason: str | SkipReason | None = None,
        cursor: str | None = None,
    ) -> None:
        if run_requests is not None and (isinstance(run_requests, str) or not isinstance(run_requests, Sequence)):
            raise TypeError(f"run_requests must be a list of requests or None, not {type(run_requests).__name__}")
        if skip_reason is not None and not isinstance(skip_reason, (str, SkipReason)):
            raise TypeError(f"skip_reason must be a str, a SkipReason or None, not {type(skip_reason).__name__}")
        if run_requests and skip_reason is not None:
            raise ResultDefinitionError("SensorResult cannot have both run_requests and skip_reason")
        reason = SkipReason(skip_reason) if isinstance(skip_reason, str) else skip_reason
        object.__setattr__(self, "run_requests", None if run_requests is None else list(run_requests))
        object.__setattr__(self, "skip_reason", reason)
        object.__setattr__(self, "cursor", declared.text("cursor", cursor))
