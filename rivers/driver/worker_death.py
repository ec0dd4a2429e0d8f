"""The end of an attempt whose worker process died."""

from __future__ import annotations

import signal
from dataclasses import replace

from rivers.kernel import StepEnd, failure_of
from rivers.lifecycle.states import AttemptOutcome


def crashed(step_key: str, code: int) -> StepEnd:
    """The end of the attempt; `code` is the exit code, or the number of a signal below zero."""
    from loky.process_executor import TerminatedWorkerError  # type: ignore[import-untyped]  # slow to load

    error = TerminatedWorkerError(f"the worker process of step '{step_key}' ended {how_it_ended(code)}")
    failure = replace(failure_of(error), traceback="", signal=max(0, -code), exit_code=max(0, code))
    return StepEnd(AttemptOutcome.CRASHED, failure, error)


def how_it_ended(code: int) -> str:
    """In words."""
    if code >= 0:
        return f"by exit code {code}"
    try:
        return f"by signal {-code} ({signal.Signals(-code).name})"
    except ValueError:  # one of those that have no name
        return f"by signal {-code}"
