"""Which step makes which output, where they are not called the same: what resolving leaves in the storage."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rivers.definitions.snapshot import StepDefinition
from rivers.storage import kv

if TYPE_CHECKING:
    from sqlalchemy import Connection

_KEY = "rivers/steps_of_outputs"


def register(connection: Connection, steps: Iterable[StepDefinition]) -> None:
    """Remembers the outputs of steps with several, beside those of other repositories."""
    known = steps_of_outputs(connection)
    found = dict(known)
    for step in steps:
        if len(step.outputs) > 1:
            found |= {output.name: step.key for output in step.outputs}
        else:
            found.pop(step.outputs[0].name, None)
    if found != known:
        kv.set(connection, _KEY, json.dumps(found, sort_keys=True).encode())


def steps_of_outputs(connection: Connection) -> dict[str, str]:
    """The keys of steps by their outputs, of those alone that have several."""
    text = kv.get(connection, _KEY)
    steps: dict[str, str] = {} if text is None else json.loads(text)
    return steps
