"""Tasks that run a command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from rivers.definitions import declared
from rivers.definitions.handlers import IOHandler
from rivers.definitions.retry_policy import RetryPolicy
from rivers.definitions.signature import Signature
from rivers.definitions.task import Task
from rivers.errors import TaskDefinitionError
from rivers.partitions.mapping import PartitionMapping


@dataclass(frozen=True, slots=True)
class Command:
    """What a shell is told, or a program with its arguments. Called with whatever arguments, it runs."""

    command: str | tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None

    def __call__(self, *_: Any, **__: Any) -> str:
        # by name: definitions start no processes
        output: str = import_module("rivers.kernel.command").run(self)
        return output


class BashTask(Task):
    """A command as a task; its value is what the command writes to standard output, without trailing newlines.

    `command` is told to `sh` when it is a text; a list is a program with its arguments, run without a shell. `env` is
    added to the environment, `cwd` is the working directory, by default that of the process. A command that fails is an
    `OSError` with what it wrote to standard error.
    """

    is_command = True

    command: str | list[str]
    env: dict[str, str] | None
    cwd: str | None

    def __init__(
        self,
        name: str,
        command: str | list[str],
        env: dict[str, str] | None = None,
        cwd: str | None = None,
        tags: list[str] | None = None,
        partition_mapping: dict[Any, PartitionMapping] | None = None,
        io_handler: IOHandler = None,
        retry: RetryPolicy | str | None = None,
    ) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, not {type(name).__name__}")
        super().__init__(name=name, tags=tags, partition_mapping=partition_mapping, io_handler=io_handler, retry=retry)
        argv = _command(command)
        variables = _environment(env)
        function = Command(argv, tuple((variables or {}).items()), declared.text("cwd", cwd))
        vars(self).update(
            command=argv if isinstance(argv, str) else list(argv),
            env=variables,
            cwd=cwd,
            function=function,
            signature=Signature(function),
        )

    if TYPE_CHECKING:

        def __call__(self, *args: Any, **kwargs: Any) -> str: ...

    def __repr__(self) -> str:
        return f"BashTask({self.name!r})"


def _command(command: Any) -> str | tuple[str, ...]:
    if isinstance(command, str):
        return command
    if not isinstance(command, (list, tuple)) or not all(isinstance(part, str) for part in command):
        raise TypeError(f"command must be a str or a list of str, not {type(command).__name__}")
    if not command:
        raise TaskDefinitionError("command list must not be empty")
    return tuple(command)


def _environment(env: Any) -> dict[str, str] | None:
    if env is None:
        return None
    if not isinstance(env, Mapping) or not all(isinstance(part, str) for pair in env.items() for part in pair):
        raise TypeError("env must be a dict[str, str] or None")
    return dict(env)
