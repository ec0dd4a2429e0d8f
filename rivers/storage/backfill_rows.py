"""Rows of backfills, as the deciding code holds them."""

from __future__ import annotations

from dataclasses import dataclass, field

from rivers.lifecycle.backfill.counters import Counters
from rivers.lifecycle.backfill.segment import SegmentProgress
from rivers.lifecycle.backfill.states import BackfillIntent, BackfillStatus, FailurePolicy
from rivers.lifecycle.backfill.unit import UnitProgress
from rivers.lifecycle.states import LaunchCause, RunOwner


@dataclass(slots=True)
class BackfillRow:
    """A backfill. Times in nanoseconds since the epoch. Below the gap: what changes after the insert.

    `nodes` is what was selected; `digest` names the definitions that it was planned from. `status` is what follows from
    the rest, kept for listings. `accepted_digest` names changed definitions that it goes on with all the same. Whoever
    changes a row raises its `version`; `stored_version` is the one in the database, kept by storage.
    """

    backfill_id: str
    location: str
    nodes: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    created_at: int
    total_partitions: int
    total_units: int
    priority: int = -10
    max_concurrency: int = 4
    failure_policy: FailurePolicy = FailurePolicy.CONTINUE
    owner: RunOwner = RunOwner.SCHEDULER
    cause: LaunchCause = LaunchCause.USER
    cause_name: str = ""
    rerun_of: str = ""
    request_id: str | None = None
    digest: str = ""
    action: str | None = None

    intent: BackfillIntent = BackfillIntent.RUN
    status: BackfillStatus = BackfillStatus.QUEUED
    reason: str = ""
    error: str = ""
    accepted_digest: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    counters: Counters = field(default_factory=Counters)
    segments: list[SegmentProgress] = field(default_factory=list)
    owner_id: str = ""
    owner_expires_at: int | None = None
    version: int = 0
    stored_version: int = field(default=0, compare=False, repr=False)


@dataclass(slots=True)
class UnitRow:
    """A unit of a backfill that something happened to, and its run, if it got one."""

    backfill_id: str
    progress: UnitProgress
    run_id: str | None = None
