"""One call of a step: what is handed to the kernel, whom it tells, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rivers.definitions.kinds import Delivery
from rivers.lifecycle.events import Failure, MetadataEntry
from rivers.lifecycle.states import AttemptOutcome
from rivers.partitions.key import PartitionKey

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundStep
    from rivers.io_handlers.handler import BaseIOHandler
    from rivers.partitions.context import PartitionContext
    from rivers.partitions.definition import PartitionsDefinition


@dataclass(frozen=True, slots=True)
class InputReference:
    """A value to load: which node, for which parameter (`None` only orders), from which committed attempt.

    Token 0: produced outside this store's knowledge, loaded by name. `metadata` is what the handler is told of the
    upstream node: its static metadata, or what the consumer declared instead. `results` are the instances to gather,
    node and token of each, when the node is a gathering; `has_value` says that the producer stored something.
    `partitions` is how the node is partitioned.
    """

    node: str
    parameter: str | None
    producer_token: int = 0
    producer_run_id: str = ""
    metadata: Mapping[str, str] | None = None
    partitions: PartitionsDefinition | None = None
    delivery: Delivery = Delivery.VALUE
    has_value: bool = True
    results: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class StepCall:
    """One attempt of one step.

    `outputs` are the nodes wanted of it, `config` overrides fields of its model, `metadata` entries of its static
    metadata; both are what the launch says. `partition_key` is the run's; `partition` is what it means for this step;
    `registered` holds the keys of the dynamic definitions that its mappings have to know.
    An instance of a mapped task has a `mapping_key`, and `mapping_index` is the place of its element.
    """

    run_id: str
    step_key: str
    attempt: int
    token: int
    step: BoundStep
    outputs: tuple[str, ...]
    inputs: tuple[InputReference, ...]
    resources: Mapping[str, Any]
    config: Mapping[str, Any] | None
    tags: tuple[tuple[str, str], ...]
    values: Values
    partition: PartitionContext | None = None
    metadata: Mapping[str, str] | None = None
    mapping_key: str | None = None
    mapping_index: int = 0
    partition_key: PartitionKey | None = None
    registered: Mapping[str, Sequence[str]] | None = None

    def defined(self, node: str) -> str:
        """The output of the step's definition that a node of this call is: an instance has a node of its own."""
        return node if self.mapping_key is None else self.step.definition.key


class Values(Protocol):
    """Which IO handler stores an output, and which loads an input."""

    def for_output(self, call: StepCall, node: str) -> BaseIOHandler: ...

    def for_input(self, call: StepCall, reference: InputReference) -> BaseIOHandler: ...


class StepSink(Protocol):
    """Is told what happens, in order, synchronously, on the thread of the step."""

    def started(self) -> None:
        """The attempt runs: its inputs are about to be loaded."""

    def materialized(
        self,
        node: str,
        metadata: tuple[MetadataEntry, ...],
        data_version: str,
        partition_key: PartitionKey | None = None,
        has_value: bool = True,
    ) -> None:
        """An output is stored; without a value the author stored it."""

    def partition_failed(self, node: str, partition_key: PartitionKey, error: str) -> None:
        """One of the partitions failed, as the author's code said; the step goes on."""

    def observed(
        self,
        node: str,
        metadata: tuple[MetadataEntry, ...],
        data_version: str | None,
        partition_key: PartitionKey | None = None,
    ) -> None:
        """Something was seen of an asset."""

    def mapped(self, node: str, keys: tuple[str, ...]) -> None:
        """Elements, by mapping key, of an output or, without a node, of the source that this step is mapped over."""


@dataclass(frozen=True, slots=True)
class StepEnd:
    """How an attempt ended. Of several outputs that failed for reasons of their own, `failures` tells which and why;
    `failure` is the first of them. `values` holds what was stored by node, for steps with hooks that see it."""

    outcome: AttemptOutcome
    failure: Failure | None = None
    exception: BaseException | None = None
    failures: tuple[tuple[str, Failure], ...] = ()
    values: tuple[tuple[str, object], ...] = ()


def static_metadata(call: StepCall, declared: Mapping[str, str] | None) -> dict[str, str] | None:
    """Declared metadata as a context shows it: a copy, under what the launch says; `None` when there is none."""
    if call.metadata:
        return {**(declared or {}), **call.metadata}
    return dict(declared) if declared else None
