"""What a process of a location is told when it is started."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

#: The descriptor of the socket to the supervisor.
CHANNEL = 3


@dataclass(frozen=True, slots=True)
class Launch:
    """`python -m codeloc host|worker` with this as its argument. `supervisor` is a pid."""

    module: str
    variable: str
    values: str
    supervisor: int

    def encode(self) -> str:
        """As an argument."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, argument: str) -> Launch:
        """From an argument."""
        return cls(**json.loads(argument))
