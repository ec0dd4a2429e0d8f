"""What a run that was executed here came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rivers.driver.outcome import RunOutcome
from rivers.repository.record import Record


@dataclass(frozen=True, slots=True, init=False, repr=False)
class RunResult(Record):
    """What succeeded and what did not, both in topological order.

    `failed_assets` are pairs of name and "<ExceptionType>: <message>", what was skipped for a failure included.
    """

    success: bool
    run_id: str
    materialized_assets: list[str]
    failed_assets: list[tuple[str, str]]

    def __repr__(self) -> str:
        return (
            f"RunResult(success={self.success}, materialized={len(self.materialized_assets)}, "
            f"failed={len(self.failed_assets)})"
        )


def fields_of(outcome: RunOutcome) -> dict[str, Any]:
    """What a caller is told of an outcome."""
    return {
        "success": outcome.success,
        "run_id": outcome.run_id,
        "materialized_assets": list(outcome.materialized),
        "failed_assets": list(outcome.failed),
    }
