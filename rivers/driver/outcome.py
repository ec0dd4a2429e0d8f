"""What a run that was executed here came to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rivers.lifecycle.states import RunState


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """Nodes that were made, nodes that were not with "<Type>: <message>", both in topological order.

    `exceptions` holds, by step key in the same order, what the last attempt of each failed step raised, the object
    itself; a step that was skipped raised nothing.
    """

    run_id: str
    state: RunState
    materialized: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()
    exceptions: Mapping[str, BaseException] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether every step succeeded."""
        return self.state == RunState.SUCCEEDED

    @property
    def error(self) -> BaseException | None:
        """The exception of the first failed step; `None` for a run that succeeded or was canceled."""
        return next(iter(self.exceptions.values()), None) if self.state == RunState.FAILED else None
