"""What one evaluation of a condition leaves for the next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rivers.automation.facts import NOTHING, Cell, Cells
from rivers.definitions.condition import ConditionDefinition


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


def fingerprint(condition: ConditionDefinition) -> str:
    """The same for conditions that are built alike, whatever they are called."""
    return hashlib.sha256(_structure(condition).encode()).hexdigest()[:16]


def _structure(node: ConditionDefinition) -> str:
    arguments = (node.cron, node.timezone, node.lookback, node.tag_keys, node.tag_values, node.keys)
    children = ",".join(_structure(child) for child in node.children)
    return f"{node.kind.value}{arguments if any(arguments) else ''}[{children}]"
