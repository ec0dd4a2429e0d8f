"""Starts the processes of a location."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from codeloc.launch import CHANNEL, Launch


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of a process's channel and output pipes that belong to the process itself."""

    channel: socket.socket
    stdout: int
    stderr: int

    def close(self) -> None:
        """Closes this process's copies."""
        self.channel.close()
        os.close(self.stdout)
        os.close(self.stderr)


def open_ends() -> tuple[Ends, Ends]:
    """The supervisor's ends and the process's."""
    ours, theirs = socket.socketpair()
    out, out_writer = os.pipe()
    err, err_writer = os.pipe()
    return Ends(ours, out, err), Ends(theirs, out_writer, err_writer)


def spawn(role: str, launch: Launch, ends: Ends, environment: Mapping[str, str]) -> int:
    """Starts an interpreter that leads a process group of its own, reads nothing, and has its channel; its pid.

    Neither fork nor threads are involved, so it is safe beside gRPC.
    """
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", "codeloc", role, launch.encode()],
        environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, ends.stdout, 1),
            (os.POSIX_SPAWN_DUP2, ends.stderr, 2),
            (os.POSIX_SPAWN_DUP2, ends.channel.fileno(), CHANNEL),
        ],
        setpgroup=0,
        setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE],
    )
