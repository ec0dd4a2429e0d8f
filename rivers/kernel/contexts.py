"""What a step's function is told about the step: the execution contexts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic

from rivers.errors import ExecutionError, PartitionValidationError
from rivers.kernel.notes import OutputNotes
from rivers.kernel.step_logger import step_logger
from rivers.partitions.key import PartitionKey

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from rivers.partitions.context import PartitionContext

    ConfigT = TypeVar("ConfigT", default=Any)
else:
    from typing import TypeVar

    ConfigT = TypeVar("ConfigT")


class AssetExecutionContext(OutputNotes, Generic[ConfigT]):
    """What an asset's function is told. Generic in the pydantic model of its configuration."""

    __slots__ = (
        "_failed_partitions",
        "asset_metadata",
        "asset_name",
        "attempt_token",
        "code_version",
        "config",
        "group",
        "is_multi_asset",
        "kinds",
        "output_selection",
        "partition",
        "run_id",
        "tags",
    )

    config: ConfigT

    def __init__(
        self,
        asset_name: str,
        tags: list[str] | None = None,
        kinds: list[str] | None = None,
        group: str | None = None,
        code_version: str | None = None,
        asset_metadata: dict[str, str] | None = None,
        partition: PartitionContext | None = None,
        is_multi_asset: bool = False,
        output_selection: list[str] | None = None,
        config: ConfigT | None = None,
        run_id: str | None = None,
    ) -> None:
        self._metadata = None
        self._data_version = None
        self.asset_name = asset_name
        self.tags = tags
        self.kinds = [] if kinds is None else kinds
        self.group = group
        self.code_version = code_version
        self.asset_metadata = asset_metadata
        self.partition = partition
        self.is_multi_asset = is_multi_asset
        self.output_selection = [] if output_selection is None else output_selection
        self.config = config  # type: ignore[assignment]  # without a model there is none
        self.run_id = run_id
        self.attempt_token = 0
        self._failed_partitions: dict[PartitionKey, str] | None = None

    @property
    def has_partition_key(self) -> bool:
        """Whether the step works on partitions."""
        return self.partition is not None

    @property
    def partition_key(self) -> str:
        """The text of the one key that the step works on."""
        return single_key(self.partition)

    @property
    def partition_time_window(self) -> tuple[datetime, datetime] | None:
        """Start and end of the partition; `None` when it is no window of time."""
        return None if self.partition is None else self.partition.time_window()

    @property
    def log(self) -> logging.Logger:
        """The logger `rivers.assets.<asset>`."""
        return step_logger("rivers.assets", self.asset_name)

    def mark_partition_failed(self, partition_key: PartitionKey, error: str) -> None:
        """In a step over several keys: this one failed, the others may succeed."""
        if self.partition is None or partition_key not in self.partition.keys:
            raise ExecutionError(f"partition key {partition_key} is not in this context's partition keys")
        if self._failed_partitions is None:
            self._failed_partitions = {}
        self._failed_partitions[partition_key] = error

    def __repr__(self) -> str:
        return f"AssetExecutionContext(asset_name={self.asset_name!r})"


class TaskExecutionContext(Generic[ConfigT]):
    """What a task's function is told. Generic in the pydantic model of its configuration."""

    __slots__ = ("attempt_token", "config", "partition", "tags", "task_name")

    config: ConfigT

    def __init__(
        self,
        task_name: str,
        tags: list[str] | None = None,
        partition: PartitionContext | None = None,
    ) -> None:
        self.task_name = task_name
        self.tags = tags
        self.partition = partition
        self.config = None  # type: ignore[assignment]  # set by whoever knows the model
        self.attempt_token = 0

    @property
    def has_partition_key(self) -> bool:
        """Whether the step works on partitions."""
        return self.partition is not None

    @property
    def partition_key(self) -> str:
        """The text of the one key that the step works on."""
        return single_key(self.partition, "task")

    @property
    def partition_time_window(self) -> tuple[datetime, datetime] | None:
        """Start and end of the partition; `None` when it is no window of time."""
        return None if self.partition is None else self.partition.time_window()

    @property
    def log(self) -> logging.Logger:
        """The logger `rivers.tasks.<task>`."""
        return step_logger("rivers.tasks", self.task_name)

    def __repr__(self) -> str:
        return f"TaskExecutionContext(task_name={self.task_name!r})"


def single_key(partition: PartitionContext | None, noun: str = "asset") -> str:
    """The text of the only key; raises when there is none, when there are several, when it has dimensions."""
    if partition is None:
        raise PartitionValidationError(f"No partition key available — {noun} is not partitioned")
    keys: Sequence[PartitionKey] = partition.keys
    if len(keys) > 1:
        raise PartitionValidationError(
            "partition_key is ambiguous for a batched (SingleRun/PerDimension) run; use context.partition.keys instead"
        )
    if not isinstance(keys[0], PartitionKey.Single):
        raise PartitionValidationError("partition_key is only available for single-key partitions")
    return str(keys[0])
