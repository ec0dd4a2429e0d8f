"""Automation conditions ↔ `rivers.v1`: a tree is its nodes, each before its operands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from rivers.definitions.condition import ConditionDefinition
from rivers.definitions.kinds import ConditionKind as Kind
from rivers.v1 import automation_pb2

_DEEPEST = 200  # what is deeper could not be evaluated

_TWO = frozenset({Kind.SINCE})
_SEVERAL = frozenset({Kind.AND, Kind.OR})
_ONE = frozenset({Kind.NOT, Kind.NEWLY_TRUE, Kind.SINCE_LAST_HANDLED, Kind.ANY_DEPS, Kind.ALL_DEPS, Kind.SELECTED})


def encode_condition(condition: ConditionDefinition) -> automation_pb2.ConditionDefinition:
    """A condition."""
    return automation_pb2.ConditionDefinition(nodes=[_encode_node(node) for node in condition.walk()])


def decode_condition(condition: automation_pb2.ConditionDefinition) -> ConditionDefinition:
    """A condition. `ValueError` for nodes that are no tree."""
    nodes = iter(condition.nodes)
    decoded = _decode_node(nodes, 0)
    if next(nodes, None) is not None:
        raise ValueError("a condition has nodes that belong to no other")
    return decoded


def _encode_node(node: ConditionDefinition) -> automation_pb2.ConditionNode:
    return automation_pb2.ConditionNode(
        kind=cast("automation_pb2.ConditionKind.ValueType", node.kind),
        child_count=len(node.children),
        cron=node.cron,
        timezone=node.timezone,
        lookback_seconds=node.lookback,
        tag_keys=node.tag_keys,
        tag_values=[automation_pb2.TagPair(key=key, value=value) for key, value in node.tag_values],
        keys=node.keys,
        is_listed=node.is_listed,
        name=node.name,
        label=node.label,
    )


def _decode_node(nodes: Iterator[automation_pb2.ConditionNode], depth: int) -> ConditionDefinition:
    node = next(nodes, None)
    if node is None:
        raise ValueError("a condition lacks nodes that others announce")
    if depth > _DEEPEST:
        raise ValueError(f"a condition is deeper than {_DEEPEST}")
    kind = Kind(node.kind)
    _check_children(kind, node.child_count)
    return ConditionDefinition(
        kind,
        children=tuple([_decode_node(nodes, depth + 1) for _ in range(node.child_count)]),
        cron=node.cron,
        timezone=node.timezone if node.HasField("timezone") else None,
        lookback=node.lookback_seconds if node.HasField("lookback_seconds") else None,
        tag_keys=tuple(node.tag_keys),
        tag_values=tuple([(pair.key, pair.value) for pair in node.tag_values]),
        keys=tuple(node.keys),
        is_listed=node.is_listed,
        name=node.name,
        label=node.label if node.HasField("label") else None,
    )


def _check_children(kind: Kind, count: int) -> None:
    right = count >= 1 if kind in _SEVERAL else count == (2 if kind in _TWO else 1 if kind in _ONE else 0)
    if not right:
        raise ValueError(f"a condition of kind {kind.name} has {count} operands")
