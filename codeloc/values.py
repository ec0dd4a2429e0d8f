"""Where values live: pickles below the data directory, where the author named no handler."""

from __future__ import annotations

import contextlib
import errno
import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from codeloc.packs import Packs
from codeloc.segments import encode_segment
from rivers.errors import AssetOutputValidationError
from rivers.kernel.tracebacks import text_of
from rivers.partitions.suffix import partition_suffix

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository
    from rivers.io_handlers.handler import BaseIOHandler
    from rivers.kernel import InputReference, StepCall
    from rivers.kernel.io_contexts import InputContext, OutputContext
    from rivers.partitions.context import PartitionContext


#: A full disk is waited for: the body has run, and running it again would not make room.
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
_LOOK = 0.5
#: Bytes from which a value has a file of its own.
LARGE = 1 << 16


class LocationValues:
    """The handlers that authors named, as they are; else what is below the data directory."""

    def __init__(self, bound: BoundRepository, directory: Path, before_output: Callable[[], None]) -> None:
        self._bound = bound
        self._before_output = before_output
        self._directory = directory
        self._packs = Packs()

    def for_output(self, call: StepCall, node: str) -> BaseIOHandler:
        """Which handler stores an output."""
        self._before_output()
        named = self._bound.handler_for(call.defined(node))
        stored = StoredValue(self._directory, call.run_id, call.token, call.partition, self._packs)
        return cast("BaseIOHandler", named or stored)

    def for_input(self, call: StepCall, reference: InputReference) -> BaseIOHandler:
        """Which handler loads an input: of several attempts at the upstream step, the one that was committed counts."""
        named = self._bound.input_handler_for(call.step.definition.key, reference.node)
        run_id, token = reference.producer_run_id, reference.producer_token
        stored = StoredValue(self._directory, run_id, token, call.partition, self._packs)
        return cast("BaseIOHandler", named or stored)


class StoredValue:
    """The values of one attempt: small ones in a pack, else `<directory>/<run>/<node>.<token>`.

    A value belongs to one attempt, so one that outlives its lease overwrites nothing, and is read only when that
    attempt was committed, so by then it is whole. The value of a partition always is a file, which has a second name,
    `<directory>/@partitions/<node>/<partition>.pkl`, by which runs of other partitions find it; it is that of the
    attempt that stored last.
    """

    __slots__ = ("_directory", "_packs", "_partition", "_run_id", "_token")

    def __init__(
        self,
        directory: Path,
        run_id: str,
        token: int,
        partition: PartitionContext | None = None,
        packs: Packs | None = None,
    ) -> None:
        self._directory = directory
        self._run_id = run_id
        self._token = token
        self._partition = partition
        self._packs = packs or Packs()

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Stores a value."""
        data = _pickled(context.asset_name, obj)
        has_said = False
        while True:
            try:
                where = self._store(context, data)
                break
            except OSError as error:
                if error.errno not in _NO_ROOM or not self._could_fit(len(data)):
                    raise
            if not has_said:
                has_said = True
                sys.stderr.write(
                    f"no room for the value of '{context.asset_name}', {len(data)} bytes, below {self._directory}; "
                    "waiting until there is\n"
                )
            time.sleep(_LOOK)
        context.add_output_metadata({**where, "serializer": "pickle", "size_bytes": len(data)})

    def load_input(self, context: InputContext) -> Any:
        """Loads it; what is not there is a `KeyError` of the node."""
        partition = context.partition
        is_own = partition is None or (self._partition is not None and partition.keys == self._partition.keys)
        if is_own and self._token:
            packed = self._packs.load(self._folder, self._token, context.asset_name) if partition is None else None
            if packed is not None:
                return pickle.loads(packed)
            path = self._path(context.asset_name)
        elif partition is not None:
            path = self._path_of_partition(context.asset_name, partition)
        else:
            raise KeyError(context.asset_name)
        try:
            with open(path, "rb") as file:
                return pickle.load(file)
        except FileNotFoundError as error:
            raise KeyError(context.asset_name) from error

    def _store(self, context: OutputContext, data: bytes) -> dict[str, str | int]:
        """Writes a value; returns what there is to say of its place."""
        node = context.asset_name
        if context.partition is None and len(data) < LARGE:
            place = self._packs.append(self._folder, self._token, node, data)
            return {"path": place.path, "offset": place.offset}
        path = self._path(node)
        _write(path, data)
        if context.partition is not None:
            _link(path, self._path_of_partition(node, context.partition))
        return {"path": path}

    def _could_fit(self, size: int) -> bool:
        """Whether it would have room if nothing else were there."""
        disk = os.statvfs(self._directory)
        return size < disk.f_blocks * disk.f_frsize

    @property
    def _folder(self) -> str:
        return f"{self._directory}/{encode_segment(self._run_id)}"

    def _path(self, node: str) -> str:
        return f"{self._folder}/{encode_segment(node)}.{self._token}"

    def _path_of_partition(self, node: str, partition: PartitionContext) -> str:
        name = encode_segment(f"{partition_suffix(partition)}.pkl")
        return f"{self._directory}/@partitions/{encode_segment(node)}/{name}"


def _link(path: str, name: str) -> None:
    """Gives a file a second name, in the place of whichever had it."""
    temporary = f"{name}.{os.getpid()}.new"
    os.makedirs(os.path.dirname(name), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    os.link(path, temporary)
    os.replace(temporary, name)


def _pickled(node: str, obj: Any) -> bytes:
    try:
        return pickle.dumps(obj, protocol=pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        raise
    except Exception as error:  # what the value's own class does when it is pickled
        raise AssetOutputValidationError(
            f"Asset '{node}' returned a value of type '{type(obj).__name__}' that cannot be pickled: "
            f"{text_of(error)}; return plain data, give the asset an io_handler that can store it, or keep the run's "
            "steps in one process with the in-memory handler",
            node=node,
        ) from error


def _write(path: str, data: bytes) -> None:
    """Writes a file; when that fails, nothing of it takes room."""
    try:
        descriptor = _create(path)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # the run's first value here
        descriptor = _create(path)
    try:
        with open(descriptor, "wb", buffering=0) as file:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def _create(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
