"""What a handler is told of the node that it loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rivers.kernel.config import launched

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository


def metadata_of_input(
    bound: BoundRepository, step: str, node: str, document: Mapping[str, Any] | None
) -> dict[str, str] | None:
    """What the consumer declared of the upstream node, else what that says itself under what the launch says."""
    declared = bound.input_edge(step, node)
    if declared is not None and declared.metadata is not None:
        return dict(declared.metadata)
    output = bound.snapshot.output_by_node.get(node)
    if output is None:
        return None
    metadata = dict(output.metadata)
    if document:
        metadata |= launched(document, bound.snapshot.step_by_node[node].key)[1] or {}
    return metadata or None
