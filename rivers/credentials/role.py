"""What a token is good for."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.errors import InvalidRequestError

#: People, from the least to the most; who may do something may do what those before may do.
PEOPLE = ("viewer", "operator", "admin")
SCHEDULER = "scheduler"
LOCATION = "location"
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Role:
    """`viewer`, `operator`, `admin`, `scheduler`, or `location` with the name of the one location that it is."""

    kind: str
    location: str = ""

    @classmethod
    def parse(cls, text: str) -> Role:
        """From `viewer`, `operator`, `admin`, `scheduler` or `location:NAME`."""
        kind, colon, name = text.partition(":")
        if kind == LOCATION and 0 < len(name) <= _LONGEST_NAME and name.isprintable():
            return cls(LOCATION, name)
        if not colon and kind in (*PEOPLE, SCHEDULER):
            return cls(kind)
        raise InvalidRequestError(
            f"{text!r} is no role; choose {', '.join(PEOPLE)}, {SCHEDULER} or {LOCATION}:NAME", field="role"
        )

    def __str__(self) -> str:
        return f"{self.kind}:{self.location}" if self.location else self.kind
