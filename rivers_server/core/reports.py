"""What a location tells the core."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from rivers.lifecycle.events import Failure, MetadataEntry
from rivers.lifecycle.states import AttemptOutcome, LogStream
from rivers.partitions.key import PartitionKey


class Phase(IntEnum):
    """How far an attempt is, as its location knows it."""

    RECEIVED = 1
    RUNNING = 2
    ENDED = 3


@dataclass(frozen=True, slots=True)
class Held:
    """An attempt that a location holds, or has spooled."""

    token: int
    boot: int
    phase: Phase
    last_seq: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that a location holds. `step_lease` in seconds, `None` for the scheduler's default."""

    home_id: str
    boot: int
    beat: int
    workers: int
    places: int
    digests: tuple[str, ...]
    attempts: tuple[Held, ...]
    homes: tuple[str, ...]
    step_lease: float | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """Every event spooled before the inventory has been sent."""


@dataclass(frozen=True, slots=True)
class Started:
    """The body runs."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A piece of captured output."""

    stream: LogStream
    text: str


@dataclass(frozen=True, slots=True)
class Materialized:
    """An output is made; without a value nothing of it is stored."""

    node: str
    metadata: tuple[MetadataEntry, ...]
    data_version: str
    partition_key: PartitionKey | None = None
    has_value: bool = True


@dataclass(frozen=True, slots=True)
class Observed:
    """Something was observed."""

    node: str
    metadata: tuple[MetadataEntry, ...]
    data_version: str | None
    partition_key: PartitionKey | None = None


@dataclass(frozen=True, slots=True)
class Mapped:
    """Elements of a fan-out, by mapping key: of an output or, without a node, of the step's own source."""

    node: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PartitionFailed:
    """One of the partitions failed, as the author's code said; the attempt goes on."""

    node: str
    partition_key: PartitionKey
    error: str


@dataclass(frozen=True, slots=True)
class PartitionsChanged:
    """The step adds or removes keys of a dynamic definition."""

    name: str
    keys: tuple[str, ...]
    is_added: bool


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an attempt."""

    outcome: AttemptOutcome
    failure: Failure | None = None
    home_lost: bool = False


@dataclass(frozen=True, slots=True)
class Ignored:
    """An event of a kind that this version does not act on; acknowledged like any other."""


Body = Started | Logged | Materialized | Observed | Mapped | PartitionFailed | PartitionsChanged | Ended | Ignored


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """An event of an attempt; `at` in nanoseconds since the epoch, by the location's clock."""

    token: int
    seq: int
    at: int
    body: Body


Report = Inventory | Replayed | AttemptReport
