"""Tasks: steps that are no assets."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar, NoReturn

from rivers.definitions import composition, declared
from rivers.definitions.asset import Function
from rivers.definitions.handlers import IOHandler, declared_io_handler
from rivers.definitions.partitioning import Partitions, declared_mappings, declared_partitions
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.signature import Signature
from rivers.errors import TaskDefinitionError
from rivers.partitions.mapping import PartitionMapping


class Task:
    """A reusable step. `@rs.Task`, `@rs.Task(...)` or `rs.Task(function)`; called, it runs the function.

    In the body of a graph asset a call records a node. Without a function it is a decorator: each function that it
    decorates becomes a task of its own.
    """

    is_command: ClassVar[bool] = False

    name: str | None
    tags: list[str] | None
    partitions_def: Partitions
    partition_mapping: dict[Any, PartitionMapping] | None
    io_handler: IOHandler
    retry: RetryPolicy | str | None
    is_async: bool
    function: Function | None
    signature: Signature

    def __init__(
        self,
        wraps: Any | None = None,
        name: str | None = None,
        tags: list[str] | None = None,
        partitions_def: Partitions = None,
        partition_mapping: dict[Any, PartitionMapping] | None = None,
        io_handler: IOHandler = None,
        retry: RetryPolicy | str | None = None,
    ) -> None:
        vars(self).update(
            name=declared.text("name", name),
            tags=declared.texts("tags", tags),
            partitions_def=declared_partitions(partitions_def),
            partition_mapping=declared_mappings(partition_mapping),
            io_handler=declared_io_handler(io_handler),
            retry=declared.retry(retry),
            is_async=False,
            function=None,
        )
        if wraps is not None:
            self._wrap(wraps)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.function is not None:
            recording = composition.active()
            return self.function(*args, **kwargs) if recording is None else recording.call(self, args, kwargs)
        if len(args) != 1 or kwargs:
            raise TaskDefinitionError("a Task without a function decorates one: give it one function")
        task = object.__new__(Task)
        vars(task).update(vars(self))
        task._wrap(args[0])
        return task

    def _wrap(self, function: Any) -> None:
        if not callable(function) or isinstance(function, Task):
            raise TaskDefinitionError(f"Task wraps a function, not {type(function).__name__}")
        name = self.name if self.name is not None else getattr(function, "__name__", None)
        if name is None:
            raise TaskDefinitionError(f"Task needs a name: {function!r} has none of its own")
        try:
            signature = Signature(function)
        except ValueError as error:
            raise TaskDefinitionError(f"Task '{name}': its parameters cannot be read: {error}") from None
        vars(self).update(
            name=name,
            function=function,
            signature=signature,
            is_async=inspect.iscoroutinefunction(function),
            __wrapped__=function,
            __doc__=function.__doc__,
            __module__=getattr(function, "__module__", self.__module__),
            __qualname__=getattr(function, "__qualname__", name),
        )

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of task {self.name!r} is read-only")

    def __repr__(self) -> str:
        return f"Task({self.name!r})"
