"""A world of assets that conditions are evaluated on: what happens in it is said line by line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from rivers.automation.facts import NOTHING, Cell, Cells, Update
from rivers.automation.state import ConditionState
from rivers.automation.sweep import sweep
from rivers.definitions.automation_condition import AutomationCondition

START = datetime(2026, 1, 1, tzinfo=UTC)


class World:
    """Assets with their direct dependencies, in topological order; those in `partitions` have these cells.

    Partitions of an asset depend on those of the same name; an asset without any depends on all of a dependency's.
    """

    def __init__(self, graph: Mapping[str, Sequence[str]], partitions: Mapping[str, Sequence[Cell]] | None = None):
        self.graph = graph
        self.partitions = dict(partitions or {})
        self.now = START
        self.states: dict[str, ConditionState] = {}
        self.position = 0
        self.events: list[tuple[int, str, Update]] = []
        self.runs: dict[str, tuple[frozenset[str], dict[str, str]]] = {}
        self.failures: dict[str, dict[Cell, int]] = {}
        self.running: dict[str, Cells] = {}
        self.covered: dict[str, Cells] = {}
        self.declared: dict[str, str] = {}
        self.codes: dict[str, dict[Cell, str | None]] = {}
        self.versions: dict[str, dict[Cell, str]] = {}
        self.windows: dict[str, Cells] = {}

    # -- what happens ------------------------------------------------------------------------------------------------

    def run(self, *assets: str, cells: Iterable[Cell] | None = None, **tags: str) -> str:
        """A run that materializes assets."""
        run_id = f"run-{len(self.runs)}"
        self.runs[run_id] = (frozenset(assets), dict(tags))
        for asset in assets:
            for cell in self.cells(asset) if cells is None else cells:
                self.position += 1
                self.events.append((self.position, asset, Update(cell, run_id, self.now)))
                self.codes.setdefault(asset, {})[cell] = self.declared.get(asset)
                self.versions.setdefault(asset, {})[cell] = f"v{self.position}"
        return run_id

    def fail(self, asset: str, *cells: Cell) -> None:
        """An execution that fails."""
        self.position += 1
        for cell in cells or self.cells(asset):
            self.failures.setdefault(asset, {})[cell] = self.position

    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self.now += timedelta(seconds=seconds)

    def sweep(self, conditions: Mapping[str, AutomationCondition], seconds: float = 1.0) -> dict[str, Cells]:
        """An evaluation, some time later: what fires."""
        self.pass_time(seconds)
        done = sweep({asset: conditions[asset].definition for asset in conditions}, self.states, self, self.now)
        self.states = dict(done.states)
        return dict(done.fired)

    # -- what is known -----------------------------------------------------------------------------------------------

    def cells(self, asset: str) -> Cells:
        return frozenset(self.partitions.get(asset, (None,)))

    def dependencies(self, asset: str) -> Sequence[str]:
        return self.graph[asset]

    def upstream(self, asset: str, dependency: str, cell: Cell) -> Cells:
        cells = self.cells(dependency)
        return cells if cell is None or None in cells else cells & {cell}

    def launched_together(self, asset: str, dependency: str) -> bool:
        return self.cells(asset) == self.cells(dependency)

    def materialized(self, asset: str) -> Cells:
        return frozenset(update.cell for _, one, update in self.events if one == asset)

    def failed(self, asset: str) -> Cells:
        last = {update.cell: position for position, one, update in self.events if one == asset}
        return frozenset(cell for cell, at in self.failures.get(asset, {}).items() if at > last.get(cell, 0))

    def in_progress(self, asset: str) -> Cells:
        return self.running.get(asset, NOTHING)

    def backfilling(self, asset: str) -> Cells:
        return self.covered.get(asset, NOTHING)

    def updates(self, asset: str, since: int) -> Sequence[Update]:
        return [update for position, one, update in self.events if one == asset and position > since]

    def latest_runs(self, asset: str) -> Mapping[Cell, str]:
        return {update.cell: update.run_id for _, one, update in self.events if one == asset}

    def run_includes(self, run_id: str, asset: str) -> bool:
        return asset in self.runs[run_id][0]

    def run_tags(self, run_id: str) -> Mapping[str, str]:
        return self.runs[run_id][1]

    def other_code(self, asset: str) -> Cells:
        declared = self.declared.get(asset)
        return frozenset(cell for cell, code in self.codes.get(asset, {}).items() if code != declared)

    def data_versions(self, asset: str) -> Mapping[Cell, str]:
        return self.versions.get(asset, {})

    def latest_window(self, asset: str, lookback: float | None, now: datetime) -> Cells:
        return self.windows.get(asset, NOTHING)
