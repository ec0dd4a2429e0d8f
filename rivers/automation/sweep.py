"""One evaluation of every condition of a repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rivers.automation.evaluate import evaluate
from rivers.automation.facts import Cells, Facts
from rivers.automation.state import ConditionState
from rivers.definitions.condition import ConditionDefinition


@dataclass(frozen=True, slots=True)
class Sweep:
    """What fired, by asset, in topological order; and the states for the next time."""

    fired: Mapping[str, Cells]
    states: Mapping[str, ConditionState]


def sweep(
    conditions: Mapping[str, ConditionDefinition],
    states: Mapping[str, ConditionState],
    facts: Facts,
    now: datetime,
) -> Sweep:
    """Evaluates conditions in their order, which has upstreams first."""
    fired: dict[str, Cells] = {}
    left: dict[str, ConditionState] = {}
    earlier = {asset: state.requested for asset, state in states.items()}
    for asset, condition in conditions.items():
        cells, left[asset] = evaluate(asset, condition, states.get(asset), facts, now, fired, earlier)
        if cells:
            fired[asset] = cells
    return Sweep(fired, left)
