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


class Delivery(IntEnum):
    """How the value of a dependency is handed over: as it is, one element of it, or the results of a mapped task."""

    VALUE = 1
    ELEMENT = 2
    COLLECTED = 3
    STREAMED = 4
    STREAMED_AS_MADE = 5


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


class BackendKind(IntEnum):
    """Where runs are launched."""

    LOCAL = 1
    KUBERNETES = 2


class EvaluationMode(IntEnum):
    """Where the function of a schedule or sensor runs."""

    AUTO = 1
    IN_PROCESS = 2
    SUBPROCESS = 3


class WatchedStatus(IntEnum):
    """The end of a run that a run-status sensor is called for."""

    SUCCESS = 1
    FAILURE = 2
    CANCELED = 3


class ConditionKind(IntEnum):
    """What a condition's node asks for."""

    MISSING = 1
    IN_PROGRESS = 2
    EXECUTION_FAILED = 3
    NEWLY_UPDATED = 4
    NEWLY_REQUESTED = 5
    CODE_VERSION_CHANGED = 6
    DATA_VERSION_CHANGED = 7
    CRON_TICK_PASSED = 8
    IN_LATEST_TIME_WINDOW = 9
    INITIAL_EVALUATION = 10
    BACKFILL_IN_PROGRESS = 11
    WILL_BE_REQUESTED = 12
    LAST_RUN_INCLUDES_TARGET = 13
    LAST_EXECUTED_WITH_TAGS = 14
    HAS_RUN_WITH_TAGS = 15
    ALL_RUNS_HAVE_TAGS = 16
    ANY_DEPS = 17
    ALL_DEPS = 18
    SELECTED = 19
    AND = 20
    OR = 21
    NOT = 22
    NEWLY_TRUE = 23
    SINCE = 24
    SINCE_LAST_HANDLED = 25


class HookKind(IntEnum):
    """What a hook is called for."""

    SUCCESS = 1
    FAILURE = 2


class MetadataKind(IntEnum):
    """What a metadata value means to a reader."""

    TEXT = 1
    INT = 2
    FLOAT = 3
    BOOL = 4
    URL = 5
    PATH = 6
    JSON = 7
    MARKDOWN = 8
    TIMESTAMP = 9
    NULL = 10
    BYTES = 11
    DURATION = 12
    SQL = 13
    CODE_BLOCK = 14
    IMAGE = 15
    PERCENTAGE = 16
    LIST = 17
    DATE_RANGE = 18
    SCHEMA = 19
    DATA_VERSION = 20
