"""Runs the command of a task in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rivers.definitions.bash_task import Command

#: Seconds for which output of a killed command is waited for.
_DRAIN = 1.0


def run(command: Command) -> str:
    """What the command writes to standard output, without trailing newlines. What it writes to standard error is
    passed on as it comes. `OSError` when it cannot be started, fails, or is killed."""
    with subprocess.Popen(
        ["sh", "-c", command.command] if isinstance(command.command, str) else command.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=command.cwd,
        env={**os.environ, **dict(command.env)} if command.env else None,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        written: list[bytes] = []
        reader = threading.Thread(target=_read, args=(process.stdout, written), name="rivers-command", daemon=True)
        try:
            reader.start()
            complaint = _pass_on(process.stderr)
            reader.join()
            code = process.wait()
        except BaseException:  # the step is to end: so does all that the command has started
            _kill(process.pid)
            if reader.ident is not None:
                reader.join(_DRAIN)  # before what it reads is closed
            raise
    if code:
        raise OSError(f"Command failed with {_story(code)}: {complaint.strip()}")
    return b"".join(written).decode(errors="replace").rstrip("\n")


def _read(stream: IO[bytes], written: list[bytes]) -> None:
    with suppress(ValueError, OSError):  # it was closed: the command is killed, and a process that left it still writes
        written.append(stream.read())


def _pass_on(stream: IO[bytes]) -> str:
    """All that is written to the stream, which this process's standard error gets line by line."""
    lines = []
    for line in stream:
        lines.append(line.decode(errors="replace"))
        sys.stderr.write(lines[-1])
    return "".join(lines)


def _story(code: int) -> str:
    if code > 0:
        return f"exit status: {code}"
    try:
        return f"signal: {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal: {-code}"


def _kill(pid: int) -> None:
    """Kills a process and its descendants, each before those that it has started could go on without it."""
    for one in (pid, *list(_descendants(pid))):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _descendants(pid: int) -> Iterator[int]:
    """The processes below a process, as far as this system tells."""
    with suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as file:
        for child in map(int, file.read().split()):
            yield child
            yield from _descendants(child)
