"""How attempts end when it is not their own code that says so."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from rivers.v1.failure_pb2 import (
    FAILURE_REASON_CANCELLED,
    FAILURE_REASON_HOME_LOST,
    FAILURE_REASON_INFRASTRUCTURE,
    Failure,
    FailureReason,
)
from rivers.v1.step_service_pb2 import (
    ATTEMPT_OUTCOME_CRASHED,
    ATTEMPT_OUTCOME_FENCED,
    ATTEMPT_OUTCOME_NOT_STARTED,
    ATTEMPT_OUTCOME_STOPPED,
    AttemptEnded,
)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: by a signal, or with a code. `detail` is for one that never came to be."""

    code: int = 0
    signal: int = 0
    detail: str = ""

    @classmethod
    def of_status(cls, status: int) -> Exit:
        """From what `waitpid` gives."""
        if status & 0x7F:
            return cls(signal=status & 0x7F)
        return cls(code=status >> 8 & 0xFF)

    def __str__(self) -> str:
        if self.detail:
            return self.detail
        if self.signal:
            try:
                name = signal.Signals(self.signal).name
            except ValueError:
                name = "a signal"
            return f"was killed by {name} ({self.signal})"
        return f"exited with code {self.code}"


def not_started(why: str, *, is_home_lost: bool = False) -> AttemptEnded:
    """The body was never called."""
    reason = FAILURE_REASON_HOME_LOST if is_home_lost else FAILURE_REASON_INFRASTRUCTURE
    failure = Failure(reason=reason, message=f"NotStarted: {why}")
    return AttemptEnded(outcome=ATTEMPT_OUTCOME_NOT_STARTED, failure=failure, home_lost=is_home_lost)


def home_lost(run_id: str) -> AttemptEnded:
    """The body was never called, because the values that it needs went with the run's home process."""
    return not_started(f"the home process of run {run_id} is gone, and the values in it", is_home_lost=True)


def crashed(exit: Exit, pid: int, *, is_home: bool, output_cut: bool) -> AttemptEnded:
    """The process died under the body."""
    failure = Failure(
        reason=FAILURE_REASON_INFRASTRUCTURE,
        message=f"TerminatedWorkerError: worker process {pid} {exit} while the step ran",
        signal=exit.signal,
        exit_code=exit.code,
    )
    return AttemptEnded(outcome=ATTEMPT_OUTCOME_CRASHED, failure=failure, home_lost=is_home, output_cut=output_cut)


def stopped(why: str, *, is_cancel: bool, is_home: bool = False, output_cut: bool = False) -> AttemptEnded:
    """The body was asked to end, or killed after it had been asked."""
    reason: FailureReason.ValueType = FAILURE_REASON_CANCELLED if is_cancel else FAILURE_REASON_INFRASTRUCTURE
    failure = Failure(reason=reason, message=f"Stopped: {why}")
    return AttemptEnded(outcome=ATTEMPT_OUTCOME_STOPPED, failure=failure, home_lost=is_home, output_cut=output_cut)


def fenced(*, is_home: bool = False) -> AttemptEnded:
    """It is dead, and nothing from it counts."""
    return AttemptEnded(outcome=ATTEMPT_OUTCOME_FENCED, home_lost=is_home)
