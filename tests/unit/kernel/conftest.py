"""One step called by hand: a sink that remembers, and the handlers that the declarations name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.binding import BoundRepository, bind
from rivers.definitions.task import Task
from rivers.io_handlers import BaseIOHandler, InMemoryIOHandler
from rivers.kernel import InputReference, StepCall, StepEnd, run_step, run_step_async


class Heard:
    """What a sink was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.metadata: dict[str, dict[str, object]] = {}
        self.versions: dict[str, str | None] = {}
        self.partitions: list[str] = []
        self.valueless: list[str] = []
        self.keys: dict[str, tuple[str, ...]] = {}

    def started(self) -> None:
        self.events.append(("started", ""))

    def materialized(
        self, node: str, metadata: Any, data_version: str, partition_key: Any = None, has_value: bool = True
    ) -> None:
        self._note("materialized", node, metadata, data_version, partition_key)
        if not has_value:
            self.valueless.append(node)

    def observed(self, node: str, metadata: Any, data_version: str | None, partition_key: Any = None) -> None:
        self._note("observed", node, metadata, data_version, partition_key)

    def mapped(self, node: str, keys: tuple[str, ...]) -> None:
        self.keys[node] = (*self.keys.get(node, ()), *keys)

    def _note(self, what: str, node: str, metadata: Any, version: str | None, partition_key: Any) -> None:
        self.events.append((what, node))
        self.metadata[node] = {name: value for name, _, value in metadata}
        self.versions[node] = version
        if partition_key is not None:
            self.partitions.append(str(partition_key))


class Bench:
    """Binds declarations and calls their steps."""

    def __init__(self) -> None:
        self.memory = InMemoryIOHandler()
        self.heard = Heard()

    def bind(self, *assets: Asset, tasks: Sequence[Task] = (), resources: Mapping[str, Any] | None = None) -> None:
        self.bound: BoundRepository = bind(assets, tasks=tasks, resources=resources)

    def call(self, key: str, outputs: tuple[str, ...] | None, config: Any, partition: Any) -> StepCall:
        step = self.bound.steps[key]
        return StepCall(
            run_id="run",
            step_key=key,
            attempt=1,
            token=7,
            step=step,
            outputs=outputs or tuple(output.name for output in step.definition.outputs),
            inputs=tuple(InputReference(edge.upstream, edge.parameter) for edge in step.definition.edges),
            resources=self.bound.resources,
            config=config,
            tags=(),
            values=self,
            partition=partition,
        )

    def run(
        self, key: str, outputs: tuple[str, ...] | None = None, config: Any = None, partition: Any = None
    ) -> StepEnd:
        return run_step(self.call(key, outputs, config, partition), self.heard)

    async def run_async(self, key: str, outputs: tuple[str, ...] | None = None) -> StepEnd:
        return await run_step_async(self.call(key, outputs, None, None), self.heard)

    def stored(self, node: str) -> Any:
        return self.memory._storage[node]

    def for_output(self, call: StepCall, node: str) -> BaseIOHandler:
        handler: BaseIOHandler = self.bound.handler_for(node) or self.memory
        return handler

    def for_input(self, call: StepCall, reference: InputReference) -> BaseIOHandler:
        return self.for_output(call, reference.node)


@pytest.fixture
def bench() -> Bench:
    return Bench()
