"""The executor that an asset asks for in its static metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers.errors import ConfigurationError

if TYPE_CHECKING:
    from rivers.definitions.snapshot import Snapshot

EXECUTOR = "rivers/executor"
NODE_EXECUTOR = "rivers/node/executor"
_KNOWN = ("in_process", "parallel")

#: An entry of metadata and what it says.
Override = tuple[str, str]


def override_of(snapshot: Snapshot, step: str, graph: str) -> Override | None:
    """What a step's metadata asks for, and by which entry. A task of a graph asset goes by the asset."""
    definition = snapshot.step_by_key.get(graph) or snapshot.step_by_key.get(step)
    if definition is None:
        return None
    for wanted in (NODE_EXECUTOR, EXECUTOR) if graph else (EXECUTOR,):
        for output in definition.outputs:
            for key, value in output.metadata:
                if key == wanted:
                    return key, value
    return None


def refusal(override: Override | None) -> ConfigurationError | None:
    """The error of a step that asks for an executor that there is not."""
    if override is None or override[1] in _KNOWN:
        return None
    entry, name = override
    return ConfigurationError(f"Unknown executor in {entry} metadata: '{name}'. Valid values: 'in_process', 'parallel'")
