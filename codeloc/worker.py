"""A worker: runs one attempt after another, in a process of its own that has the user's module loaded."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from codeloc.forks import Original
from codeloc.frames import FrameKind, FrameReader, encode_frame
from codeloc.interrupts import Interrupts, Stopped
from codeloc.launch import CHANNEL, Launch
from codeloc.loading import flush_streams, load
from codeloc.prctl import adopt_orphans, die_with, flush_c_streams, name_process
from codeloc.reporter import Reporter
from codeloc.step_work import StepWork
from codeloc.storage import STORAGE
from codeloc.values import LocationValues
from codeloc.zombies import bury_many
from rivers.lifecycle.states import AttemptOutcome
from rivers.v1.step_service_pb2 import Assign, AttemptEnded, CallHooks
from rivers.wire.steps import encode_ended

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository


def run_spawned(launch: Launch) -> NoReturn:
    """A worker in an interpreter of its own, which has yet to import the module."""
    channel = socket.socket(fileno=CHANNEL)
    channel.set_inheritable(False)
    die_with(launch.supervisor)
    _run(launch, load(launch), channel)


def run_forked(
    launch: Launch, bound: BoundRepository, is_known: int, channel: int, stdout: int, stderr: int
) -> NoReturn:
    """A worker in a fork of the host. It never returns into what the host was doing.

    Its parent lets go of it when `is_known` is closed.
    """
    try:
        os.setpgid(0, 0)
        connection = socket.socket(fileno=channel)
        connection.sendall(encode_frame(FrameKind.FORKED, os.getpid().to_bytes(8)))
        os.close(is_known)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.close(stdout)
        os.close(stderr)
        die_with(launch.supervisor)
        _run(launch, bound, connection)
    except BaseException:
        traceback.print_exc()
        flush_streams()
    finally:
        os._exit(70)


def _run(launch: Launch, bound: BoundRepository, channel: socket.socket) -> NoReturn:
    name_process("rivers-worker")
    # Whatever a step starts stays below its worker, also when the processes between them are gone.
    adopt_orphans()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for stream in (sys.stdout, sys.stderr):  # whole lines, whatever PYTHONUNBUFFERED says: a piece is an event
        with contextlib.suppress(AttributeError, ValueError):  # the module may have put anything in their place
            stream.reconfigure(line_buffering=True, write_through=False)  # type: ignore[union-attr]
    interrupts = Interrupts(FrameReader(channel))
    interrupts.install()
    reporter = Reporter(channel, interrupts)
    STORAGE.connect(reporter)
    original = Original()
    work = StepWork(bound, LocationValues(bound, Path(launch.values), original.insist))
    channel.sendall(encode_frame(FrameKind.READY, bound.snapshot.digest.encode()))
    while (frame := interrupts.next_frame()) is not None:
        if frame[0] == FrameKind.ASSIGN:
            assign = Assign.FromString(frame[1])
            reporter.begin(assign.token)
            ended = _attempt(assign, work, reporter, interrupts)
            original.insist()
            flush_streams()
            flush_c_streams()
            reporter.ended(ended)
            bury_many()
        elif frame[0] == FrameKind.HOOKS:
            work.call_hooks(CallHooks.FromString(frame[1]))
            original.insist()
            flush_streams()
            flush_c_streams()
            channel.sendall(encode_frame(FrameKind.HOOKED))
            bury_many()
    work.close()
    flush_streams()
    os._exit(0)


def _attempt(assign: Assign, work: StepWork, reporter: Reporter, interrupts: Interrupts) -> AttemptEnded:
    try:
        interrupts.arm(assign.token)
        ended = work.run(assign, reporter)
        interrupts.disarm()
    except Stopped:
        interrupts.disarm()
        return encode_ended(AttemptOutcome.STOPPED)
    return ended
