"""Runs what an assignment asks for, in the process that has the user's code."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from codeloc.interrupts import Stopped
from codeloc.reporter import Reporter
from codeloc.resources import WorkerResources
from codeloc.trace_context import in_span
from rivers.definitions.kinds import HookKind
from rivers.errors import NodeNotFoundError
from rivers.kernel import InputReference, StepCall, StepEnd, Values, capture, failure_of, run_step
from rivers.kernel.config import launched
from rivers.kernel.hooks import call_hooks
from rivers.kernel.input_metadata import metadata_of_input
from rivers.kernel.launched_resources import LaunchedResources
from rivers.kernel.partitions import partition_of
from rivers.kernel.tracebacks import trace_of
from rivers.lifecycle.states import AttemptOutcome
from rivers.v1.step_service_pb2 import Assign, AttemptEnded, CallHooks
from rivers.wire.steps import Input, Work, decode_work, encode_ended
from rivers.wire.values import decode_map

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository, BoundStep


class StepWork:
    """Steps of one repository."""

    def __init__(self, bound: BoundRepository, values: Values) -> None:
        self._bound = bound
        self._values = values
        self._resources = WorkerResources(bound.resources)
        self._in_span = in_span(os.environ)
        capture.tap_logging()

    def run(self, assign: Assign, reporter: Reporter) -> AttemptEnded:
        """One attempt. Whatever user code does comes back as its end; only `Stopped` may pass, when it came late."""
        token = capture.begin(reporter)
        try:
            if self._in_span is None:
                end = self._run(assign, reporter)
            else:
                with self._in_span(assign):
                    end = self._run(assign, reporter)
            if end.failure is not None and not isinstance(end.exception, Stopped):
                for stream, text in trace_of(end.exception):
                    reporter.write(stream, text)
        finally:
            capture.end(reporter, token)
        outcome = AttemptOutcome.STOPPED if isinstance(end.exception, Stopped) else end.outcome
        return encode_ended(outcome, end.failure)

    def call_hooks(self, due: CallHooks) -> None:
        """Calls hooks of a step that has ended for good."""
        step = self._bound.steps.get(due.step)
        hooks = getattr(step.owner, "hooks", None) if step is not None else None
        if step is None or not hooks:
            return
        config, metadata = launched(decode_map(due.config) if due.HasField("config") else None, due.step)
        calls: list[tuple[HookKind, str, str | None]] = [(HookKind.SUCCESS, node, None) for node in due.nodes]
        if due.HasField("error"):
            calls.append((HookKind.FAILURE, step.definition.outputs[0].name, due.error))
        for kind, node, error in calls:
            output = self._bound.snapshot.output_by_node.get(node)
            declared = dict(output.metadata) if output is not None else {}
            call_hooks(
                hooks,
                kind,
                node=node,
                run_id=due.run_id,
                error=error,
                metadata={**declared, **(metadata or {})},
                config=config,
            )

    def close(self) -> None:
        """The worker ends."""
        self._resources.tear_down()

    def _run(self, assign: Assign, reporter: Reporter) -> StepEnd:
        try:
            work = decode_work(assign.step)
            step = self._bound.steps.get(work.step)
            if step is None:
                raise NodeNotFoundError(node=work.step)
            named = self._named(step, work)
            keys = [key for key in step.definition.resources if key not in named]
            with LaunchedResources(self._resources.take(keys), named) as resources:
                return run_step(self._call(assign, work, step, resources), reporter)
        except Exception as error:  # what a resource's `setup` raises, or a field that its class refuses
            return StepEnd(AttemptOutcome.FAILED, failure_of(error), error)

    def _named(self, step: BoundStep, work: Work) -> dict[str, Any]:
        """The fields of the step's resources that the launch sets."""
        fields: Any = (work.config or {}).get("resources") or {}
        return {key: fields[key] for key in step.definition.resources if key in fields}

    def _call(self, assign: Assign, work: Work, step: BoundStep, resources: Mapping[str, Any]) -> StepCall:
        config, metadata = launched(work.config, work.step)
        partition = None
        if work.partition_key is not None:
            partition = partition_of(step.definition, work.outputs, work.partition_key)
        return StepCall(
            run_id=assign.run_id,
            step_key=work.step_key,
            attempt=assign.attempt,
            token=assign.token,
            step=step,
            outputs=work.outputs,
            inputs=tuple([self._reference(work, given) for given in work.inputs]),
            resources=resources,
            config=config,
            metadata=metadata,
            tags=work.tags,
            values=self._values,
            mapping_key=work.id.mapping_key,
            mapping_index=work.mapping_index,
            partition=partition,
            partition_key=work.partition_key,
            registered=work.registered,
        )

    def _reference(self, work: Work, given: Input) -> InputReference:
        output = self._bound.snapshot.output_by_node.get(given.node)
        return InputReference(
            given.node,
            given.parameter,
            given.producer_token,
            given.producer_run_id,
            metadata_of_input(self._bound, work.step, given.node, work.config),
            output.partitions if output is not None else None,
            given.delivery,
            given.has_value,
            given.results,
        )
