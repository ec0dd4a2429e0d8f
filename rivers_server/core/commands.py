"""What the core tells a location, after the commit that made it so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivers.lifecycle.fan_out import Producer
from rivers.partitions.key import PartitionKey
from rivers.planning.plan import PlannedStep


@dataclass(frozen=True, slots=True)
class Assign:
    """Permission to start an attempt, once. `lease` in seconds.

    `producers` holds for each edge of the step where its value comes from. `mapping_index` is the place of its element
    in the source, for an instance of a mapped task. `previous` is the attempt, token and run, that made the step's own
    last output, for a step that is given it. `registered` holds the keys of dynamic definitions that
    the step has to know.
    """

    token: int
    boot: int
    run_id: str
    attempt: int
    digest: str
    lease: float
    step: PlannedStep
    producers: tuple[Producer, ...]
    home_required: bool
    config: dict[str, object] | None
    tags: tuple[tuple[str, str], ...]
    job: str | None
    mapping_index: int = 0
    partition_key: PartitionKey | None = None
    previous: tuple[int, str] | None = None
    registered: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Please end; the result still counts. `grace` in seconds."""

    token: int
    grace: float
    reason: str


@dataclass(frozen=True, slots=True)
class Fence:
    """End now; nothing from it counts any more."""

    token: int


@dataclass(frozen=True, slots=True)
class Ack:
    """Committed up to `seq`."""

    token: int
    seq: int


@dataclass(frozen=True, slots=True)
class Adopt:
    """What becomes of what the location holds."""

    beat: int
    keep: tuple[int, ...]
    fence: tuple[int, ...]
    forget: tuple[int, ...]
    release_homes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseHome:
    """The run is over: its home process may end."""

    run_id: str


@dataclass(frozen=True, slots=True)
class CallHooks:
    """A step has ended for good: success hooks are due for these nodes, failure hooks if there is an error."""

    run_id: str
    step: str
    nodes: tuple[str, ...]
    error: str | None
    config: dict[str, object] | None


Command = Assign | Stop | Fence | Ack | Adopt | ReleaseHome | CallHooks
