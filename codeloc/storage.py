"""`repo.storage` at a location: the database is the scheduler's, so a step tells it what is to change there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from rivers.errors import StorageError
from rivers.partitions.dynamic_key import check_dynamic_key

if TYPE_CHECKING:
    from codeloc.reporter import Reporter

#: Bytes of keys that one event carries.
_PIECE = 256 << 10


class LocationStorage:
    """Takes keys of dynamic partitions from steps; whatever else is asked of it is refused with `StorageError`.

    A change is committed in the order of what the step does, before it ends; that of an attempt whose result does not
    count any more is not made.
    """

    def __init__(self) -> None:
        self._reporter: Reporter | None = None

    def connect(self, reporter: Reporter) -> None:
        """Changes go there from now on."""
        self._reporter = reporter

    def add_dynamic_partitions(self, partitions_def_name: str, partition_keys: list[str]) -> None:
        """Adds keys; those that are there are ignored, and one that is refused refuses them all."""
        if isinstance(partition_keys, str) or not all(isinstance(key, str) for key in partition_keys):
            raise TypeError("partition_keys must be a list of str")
        keys = list(dict.fromkeys(partition_keys))
        for key in keys:
            check_dynamic_key(key)
        self._change(partitions_def_name, keys, is_removal=False)

    def delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """Removes a key; its materializations stay."""
        self._change(partitions_def_name, [partition_key], is_removal=True)

    async def async_add_dynamic_partitions(self, partitions_def_name: str, partition_keys: list[str]) -> None:
        """`add_dynamic_partitions`, which does not wait for anything here."""
        self.add_dynamic_partitions(partitions_def_name, partition_keys)

    async def async_delete_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> None:
        """`delete_dynamic_partition`, which does not wait for anything here."""
        self.delete_dynamic_partition(partitions_def_name, partition_key)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)
        raise StorageError(
            f"storage.{name} is not there at a code location, where only dynamic partitions can be added and deleted: "
            "the database is the scheduler's, and rivers_client.Client reads it"
        )

    def _change(self, name: str, keys: Sequence[str], *, is_removal: bool) -> None:
        if not isinstance(name, str) or not name:
            raise StorageError("dynamic partitions need a name that is not empty")
        reporter = self._reporter
        if reporter is None or not reporter.is_open:
            raise StorageError("dynamic partitions are changed by steps: at a code location nobody else is heard")
        for piece in _pieces(keys):
            reporter.partitions_changed(name, piece, is_removal)


def _pieces(keys: Sequence[str]) -> Iterator[list[str]]:
    piece: list[str] = []
    size = 0
    for key in keys:
        if piece and size + len(key) > _PIECE:
            yield piece
            piece, size = [], 0
        piece.append(key)
        size += len(key) + 2
    if piece:
        yield piece


#: What the module's repository shows as its storage in this process.
STORAGE = LocationStorage()
