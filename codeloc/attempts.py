"""The attempts that a location holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from codeloc.lease import NEVER, stop_grace
from rivers.v1.step_service_pb2 import Assign


class Phase(IntEnum):
    """How far an attempt is. Numbers are those of `rivers.v1.AttemptPhase`."""

    RECEIVED = 1
    RUNNING = 2
    ENDED = 3


class Ending(Enum):
    """Why an attempt that runs is being ended."""

    STOP = "stop"
    FENCE = "fence"
    LEASE = "lease"
    SHUTDOWN = "shutdown"


@dataclass(slots=True, eq=False)
class HeldAttempt:
    """An attempt from its arrival until the scheduler has committed its end.

    `run_id`, `step_key` and `number` say for people which it is; they are not known of one that is left over.
    `home` is the run whose home process it needs, "" for any worker. `is_left_over` is one of an older boot that has
    not ended: all that is left of it is in the spool.
    """

    token: int
    boot: int
    phase: Phase = Phase.RECEIVED
    last_seq: int = 0
    acked: int = 0
    assign: Assign | None = None
    lease: float = NEVER
    home: str = ""
    arrival: int = 0
    worker: int | None = None
    ending: Ending | None = None
    reason: str = ""
    kill_at: float = NEVER
    is_killed: bool = False
    is_left_over: bool = False
    run_id: str = ""
    step_key: str = ""
    number: int = 0

    def ids(self) -> dict[str, object]:
        """What an event says of it."""
        return {"run_id": self.run_id, "step_key": self.step_key, "attempt": self.number, "token": self.token}

    @property
    def is_settled(self) -> bool:
        """Whether nothing more comes of it and all that came is committed."""
        return (self.phase is Phase.ENDED or self.is_left_over) and self.acked >= self.last_seq

    @property
    def is_live(self) -> bool:
        """Whether it waits or runs."""
        return self.phase is not Phase.ENDED and not self.is_left_over

    def due(self, heard_at: float) -> float:
        """When something has to be done about it."""
        if self.phase is Phase.RECEIVED:
            return self.expires_at(heard_at)
        if self.is_killed:
            return NEVER
        if self.ending is not None:
            return min(self.kill_at, self.expires_at(heard_at))
        return min(self.kill_at, self.polite_at(heard_at))

    def polite_at(self, heard_at: float) -> float:
        """When its body is asked to end, unless the lease is renewed before."""
        return self.expires_at(heard_at) - stop_grace(self.lease) if self.lease != NEVER else NEVER

    def expires_at(self, heard_at: float) -> float:
        """When its process group must be dead (A4)."""
        return heard_at + self.lease if self.lease != NEVER else NEVER
