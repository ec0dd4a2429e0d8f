"""How a run ends: what is dropped when it is asked to stop, and when it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers.lifecycle.events import SKIPPED, Event, Failure
from rivers.lifecycle.run import RUN, RunVerb
from rivers.lifecycle.states import EventType, RunState, StepState
from rivers.lifecycle.step import STEP, StepEvent

if TYPE_CHECKING:
    from rivers.lifecycle.progress import RunProgress

#: Nothing of the run has happened yet.
BEFORE = (RunState.QUEUED, RunState.DEQUEUED)


def drop_waiting(run: RunProgress) -> None:
    """Nothing new starts: what waits for a place, an input or its next attempt is over."""
    for step in run.steps:
        if step.state in (StepState.READY, StepState.WAITING, StepState.OPEN):
            if step.failures and step.failure is not None:  # between two attempts: the last one's failure stands
                step.state = STEP.apply(step, step.state, StepEvent.GIVE_UP)
                run.report(EventType.STEP_FAILED, step, step.failure)
                run.failed += 1
            else:
                step.state = STEP.apply(step, step.state, StepEvent.CANCEL)
            run.touched.add(step.ordinal)
            run.unfinished -= 1
    run.ready.clear()


def conclude(run: RunProgress) -> None:
    """Ends the run when nothing is left to wait for; never while one of its attempts is live (A12)."""
    if run.live or run.state.is_terminal:
        return
    if run.state in BEFORE and run.failure is None:
        if run.log and run.log[-1].type == EventType.RUN_CANCEL_REQUESTED:
            run.state = RUN.apply(run, run.state, RunVerb.END_CANCELED)
            run.log.append(Event(EventType.RUN_CANCELED))
    elif run.failure is not None:
        run.state = RUN.apply(run, run.state, RunVerb.FAIL, run.failure)
        run.log.append(Event(EventType.RUN_FAILED, failure=run.failure))
    elif run.state == RunState.CANCELING:
        run.state = RUN.apply(run, run.state, RunVerb.END_CANCELED)
        run.log.append(Event(EventType.RUN_CANCELED))
    elif run.state == RunState.STARTED and not run.unfinished:
        if run.failed:
            run.state = RUN.apply(run, run.state, RunVerb.FAIL, _first_failure(run))
            run.log.append(Event(EventType.RUN_FAILED, failure=run.failure))
        else:
            run.state = RUN.apply(run, run.state, RunVerb.SUCCEED)
            run.log.append(Event(EventType.RUN_SUCCEEDED))


def _first_failure(run: RunProgress) -> Failure | None:
    return next((failure for _, failure in run.final_failures() if failure is not SKIPPED), None)
