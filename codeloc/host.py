"""The host: imports the user's module once, tells its definitions, and forks workers that have it loaded."""

from __future__ import annotations

import gc
import os
import socket
import sys
from typing import TYPE_CHECKING, NoReturn

from codeloc.frames import FrameKind, encode_frame
from codeloc.launch import CHANNEL, REQUEST, Launch
from codeloc.loading import flush_streams, load, load_failure
from codeloc.prctl import die_with, name_process
from codeloc.worker import run_forked
from rivers.v1.definition_service_pb2 import GetSnapshotResponse
from rivers.wire.definitions import encode_snapshot

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository


def run_host(launch: Launch) -> NoReturn:
    """Serves until the supervisor closes the channel."""
    channel = socket.socket(fileno=CHANNEL)
    channel.set_inheritable(False)
    die_with(launch.supervisor)
    name_process("rivers-host")
    try:
        bound = load(launch)
        parts = [encode_frame(FrameKind.PART, part.SerializeToString()) for part in encode_snapshot(bound.snapshot)]
    except BaseException as error:  # the end of user code: the answer is what it did
        failure = GetSnapshotResponse(load_failure=load_failure(launch, error))
        channel.sendall(encode_frame(FrameKind.PART, failure.SerializeToString()))
        _leave(1)
    for part in parts:
        channel.sendall(part)
    channel.sendall(encode_frame(FrameKind.LOADED))
    del parts
    gc.collect()
    gc.freeze()  # pages that no collection touches stay shared with the workers
    while True:
        request, descriptors, *_ = socket.recv_fds(channel, REQUEST.size, 3, socket.MSG_CMSG_CLOEXEC)
        if not request:
            _leave(0)
        refusal = _why_not() or _fork(launch, bound, channel, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        if refusal:
            channel.sendall(encode_frame(FrameKind.REFUSED, request + refusal.encode()))


def _why_not() -> str:
    """Why this process must not be forked: what threads hold at that moment would be held in the child for ever."""
    threads = len(os.listdir("/proc/self/task"))
    if threads > 1:
        return f"the module has started {threads - 1} threads"
    if "grpc" in sys.modules:
        return "the module has imported grpc"
    return ""


def _fork(launch: Launch, bound: BoundRepository, channel: socket.socket, descriptors: list[int]) -> str:
    """Forks twice, so that the worker becomes a child of the supervisor, which then sees how it ends."""
    flush_streams()
    try:
        middle = os.fork()
    except OSError as error:
        return f"no process can be forked: {error}"
    if middle == 0:
        known, is_known = os.pipe()
        try:
            if os.fork():
                os.close(is_known)
                os.read(known, 1)  # nothing comes: it ends when the worker has said its pid, or is dead
                os._exit(0)
        except OSError:
            os._exit(1)
        os.close(known)
        channel.close()
        run_forked(launch, bound, is_known, *descriptors)
    _, status = os.waitpid(middle, 0)
    return "no process can be forked" if status else ""


def _leave(code: int) -> NoReturn:
    flush_streams()
    os._exit(code)
