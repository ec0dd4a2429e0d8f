"""What a worker reports of its attempt: the sink of its steps, and the target of what they log."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from codeloc.frames import FrameKind, encode_frame
from codeloc.interrupts import Interrupts
from rivers.v1 import run_pb2
from rivers.v1.step_service_pb2 import (
    AttemptEnded,
    AttemptEvent,
    AttemptLog,
    AttemptMappedItems,
    AttemptPartitionsChanged,
)
from rivers.wire.failures import printable
from rivers.wire.steps import encode_materialized, encode_observed, encode_partition_failed
from rivers.wire.times import encode_time

if TYPE_CHECKING:
    from rivers.lifecycle.events import MetadataEntry
    from rivers.lifecycle.states import LogStream
    from rivers.partitions.key import PartitionKey

#: Events of a step that has run for less time leave together with its end.
_QUICK = 0.003


class Reporter:
    """Frames events of the present attempt. Logging may come from any thread; of a forked child nothing is taken."""

    def __init__(self, channel: socket.socket, interrupts: Interrupts) -> None:
        self._channel = channel
        self._interrupts = interrupts
        self._lock = threading.RLock()
        self._buffer = bytearray()
        self._pid = os.getpid()
        self._token = 0
        self._began = 0.0
        self._is_open = False

    def begin(self, token: int) -> None:
        """Events are of this attempt from here on."""
        self._token = token
        self._began = time.monotonic()
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether an attempt is under way, in this process."""
        return self._is_open and os.getpid() == self._pid

    def ended(self, ended: AttemptEnded) -> None:
        """The last event."""
        self._is_open = False
        self._send(AttemptEvent(ended=ended), at_once=True)

    # -- StepSink ---------------------------------------------------------------------------------------------------

    def started(self) -> None:
        """The supervisor has said so already, before it handed the attempt over."""

    def materialized(
        self,
        node: str,
        metadata: tuple[MetadataEntry, ...],
        data_version: str,
        partition_key: PartitionKey | None = None,
        has_value: bool = True,
    ) -> None:
        """An output is stored."""
        stored = encode_materialized(node, metadata, data_version, partition_key, has_value)
        self._send(AttemptEvent(materialized=stored))

    def observed(
        self,
        node: str,
        metadata: tuple[MetadataEntry, ...],
        data_version: str | None,
        partition_key: PartitionKey | None = None,
    ) -> None:
        """Something was seen of an asset."""
        self._send(AttemptEvent(observed=encode_observed(node, metadata, data_version, partition_key)))

    def mapped(self, node: str, keys: tuple[str, ...]) -> None:
        """Elements of a fan-out are known."""
        self._send(AttemptEvent(mapped_items=AttemptMappedItems(node=node, keys=keys)))

    def partition_failed(self, node: str, partition_key: PartitionKey, error: str) -> None:
        """One of the partitions failed, as the author's code said."""
        self._send(AttemptEvent(partition_failed=encode_partition_failed(node, partition_key, printable(error))))

    def partitions_changed(self, name: str, keys: Sequence[str], is_removal: bool) -> None:
        """Keys of dynamic partitions are added or removed."""
        changed = AttemptPartitionsChanged(name=name, keys=keys, is_removal=is_removal)
        self._send(AttemptEvent(partitions_changed=changed), at_once=True)

    # -- Target of captured output ----------------------------------------------------------------------------------

    def write(self, stream: LogStream, text: str) -> None:
        """A record of Python logging, or a traceback."""
        log = AttemptLog(stream=cast("run_pb2.LogStream.ValueType", int(stream)), text=printable(text))
        self._send(AttemptEvent(log=log), at_once=True)

    def _send(self, event: AttemptEvent, *, at_once: bool = False) -> None:
        if os.getpid() != self._pid:
            return
        event.token = self._token
        event.time.CopyFrom(encode_time(time.time_ns()))
        with self._interrupts.held(), self._lock:
            self._buffer += encode_frame(FrameKind.EVENT, event.SerializeToString())
            if at_once or time.monotonic() - self._began > _QUICK:
                frames, self._buffer = self._buffer, bytearray()
                self._channel.sendall(frames)
