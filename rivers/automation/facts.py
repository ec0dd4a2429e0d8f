"""What conditions are evaluated on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from rivers.partitions.key import PartitionKey

#: A partition of an asset; `None` is the asset itself, when it has none.
Cell: TypeAlias = PartitionKey | None
Cells: TypeAlias = frozenset[Cell]

NOTHING: Cells = frozenset()


@dataclass(frozen=True, slots=True)
class Update:
    """One materialization, or an observation of something new in an external asset."""

    cell: Cell
    run_id: str
    at: datetime


class Facts(Protocol):
    """What is known of assets at one moment. Positions are those of the event log; they only grow."""

    @property
    def position(self) -> int:
        """The latest position that these facts cover."""

    def cells(self, asset: str) -> Cells:
        """All partitions, or the asset itself."""

    def dependencies(self, asset: str) -> Sequence[str]:
        """The assets that it depends on directly."""

    def upstream(self, asset: str, dependency: str, cell: Cell) -> Cells:
        """The cells of a dependency that one cell of the asset depends on."""

    def launched_together(self, asset: str, dependency: str) -> bool:
        """Whether both go into one run when both are requested: they have the same partitions, one to one."""

    def materialized(self, asset: str) -> Cells:
        """Cells that were ever materialized."""

    def failed(self, asset: str) -> Cells:
        """Cells whose latest execution failed."""

    def in_progress(self, asset: str) -> Cells:
        """Cells that are part of a run in progress."""

    def backfilling(self, asset: str) -> Cells:
        """Cells that an active backfill covers."""

    def updates(self, asset: str, since: int) -> Sequence[Update]:
        """Updates after a position, oldest first."""

    def latest_runs(self, asset: str) -> Mapping[Cell, str]:
        """The run that materialized each cell last."""

    def run_includes(self, run_id: str, asset: str) -> bool:
        """Whether an asset was part of a run."""

    def run_tags(self, run_id: str) -> Mapping[str, str]:
        """The tags of a run."""

    def other_code(self, asset: str) -> Cells:
        """Cells that were materialized last with another code version than is declared."""

    def data_versions(self, asset: str) -> Mapping[Cell, str]:
        """The data version of each cell that has one."""

    def latest_window(self, asset: str, lookback: float | None, now: datetime) -> Cells:
        """Cells in the latest time window, or that reach at most `lookback` seconds back from its start."""
