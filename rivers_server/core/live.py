"""A run in flight, and how what it decides becomes rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rivers.definitions.kinds import StepKind
from rivers.lifecycle.fan_out import Producer
from rivers.lifecycle.progress import RunProgress
from rivers.lifecycle.states import EventType, RunState
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import RunPlan
from rivers.storage.events import Mark
from rivers.storage.rows import EventRow, LogRow, MaterializationRow, ObservationRow, RunRow, WriteSet
from rivers_server.core.reports import AttemptReport, Logged

#: What names the results of a mapped task in one assignment; a location takes messages of 8 MiB.
_FAN_OUT_BYTES = 3 << 20


class LiveRun:
    """A run in flight: its row, its progress, and what is remembered of it only while it runs.

    `has_home` says that a step was sent to the run's home process, `has_started` that an attempt started. `versions`
    holds the data versions of its outputs and inputs, "" for none, `equal_definitions` which other digests define its
    steps the same, `marks` the partitions that an attempt of a step marked as failed.
    """

    __slots__ = ("equal_definitions", "has_home", "has_started", "marks", "progress", "row", "versions")

    def __init__(self, row: RunRow, plan: RunPlan, infrastructure_budget: int) -> None:
        self.row = row
        self.progress = RunProgress(
            plan, infrastructure_budget=infrastructure_budget, fan_out_bytes=_FAN_OUT_BYTES, state=row.state
        )
        self.has_home = False
        self.has_started = False
        self.versions: dict[str, str] = {}
        self.equal_definitions: dict[str, bool] = {}
        self.marks: list[Mark] = []

    @property
    def plan(self) -> RunPlan:
        """The run's plan."""
        return self.progress.plan

    def record(self, writes: WriteSet, now: int) -> None:
        """Moves what the progress left behind (events, touched steps, a new state) into the batch's rows."""
        row, progress, planned = self.row, self.progress, self.progress.planned
        run_id, seq = row.run_id, row.last_seq
        for event in progress.log:
            seq += 1
            step = planned[event.ordinal] if event.ordinal >= 0 else None
            writes.events.append(EventRow(run_id, seq, now, event, step))
            if event.type == EventType.MATERIALIZED and event.data_version is not None and step is not None:
                self.versions[event.node] = event.data_version
                if any(output.is_asset for output in step.outputs if output.node == event.node):
                    known = self.versions
                    inputs = tuple((node, known[node]) for node in step.lineage_of(event.node) if known.get(node))
                    token = progress.steps[event.ordinal].token
                    writes.materializations.append(
                        MaterializationRow(
                            event.node, run_id, seq, now, event.data_version, event.partition_key, token, inputs
                        )
                    )
            elif event.type == EventType.PARTITION_FAILED and event.partition_key is not None and step is not None:
                self.marks.append(Mark(step.key, event.attempt, event.partition_key))
            elif (
                event.type == EventType.OBSERVED
                and event.data_version is not None
                and step is not None
                and step.kind == StepKind.EXTERNAL_ASSET
            ):
                self.versions[event.node] = event.data_version
                writes.observations.append(ObservationRow(event.node, event.data_version))
        progress.log.clear()
        for ordinal in progress.touched:
            writes.steps[run_id, ordinal] = progress.steps[ordinal]
        progress.touched.clear()
        self._sum_up(now)
        row.last_seq = seq
        row.version += 1
        if row.version > 1:
            writes.changed_runs[run_id] = row

    def marked_partitions(self) -> list[PartitionKey]:
        """The partitions that were marked as failed by the attempts whose results count."""
        counts = {
            (planned.key, step.attempt)
            for planned, step in zip(self.progress.planned, self.progress.steps, strict=True)
        }
        return [mark.partition_key for mark in self.marks if (mark.step_key, mark.attempt) in counts]

    def learn_versions(self, ordinal: int, find: Callable[[Sequence[str]], Mapping[str, str]]) -> None:
        """Before a step loads what it depends on, the data versions of what was not made in front of our eyes."""
        missing = [node for node in self.progress.planned[ordinal].lineage if node not in self.versions]
        if missing:
            found = find(missing)
            self.versions |= {node: found.get(node, "") for node in missing}

    def log(self, writes: WriteSet, report: AttemptReport, ordinal: int, attempt: int) -> None:
        """Keeps a piece of captured output."""
        assert isinstance(report.body, Logged)
        row, body = self.row, report.body
        row.last_log_seq += 1
        key = self.progress.planned[ordinal].key
        writes.logs.append(LogRow(row.run_id, row.last_log_seq, report.at, key, attempt, body.stream, body.text))

    def producers_of(self, ordinal: int) -> tuple[Producer, ...]:
        """For each edge of the step, where its value comes from."""
        find = self.progress.fan_outs.producer
        return tuple([find(ordinal, edge) for edge in self.progress.planned[ordinal].edges])

    def _sum_up(self, now: int) -> None:
        row, progress = self.row, self.progress
        if row.state != progress.state:
            if row.state == RunState.QUEUED and progress.state != RunState.CANCELED:
                row.started_at = now
            row.state = progress.state
            if row.state.is_terminal:
                row.ended_at = now
        row.failure = progress.failure
        row.total_steps = len(progress.steps)
        row.completed_steps = row.total_steps - progress.unfinished
