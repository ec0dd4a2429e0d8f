"""Runs what an assignment asks for, in the process that has the user's code."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from codeloc.interrupts import Stopped
from codeloc.reporter import Reporter
from codeloc.resources import WorkerResources
from codeloc.trace_context import in_span
from rivers.errors import NodeNotFoundError
from rivers.kernel import InputReference, StepCall, StepEnd, Values, capture, failure_of, run_step
from rivers.kernel.config import launched
from rivers.lifecycle.states import AttemptOutcome, LogStream
from rivers.v1.step_service_pb2 import Assign, AttemptEnded
from rivers.wire.steps import Input, Work, decode_work, encode_ended

if TYPE_CHECKING:
    from rivers.definitions.binding import BoundRepository


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
            if end.failure is not None and end.failure.traceback and not isinstance(end.exception, Stopped):
                reporter.write(LogStream.TRACEBACK, end.failure.traceback)
        finally:
            capture.end(reporter, token)
        outcome = AttemptOutcome.STOPPED if isinstance(end.exception, Stopped) else end.outcome
        return encode_ended(outcome, end.failure)

    def close(self) -> None:
        """The worker ends."""
        self._resources.tear_down()

    def _run(self, assign: Assign, reporter: Reporter) -> StepEnd:
        try:
            call = self._call(assign, decode_work(assign.step))
        except Exception as error:  # what a resource's `setup` raises
            return StepEnd(AttemptOutcome.FAILED, failure_of(error), error)
        return run_step(call, reporter)

    def _call(self, assign: Assign, work: Work) -> StepCall:
        step = self._bound.steps.get(work.step)
        if step is None:
            raise NodeNotFoundError(node=work.step)
        config, metadata = launched(work.config, work.step)
        return StepCall(
            run_id=assign.run_id,
            step_key=work.step_key,
            attempt=assign.attempt,
            token=assign.token,
            step=step,
            outputs=work.outputs,
            inputs=tuple([self._reference(work.step, given) for given in work.inputs]),
            resources=self._resources.take(step.definition.resources),
            config=config,
            metadata=metadata,
            tags=work.tags,
            values=self._values,
        )

    def _reference(self, step: str, given: Input) -> InputReference:
        declared = self._bound.input_edge(step, given.node)
        metadata = declared.metadata if declared is not None else None
        if metadata is None:
            output = self._bound.snapshot.output_by_node.get(given.node)
            metadata = dict(output.metadata) or None if output is not None else None
        return InputReference(given.node, given.parameter, given.producer_token, given.producer_run_id, metadata)
