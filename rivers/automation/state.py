"""What one evaluation of a condition leaves for the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rivers.automation.facts import NOTHING, Cell, Cells


@dataclass(frozen=True, slots=True)
class ConditionState:
    """The state of one asset's condition. Nodes are named by their path in the tree, dependencies included.

    `held` are the cells for which a stateful node was true; `versions` are the data versions that a node has seen.
    """

    fingerprint: str
    position: int
    at: datetime
    requested: Cells = NOTHING
    held: Mapping[str, Cells] = field(default_factory=dict)
    versions: Mapping[str, Mapping[Cell, str]] = field(default_factory=dict)
