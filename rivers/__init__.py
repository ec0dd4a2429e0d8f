"""rivers: an orchestrator for data teams. Names load when they are first used, so importing it is cheap."""

from __future__ import annotations

TYPE_CHECKING = False  # known by this name to type checkers; importing it would cost more than all the rest

if TYPE_CHECKING:
    from rivers import exceptions, io_handlers, testing
    from rivers.daemon.daemon import AutomationDaemon
    from rivers.definitions.asset import Asset, SingleAsset
    from rivers.definitions.automation_condition import AutomationCondition
    from rivers.definitions.automation_modes import EvalMode, ScheduleStatus, SensorStatus
    from rivers.definitions.backoff import Backoff
    from rivers.definitions.bash_task import BashTask
    from rivers.definitions.composition import InvokedNodeOutput
    from rivers.definitions.compute import Compute, ComputeEscalation
    from rivers.definitions.dependency import AssetDef, DepDef
    from rivers.definitions.executor import Executor
    from rivers.definitions.external_asset import ExternalAsset
    from rivers.definitions.failure_reason import FailureReason
    from rivers.definitions.graph_asset import GraphAsset
    from rivers.definitions.hook import Hook
    from rivers.definitions.job import Job
    from rivers.definitions.metadata import MetadataValue
    from rivers.definitions.multi_asset import MultiAsset
    from rivers.definitions.requests import BackfillRequest, RunRequest, SensorResult, SkipReason
    from rivers.definitions.results import DynamicOutput, Materialization, Observation, Output
    from rivers.definitions.retry_policy import RetryOn, RetryPolicy
    from rivers.definitions.run_backend import RunBackendConfig
    from rivers.definitions.run_queue import RunQueueConfig, TagConcurrencyLimit
    from rivers.definitions.run_status import RunStatus
    from rivers.definitions.schedule import Schedule
    from rivers.definitions.schema import Schema
    from rivers.definitions.self_dependency import SelfDependency
    from rivers.definitions.sensor import Sensor
    from rivers.definitions.task import Task
    from rivers.io_handlers import BaseIOHandler, InMemoryIOHandler, PickleIOHandler
    from rivers.kernel.contexts import AssetExecutionContext, TaskExecutionContext
    from rivers.kernel.hooks import HookContext
    from rivers.kernel.io_contexts import InputContext, OutputContext
    from rivers.kernel.tick_contexts import (
        RunStatusSensorContext,
        ScheduleEvaluationContext,
        SensorEvaluationContext,
        StepFailure,
    )
    from rivers.partitions.backfill_strategy import BackfillStrategy
    from rivers.partitions.context import PartitionContext
    from rivers.partitions.definition import PartitionsDefinition
    from rivers.partitions.key import PartitionKey
    from rivers.partitions.key_range import PartitionKeyRange
    from rivers.partitions.mapping import PartitionMapping
    from rivers.repository.backfill_result import BackfillResult, BackfillStatus
    from rivers.repository.code_repository import CodeRepository
    from rivers.repository.evaluation import ScheduleTickResult, SensorTickResult
    from rivers.repository.run_handle import RunHandle
    from rivers.repository.run_result import RunResult
    from rivers.repository.storage.assets import AssetRecord
    from rivers.repository.storage.facade import Storage
    from rivers.repository.storage.launched_by import LaunchedBy, UserRef
    from rivers.repository.storage.runs import RunRecord
    from rivers.repository.storage.staleness import StaleCause
    from rivers.repository.storage.statuses import StorageType
    from rivers.repository.storage.stored_event import StoredEvent
    from rivers.repository.storage.ticks import StoredTick
    from rivers.resources import Resource

__all__ = [
    "Asset",
    "AssetDef",
    "AssetExecutionContext",
    "AssetRecord",
    "AutomationCondition",
    "AutomationDaemon",
    "BackfillRequest",
    "BackfillResult",
    "BackfillStatus",
    "BackfillStrategy",
    "Backoff",
    "BaseIOHandler",
    "BashTask",
    "CodeRepository",
    "Compute",
    "ComputeEscalation",
    "DepDef",
    "DynamicOutput",
    "EvalMode",
    "Executor",
    "ExternalAsset",
    "FailureReason",
    "GraphAsset",
    "Hook",
    "HookContext",
    "InMemoryIOHandler",
    "InputContext",
    "InvokedNodeOutput",
    "Job",
    "LaunchedBy",
    "Materialization",
    "MetadataValue",
    "MultiAsset",
    "Observation",
    "Output",
    "OutputContext",
    "PartitionContext",
    "PartitionKey",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionsDefinition",
    "PickleIOHandler",
    "Resource",
    "RetryOn",
    "RetryPolicy",
    "RunBackendConfig",
    "RunHandle",
    "RunQueueConfig",
    "RunRecord",
    "RunRequest",
    "RunResult",
    "RunStatus",
    "RunStatusSensorContext",
    "Schedule",
    "ScheduleEvaluationContext",
    "ScheduleStatus",
    "ScheduleTickResult",
    "Schema",
    "SelfDependency",
    "Sensor",
    "SensorEvaluationContext",
    "SensorResult",
    "SensorStatus",
    "SensorTickResult",
    "SingleAsset",
    "SkipReason",
    "StaleCause",
    "StepFailure",
    "Storage",
    "StorageType",
    "StoredEvent",
    "StoredTick",
    "TagConcurrencyLimit",
    "Task",
    "TaskExecutionContext",
    "UserRef",
    "exceptions",
    "io_handlers",
    "testing",
]

_HOMES = {
    "AutomationDaemon": "rivers.daemon.daemon",
    "Asset": "rivers.definitions.asset",
    "SingleAsset": "rivers.definitions.asset",
    "AutomationCondition": "rivers.definitions.automation_condition",
    "EvalMode": "rivers.definitions.automation_modes",
    "ScheduleStatus": "rivers.definitions.automation_modes",
    "SensorStatus": "rivers.definitions.automation_modes",
    "Backoff": "rivers.definitions.backoff",
    "BashTask": "rivers.definitions.bash_task",
    "Compute": "rivers.definitions.compute",
    "ComputeEscalation": "rivers.definitions.compute",
    "AssetDef": "rivers.definitions.dependency",
    "DepDef": "rivers.definitions.dependency",
    "Executor": "rivers.definitions.executor",
    "ExternalAsset": "rivers.definitions.external_asset",
    "FailureReason": "rivers.definitions.failure_reason",
    "Hook": "rivers.definitions.hook",
    "GraphAsset": "rivers.definitions.graph_asset",
    "InvokedNodeOutput": "rivers.definitions.composition",
    "Job": "rivers.definitions.job",
    "MetadataValue": "rivers.definitions.metadata",
    "MultiAsset": "rivers.definitions.multi_asset",
    "BackfillRequest": "rivers.definitions.requests",
    "RunRequest": "rivers.definitions.requests",
    "SensorResult": "rivers.definitions.requests",
    "SkipReason": "rivers.definitions.requests",
    "DynamicOutput": "rivers.definitions.results",
    "Materialization": "rivers.definitions.results",
    "Observation": "rivers.definitions.results",
    "Output": "rivers.definitions.results",
    "RetryOn": "rivers.definitions.retry_policy",
    "RetryPolicy": "rivers.definitions.retry_policy",
    "RunBackendConfig": "rivers.definitions.run_backend",
    "RunQueueConfig": "rivers.definitions.run_queue",
    "TagConcurrencyLimit": "rivers.definitions.run_queue",
    "RunStatus": "rivers.definitions.run_status",
    "Schedule": "rivers.definitions.schedule",
    "Schema": "rivers.definitions.schema",
    "SelfDependency": "rivers.definitions.self_dependency",
    "Sensor": "rivers.definitions.sensor",
    "Task": "rivers.definitions.task",
    "BaseIOHandler": "rivers.io_handlers",
    "InMemoryIOHandler": "rivers.io_handlers",
    "PickleIOHandler": "rivers.io_handlers",
    "AssetExecutionContext": "rivers.kernel.contexts",
    "TaskExecutionContext": "rivers.kernel.contexts",
    "HookContext": "rivers.kernel.hooks",
    "InputContext": "rivers.kernel.io_contexts",
    "OutputContext": "rivers.kernel.io_contexts",
    "BackfillResult": "rivers.repository.backfill_result",
    "BackfillStatus": "rivers.repository.backfill_result",
    "BackfillStrategy": "rivers.partitions.backfill_strategy",
    "RunStatusSensorContext": "rivers.kernel.tick_contexts",
    "ScheduleEvaluationContext": "rivers.kernel.tick_contexts",
    "SensorEvaluationContext": "rivers.kernel.tick_contexts",
    "StepFailure": "rivers.kernel.tick_contexts",
    "PartitionContext": "rivers.partitions.context",
    "PartitionsDefinition": "rivers.partitions.definition",
    "PartitionKey": "rivers.partitions.key",
    "PartitionKeyRange": "rivers.partitions.key_range",
    "PartitionMapping": "rivers.partitions.mapping",
    "CodeRepository": "rivers.repository.code_repository",
    "ScheduleTickResult": "rivers.repository.evaluation",
    "SensorTickResult": "rivers.repository.evaluation",
    "RunHandle": "rivers.repository.run_handle",
    "RunResult": "rivers.repository.run_result",
    "AssetRecord": "rivers.repository.storage.assets",
    "Storage": "rivers.repository.storage.facade",
    "LaunchedBy": "rivers.repository.storage.launched_by",
    "UserRef": "rivers.repository.storage.launched_by",
    "RunRecord": "rivers.repository.storage.runs",
    "StaleCause": "rivers.repository.storage.staleness",
    "StorageType": "rivers.repository.storage.statuses",
    "StoredEvent": "rivers.repository.storage.stored_event",
    "StoredTick": "rivers.repository.storage.ticks",
    "Resource": "rivers.resources",
}
#: What programs may look for and this version does not have.
_LATER = (
    *("action", "AssetAction", "ActionContext", "ActionResult", "ActionConcurrency", "ActionOrdering"),
    *("ActionPartitioning", "Outcome"),
)
_MODULES = ("exceptions", "io_handlers", "testing")


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"rivers.{name}")
    if name in _LATER:
        raise AttributeError(f"rivers.{name}: asset actions are not available in this version of rivers")
    if name not in _HOMES:
        raise AttributeError(f"module 'rivers' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
