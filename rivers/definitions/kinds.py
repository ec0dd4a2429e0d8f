"""The closed sets of the definitions. Numbers are those of `rivers.v1`."""

from __future__ import annotations

from enum import IntEnum


class StepKind(IntEnum):
    """How a step comes about."""

    ASSET = 1
    MULTI_ASSET = 2
    GRAPH_ASSET = 3
    EXTERNAL_ASSET = 4
    TASK = 5
    MAPPED_TASK = 6
    COLLECT = 7


class HandlerKind(IntEnum):
    """Where an output's value is kept."""

    DEFAULT = 1
    IN_MEMORY = 2
    SHARED = 3


class TriggerRule(IntEnum):
    """When a dependency edge is met."""

    ON_SUCCESS = 1
    ON_DONE = 2
    ON_FAILURE = 3


class ExecutorKind(IntEnum):
    """How the steps of a run are executed."""

    IN_PROCESS = 1
    PARALLEL = 2
    KUBERNETES = 3


class BackoffKind(IntEnum):
    """How the wait before a retry grows."""

    CONSTANT = 1
    LINEAR = 2
    EXPONENTIAL = 3
    FIXED = 4
