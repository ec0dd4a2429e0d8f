"""Rows as the deciding code holds them, and the set of them that one transaction writes.

Rows are mutable and owned by whoever decides: the scheduler's core, or a run's driver in process. A `WriteSet` gathers
the rows that a batch touched; a row that changed several times in a batch is written once, with its last image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.events import Event, Failure
from rivers.lifecycle.states import LaunchCause, LogStream, RunKind, RunOwner, RunState
from rivers.lifecycle.step import StepProgress
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import PlannedStep, RunPlan
from rivers.storage.backfill_rows import BackfillRow, UnitRow


@dataclass(slots=True)
class RunRow:
    """A run. Times in nanoseconds since the epoch. Below the gap: what changes after the insert.

    Whoever changes a row raises its `version`; `stored_version` is the one in the database, kept by storage.
    """

    run_id: str
    kind: RunKind
    location: str
    job: str | None
    nodes: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    submitted_at: int
    owner: RunOwner = RunOwner.SCHEDULER
    cause: LaunchCause = LaunchCause.USER
    cause_name: str = ""
    root_run_id: str = ""
    parent_run_id: str = ""
    request_id: str | None = None
    digest: str = ""
    partition_key: PartitionKey | None = None
    queue_number: int = 0
    owner_id: str = ""

    state: RunState = RunState.QUEUED
    priority: int = 0
    queued_at: int = 0
    started_at: int | None = None
    ended_at: int | None = None
    failure: Failure | None = None
    last_seq: int = 0
    last_log_seq: int = 0
    completed_steps: int = 0
    total_steps: int = 0
    owner_expires_at: int | None = None
    version: int = 0
    stored_version: int = field(default=0, compare=False, repr=False)


@dataclass(slots=True)
class EventRow:
    """An event with its place in the run; its global position is given when it is written."""

    run_id: str
    seq: int
    at: int
    event: Event
    step: PlannedStep | None


@dataclass(slots=True)
class LogRow:
    """A chunk of captured output with its place among the run's chunks."""

    run_id: str
    seq: int
    at: int
    step_key: str
    attempt: int
    stream: LogStream
    text: str


@dataclass(slots=True)
class MaterializationRow:
    """What an asset's record says of its last materialization, and one row of its materialized partitions."""

    asset_key: str
    run_id: str
    seq: int
    at: int
    data_version: str
    partition_key: PartitionKey | None = None
    token: int = 0
    input_data_versions: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class ObservationRow:
    """The data version that was seen of an asset that is produced elsewhere."""

    asset_key: str
    data_version: str


@dataclass(slots=True)
class LocationRow:
    """A location that has registered, to be dialled after a restart."""

    name: str
    address: str
    home_id: str
    boot: int
    digest: str = ""
    module: str = ""
    registered_at: int = 0
    heard_at: int = 0


@dataclass(slots=True)
class NewBackfill:
    """A backfill with what is pinned for it: a serialized plan, and the keys of dynamic definitions by name."""

    row: BackfillRow
    plan: bytes
    registered: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(slots=True)
class TokenBlock:
    """So many tokens that nobody else gets, taken in the transaction that a write set is written in; `first` is 0 until
    it is committed."""

    count: int
    first: int = 0


@dataclass(slots=True)
class WriteSet:
    """What one transaction writes. `replanned` holds waiting runs whose plan was made anew, with that plan;
    `dynamic_partitions` says of name and key whether it is added or removed. `tokens` are for programs in process: a
    scheduler hands out those of its leadership."""

    new_runs: list[RunRow] = field(default_factory=list)
    plans: list[tuple[str, RunPlan]] = field(default_factory=list)
    replanned: list[tuple[RunRow, RunPlan]] = field(default_factory=list)
    changed_runs: dict[str, RunRow] = field(default_factory=dict)
    steps: dict[tuple[str, int], StepProgress] = field(default_factory=dict)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    events: list[EventRow] = field(default_factory=list)
    logs: list[LogRow] = field(default_factory=list)
    materializations: list[MaterializationRow] = field(default_factory=list)
    observations: list[ObservationRow] = field(default_factory=list)
    locations: list[LocationRow] = field(default_factory=list)
    forgotten_locations: list[str] = field(default_factory=list)
    dynamic_partitions: dict[tuple[str, str], bool] = field(default_factory=dict)
    new_backfills: list[NewBackfill] = field(default_factory=list)
    changed_backfills: dict[str, BackfillRow] = field(default_factory=dict)
    units: dict[tuple[str, int, int], UnitRow] = field(default_factory=dict)
    tokens: TokenBlock | None = None

    def __bool__(self) -> bool:
        return bool(
            self.new_runs
            or self.changed_runs
            or self.steps
            or self.attempts
            or self.events
            or self.logs
            or self.locations
            or self.forgotten_locations
            or self.dynamic_partitions
            or self.new_backfills
            or self.changed_backfills
        )
