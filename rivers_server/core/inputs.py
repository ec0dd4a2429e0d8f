"""Everything that can change what the core knows. Each kind names who sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from rivers.definitions.snapshot import Snapshot
from rivers.lifecycle.backfill.pinned import PinnedBackfill
from rivers.lifecycle.states import LaunchCause, RunKind
from rivers.planning.plan import RunPlan
from rivers.storage.backfill_rows import BackfillRow
from rivers_server.core.reports import Report


class Reply(Protocol):
    """Where an answer goes, once what it says is committed."""

    def set(self, result: Any) -> None:
        """The answer."""

    def fail(self, error: BaseException) -> None:
        """The refusal."""


@dataclass(frozen=True, slots=True)
class Submit:
    """A caller wants a run of this plan (prepared outside; the core plans again if the definitions changed since).

    `size` is what the plan takes in bytes, about.
    """

    plan: RunPlan
    kind: RunKind
    reply: Reply
    request_id: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    priority: int = 0
    cause: LaunchCause = LaunchCause.USER
    cause_name: str = ""
    parent_run_id: str = ""
    size: int = 0


@dataclass(frozen=True, slots=True)
class Cancel:
    """A caller wants a run to stop."""

    run_id: str
    reason: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Explain:
    """A caller asks why queued runs wait; the answer is a dict from run id to text."""

    run_ids: Sequence[str]
    reply: Reply


@dataclass(frozen=True, slots=True)
class CreateBackfill:
    """A caller wants a backfill, whose row lacks an id and a time only. `plan` is what is pinned, as it is stored."""

    row: BackfillRow
    pinned: PinnedBackfill
    plan: bytes
    reply: Reply


@dataclass(frozen=True, slots=True)
class CancelBackfill:
    """A caller wants a backfill to stop."""

    backfill_id: str
    reason: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class PauseBackfill:
    """A caller wants a backfill to draw nothing for now."""

    backfill_id: str
    reason: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class ResumeBackfill:
    """A caller wants a backfill to go on."""

    backfill_id: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class ChangePartitions:
    """A caller adds keys to a dynamic definition, or removes them."""

    name: str
    keys: tuple[str, ...]
    is_added: bool
    reply: Reply


@dataclass(frozen=True, slots=True)
class Register:
    """A location says that it exists."""

    location: str
    address: str
    home_id: str
    boot: int
    digest: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class Deregister:
    """A location says that it leaves."""

    location: str
    home_id: str
    boot: int
    reply: Reply


@dataclass(frozen=True, slots=True)
class ForgetLocation:
    """A caller knows that a location's machine is gone for good; `who` is the caller."""

    location: str
    who: str
    reason: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class SnapshotRead:
    """A link has read a location's definitions; the answer says whether they are taken."""

    location: str
    snapshot: Snapshot
    reply: Reply


@dataclass(frozen=True, slots=True)
class Reported:
    """Reports of one message of a step stream, in order; `size` in bytes, as they came."""

    location: str
    session: int
    reports: Sequence[Report]
    size: int = 0


@dataclass(frozen=True, slots=True)
class Beaten:
    """A beat of a session: how many attempts the location holds, the exclusive or of their tokens, and how many more
    it would take."""

    location: str
    session: int
    held_count: int
    held_hash: int
    free_places: int


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """A step stream is over."""

    location: str
    session: int
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: timers that are due fire."""


Message = (
    Submit
    | Cancel
    | CreateBackfill
    | CancelBackfill
    | PauseBackfill
    | ResumeBackfill
    | Explain
    | ChangePartitions
    | Register
    | Deregister
    | ForgetLocation
    | SnapshotRead
    | Reported
    | Beaten
    | SessionClosed
    | Tick
)
