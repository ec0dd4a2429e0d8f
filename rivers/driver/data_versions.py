"""The current data versions of what a run's steps depend on."""

from __future__ import annotations

from rivers.planning.plan import PlannedStep, RunPlan
from rivers.storage import assets
from rivers.storage.database import Database


class DataVersions:
    """Versions by node: of nodes from outside of the run as they are stored, of the run's own as they are made."""

    __slots__ = ("_versions",)

    def __init__(self, versions: dict[str, str]) -> None:
        self._versions = versions

    @classmethod
    def stored(cls, database: Database, plan: RunPlan, also: frozenset[str] = frozenset()) -> DataVersions:
        """Those of nodes that no step of the run makes, and of some others."""
        outside = also | {edge.node for step in plan.steps for edge in step.edges if edge.producer is None}
        if not outside:
            return cls({})
        with database.read() as connection:
            rows = assets.some(connection, sorted(outside))
        return cls({key: row.last_data_version for key, row in rows.items() if row.last_data_version is not None})

    def note(self, node: str, version: str) -> None:
        """A node was made."""
        self._versions[node] = version

    def of_inputs(self, step: PlannedStep, output: str) -> tuple[tuple[str, str], ...]:
        """Upstream nodes of a step's output with their versions, those that only order included."""
        if not step.edges:
            return ()
        versions = self._versions
        return tuple([(node, versions[node]) for node in step.lineage_of(output) if node in versions])
