"""What becomes of a returned value: unwrapped, checked, stored by its handler, told to the sink."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Any

from rivers.definitions.results import DynamicOutput, Materialization, Observation, Output
from rivers.errors import ExecutionError
from rivers.kernel import fan_out
from rivers.kernel.call import StepCall, StepEnd, StepSink, static_metadata
from rivers.kernel.contexts import AssetExecutionContext
from rivers.kernel.failures import failure_of
from rivers.kernel.io_contexts import OutputContext
from rivers.kernel.notes import entries_of, require_text, storable
from rivers.kernel.output_types import refuse
from rivers.kernel.recipe import OutputRecipe, Recipe
from rivers.lifecycle.states import AttemptOutcome

SUCCEEDED = StepEnd(AttemptOutcome.SUCCEEDED)
_RESULTS = (Output, Materialization, Observation)

# not `os.urandom`, which gives other threads the interpreter, nor the generator that authors may seed
_random = Random()
os.register_at_fork(after_in_child=_random.seed)


class Recording:
    """Records the outputs of one call."""

    __slots__ = ("_call", "_context", "_recipe", "_sink", "_values")

    def __init__(self, call: StepCall, sink: StepSink, recipe: Recipe, context: AssetExecutionContext[Any] | None):
        self._call = call
        self._sink = sink
        self._recipe = recipe
        self._context = context
        self._values: dict[str, object] | None = {} if recipe.keeps_values else None

    def single(self, value: Any) -> StepEnd:
        """The only output."""
        self.output(self._only(), value)
        return self.ended([])

    def observation(self, value: Any) -> StepEnd:
        """What an observe function returned; anything but an `Observation` says nothing."""
        observation = value if isinstance(value, Observation) else Observation()
        if observation.data_version is None and self._context is not None:
            observation = replace(observation, data_version=self._context._data_version)
        self._observe(self._only(), observation)
        return SUCCEEDED

    def _only(self) -> OutputRecipe:
        node = self._call.outputs[0]
        output = self._recipe.outputs[self._call.defined(node)]
        return output if output.node == node else replace(output, node=node, is_mapped=False)

    def mapping(self, value: Any) -> StepEnd:
        """The outputs of a multi-asset by name. One that is missing or cannot be stored fails alone."""
        if not isinstance(value, Mapping):
            raise TypeError(
                f"Multi-asset '{self._recipe.name}' must return a dict of output name to value or be a generator, "
                f"got {type(value).__name__}"
            )
        failed: list[tuple[str, BaseException]] = []
        for node in self._call.outputs:
            try:
                self.output(self._recipe.outputs[node], value[node])
            except BaseException as error:  # an author's handler; the other outputs are not to blame
                failed.append((node, error))
        return self.ended(failed)

    def output(self, output: OutputRecipe, value: Any) -> None:
        """One output of whatever form."""
        metadata = version = None
        if isinstance(value, _RESULTS):
            if isinstance(value, Observation):
                self._observe(output, value)
                return
            metadata, version = value.metadata, value.data_version
            require_text("data_version", version)
            if isinstance(value, Materialization):
                self._tell(output, self._notes(metadata), version, None, has_value=False)
                return
            value = value.value
        if output.check is not None and not output.check(value):
            raise refuse(output.node, value, output.hint)
        keys: list[str] | None = None
        if output.is_mapped:
            value, keys = fan_out.normalised(value)
        elif type(value) is list and value and all(type(element) is DynamicOutput for element in value):
            value = [element.value for element in value]
        call = self._call
        told = OutputContext(output.node, static_metadata(call, output.metadata), call.partition, output.hint)
        told._metadata = self._notes(metadata)
        call.values.for_output(call, output.node).handle_output(told, value)
        if keys is not None:  # before the output is there: what is mapped over it may begin as soon as it is
            fan_out.tell(self._sink, output.node, keys)
        self._tell(output, told._metadata, version, told._data_version, has_value=True)
        if self._values is not None:
            self._values[output.node] = value

    def ended(self, failed: list[tuple[str, BaseException]]) -> StepEnd:
        """The end of the call, of which these outputs failed."""
        end = _ended(failed)
        return replace(end, values=tuple(self._values.items())) if self._values else end

    def _observe(self, output: OutputRecipe, value: Observation) -> None:
        require_text("data_version", value.data_version)
        entries = entries_of(self._notes(value.metadata))
        if self._call.partition is None:
            self._sink.observed(output.node, entries, value.data_version)
            return
        for key in self._call.partition.keys:
            self._sink.observed(output.node, entries, value.data_version, key)

    def _notes(self, metadata: Mapping[str, Any] | None) -> dict[str, object] | None:
        """The context's entries, under those of the returned object."""
        context = self._context
        notes = dict(context._metadata) if context is not None and context._metadata else None
        if metadata:
            notes = notes or {}
            for name, value in metadata.items():
                notes[name] = storable(name, value)
        return notes

    def _tell(
        self,
        output: OutputRecipe,
        notes: dict[str, object] | None,
        version: str | None,
        by_handler: str | None,
        *,
        has_value: bool,
    ) -> None:
        context = self._context
        if by_handler is not None:
            version = by_handler
        elif version is None and context is not None:
            version = context._data_version
        if version is None:
            version = _new_version()
        entries = entries_of(notes)
        if self._call.partition is None:
            self._sink.materialized(output.node, entries, version, None, has_value)
            return
        failed = (context is not None and context._failed_partitions) or {}
        for key in self._call.partition.keys:
            if key in failed:
                self._sink.partition_failed(output.node, key, failed[key])
            else:
                self._sink.materialized(output.node, entries, version, key, has_value)


class Yields:
    """Records what a generator of a multi-asset yields, as it is yielded."""

    __slots__ = ("_missing", "_recipe", "_recording")

    def __init__(self, call: StepCall, recipe: Recipe, recording: Recording) -> None:
        self._recipe = recipe
        self._recording = recording
        self._missing = dict.fromkeys(call.outputs)

    def take(self, item: Any, wanted: tuple[str, ...]) -> None:
        """One yielded item; of an output that nobody asked for it is ignored."""
        if not isinstance(item, _RESULTS):
            raise ExecutionError(
                "Generator multi-asset must yield Output(...), Observation(...), or Materialization(...)"
            )
        if item.output_name is None:
            raise ExecutionError("yield in multi-asset must include output_name")
        if item.output_name in wanted:
            self._recording.output(self._recipe.outputs[item.output_name], item)
            self._missing.pop(item.output_name, None)

    def end(self, error: BaseException | None) -> StepEnd:
        """The generator is exhausted, or raised."""
        return self._recording.ended(
            [
                (node, error or ExecutionError(f"Generator multi-asset did not yield output '{node}'"))
                for node in self._missing
            ]
            or ([("", error)] if error is not None else [])
        )


def _ended(failed: list[tuple[str, BaseException]]) -> StepEnd:
    if not failed:
        return SUCCEEDED
    failures = [(node, failure_of(error)) for node, error in failed]
    return StepEnd(AttemptOutcome.FAILED, failures[0][1], failed[0][1], tuple(failures) if failures[0][0] else ())


def _new_version() -> str:
    """The text of a random UUID, version 4."""
    number = _random.getrandbits(128) & ~(0xF << 76) & ~(0x3 << 62) | 0x4 << 76 | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
