"""What a process of a location is told when it is started."""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass

#: The descriptor of the socket to the supervisor.
CHANNEL = 3
#: What the host is asked: a worker of this number, with three descriptors: its channel, stdout and stderr.
REQUEST = struct.Struct(">Q")


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
