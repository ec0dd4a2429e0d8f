"""Jobs as authors declare them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rivers.definitions import declared
from rivers.definitions.asset import Asset
from rivers.definitions.executor import Executor
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.task import Task
from rivers.errors import ExecutionError, GraphValidationError

if TYPE_CHECKING:
    from rivers.partitions.key import PartitionKey
    from rivers.repository.run_result import RunResult

Member: TypeAlias = Asset | Task


class JobNotValidatedError(ExecutionError, ValueError):
    """A job outside a repository cannot be executed."""


class Job:
    """A named selection. What is given to a repository stays a declaration: run it through `get_job(name)`."""

    __slots__ = ("_action", "_launch", "_name", "allow_incomplete_deps", "assets", "executor", "retry")

    def __init__(
        self,
        name: str,
        assets: Sequence[Member],
        executor: Executor | None = None,
        allow_incomplete_deps: bool = False,
        retry: RetryPolicy | str | None = None,
        action: str | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}")
        members = list(assets)
        if not all(isinstance(member, (Asset, Task)) for member in members):
            raise GraphValidationError("Job assets must be Asset, Task, or BashTask instances")
        if not members:
            raise GraphValidationError(f"Job '{name}' got an empty asset list: name at least one asset or task")
        if executor is not None and not isinstance(executor, Executor):
            raise TypeError(f"executor must be an Executor or None, not {type(executor).__name__}")
        declared.absent("action", action)
        self._name = name
        self._action = action
        self._launch: Callable[..., Any] | None = None
        self.assets = tuple(members)
        self.executor = executor
        self.allow_incomplete_deps = bool(allow_incomplete_deps)
        self.retry = declared.retry(retry)

    @property
    def name(self) -> str:
        """The name."""
        return self._name

    @property
    def action(self) -> str | None:
        """The verb that the job runs; `None` for materialize."""
        return self._action

    def execute(
        self,
        partition_key: PartitionKey | None = None,
        tags: list[tuple[str, str]] | None = None,
        config: dict[str, Any] | None = None,
        raise_on_error: bool = True,
    ) -> RunResult:
        """Runs now and returns the result."""
        if self._launch is None:
            raise JobNotValidatedError(
                f"Job '{self._name}' has not been validated: register it with a CodeRepository "
                f"and execute what get_job('{self._name}') returns"
            )
        result: RunResult = self._launch(self._name, partition_key, tags, config, raise_on_error)
        return result

    def bind(self, launch: Callable[..., Any]) -> Job:
        """A copy that runs through the repository that it is registered with."""
        job = object.__new__(Job)
        for name in Job.__slots__:
            object.__setattr__(job, name, getattr(self, name))
        job._launch = launch
        return job

    def __repr__(self) -> str:
        return f"Job({self._name!r})"
