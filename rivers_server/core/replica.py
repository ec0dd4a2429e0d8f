"""What the core knows of a location: its definitions, its session, and what is with it."""

from __future__ import annotations

from collections import deque
from enum import IntEnum

from rivers.definitions.snapshot import Snapshot
from rivers.storage.rows import LocationRow


class ReplicaState(IntEnum):
    """How a location is. Numbers are those of `rivers.v1.LocationState`."""

    CONNECTING = 1
    LOADING = 2
    READY = 3
    LOAD_FAILED = 4
    REFUSED = 5


NO_ROOM = "it takes nothing new: the disk below its data directory is full, or it is going down"


class Replica:
    """One location. `session` is the open step stream, 0 for none; `is_replayed` lets work be sent on it.

    `heard_awake` is the time, on the leader's awake clock (A7), at which it was last heard; while a session is open
    it is heard by definition. `moved_awake` is when another home answered under the name, if `has_moved`. `ready`
    holds steps that wait for a place, `in_flight` the tokens of attempts that have one. `doubt` counts the beats in a
    row that said the same holdings, other than ours, the first of them at `doubted_awake`. `takes_nothing` is what its
    newest beat said.
    """

    def __init__(self, row: LocationRow, heard: float) -> None:
        self.row = row
        self.snapshot: Snapshot | None = None
        self.asset_names: frozenset[str] = frozenset()
        self.refusal = ""
        self.refused_digest = ""
        self.session = 0
        self.is_replayed = False
        self.heard_awake = heard
        self.moved_awake = heard
        self.has_moved = False
        self.boot = row.boot
        self.home_id = row.home_id
        self.workers = 0
        self.places = 0
        self.takes_nothing = False
        self.step_lease: float | None = None
        self.digests: frozenset[str] = frozenset()
        self.ready: deque[tuple[str, int]] = deque()
        self.in_flight: set[int] = set()
        self.doubt = 0
        self.doubted_awake = heard
        self.doubted: tuple[tuple[int, int], tuple[int, int]] | None = None

    @property
    def name(self) -> str:
        """The location's name."""
        return self.row.name

    @property
    def is_attached(self) -> bool:
        """Whether work can be sent."""
        return self.session != 0 and self.is_replayed

    @property
    def has_room(self) -> bool:
        """Whether it is there for new work."""
        return self.is_attached and not self.takes_nothing

    @property
    def free_places(self) -> int:
        """How many more attempts it takes."""
        return self.places - len(self.in_flight) if self.has_room else 0

    def doubts(self, ours: tuple[int, int], theirs: tuple[int, int], awake: float) -> int:
        """For how many beats in a row both sides have said the same, and not the same as each other.

        What is on its way makes them differ for a moment; a difference that stays is one that nothing will mend.
        """
        if ours == theirs:
            self.doubt, self.doubted = 0, None
        elif (ours, theirs) == self.doubted:
            self.doubt += 1
        else:
            self.doubt, self.doubted, self.doubted_awake = 1, (ours, theirs), awake
        return self.doubt

    def detach(self) -> None:
        """Its session is over; what is with it stays with it."""
        self.doubt, self.doubted = 0, None
        self.session = 0
        self.is_replayed = False
