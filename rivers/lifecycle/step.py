"""The life of a step."""

from __future__ import annotations

from enum import StrEnum

from rivers.lifecycle.events import Failure
from rivers.lifecycle.fan_out import Expansion
from rivers.lifecycle.states import StepState
from rivers.lifecycle.table import Table


class StepEvent(StrEnum):
    """What can happen to a step."""

    BECOME_READY = "become ready"
    OPEN = "open"
    PASS = "pass"
    DISPATCH = "dispatch"
    START = "start"
    SUCCEED = "succeed"
    RETRY = "retry"
    FAIL = "fail"
    GIVE_UP = "give up"
    RETURN = "return"
    LOSE = "lose"
    CHARGE = "charge"
    REFUND = "refund"
    FENCE = "fence"
    SKIP = "skip"
    CANCEL = "cancel"


class StepProgress:
    """One step of a run, as far as it has come.

    `token` is the step's current token (0 before the first dispatch and after a fence): only a result that carries it
    counts. `produced` holds, for each output, the token of the attempt that made it, 0 for none yet, negative when that
    stored no value. `lost` exceeds the infrastructure budget by the losses that the retry policy paid for.
    """

    __slots__ = (
        "attempt",
        "expansion",
        "failure",
        "failures",
        "lost",
        "ordinal",
        "produced",
        "returns",
        "state",
        "token",
    )

    def __init__(self, ordinal: int, outputs: int) -> None:
        self.ordinal = ordinal
        self.state = StepState.PENDING
        self.attempt = 0
        self.token = 0
        self.failures = 0
        self.lost = 0
        self.returns = 0
        self.failure: Failure | None = None
        self.produced = [0] * outputs
        self.expansion: Expansion | None = None

    def __repr__(self) -> str:
        return f"{self.ordinal} (attempt {self.attempt}, token {self.token})"


def _ready(step: StepProgress) -> None:
    """Every input is there."""


def _open(step: StepProgress) -> None:
    """What it is made of begins: the first step of a graph, or the instances of a mapped task."""
    step.failure = None


def _open_late(step: StepProgress) -> None:
    """A lost attempt that nobody superseded had found the elements after all (A10)."""
    _give_back(step)
    _open(step)


def _pass(step: StepProgress) -> None:
    """A gathering has no body: with its inputs it is over."""


def _close(step: StepProgress) -> None:
    """Every instance succeeded."""


def _close_failed(step: StepProgress, failure: Failure) -> None:
    """Every instance is over, and not all of them succeeded."""
    step.failure = failure


def _dispatch(step: StepProgress, token: int) -> None:
    """A new attempt is issued; its token replaces any older one."""
    step.attempt += 1
    step.token = token


def _start(step: StepProgress) -> None:
    """The body runs."""


def _succeed(step: StepProgress) -> None:
    """The body returned and its outputs are stored."""
    step.failure = None
    step.produced = [token or step.token for token in step.produced]


def _succeed_late(step: StepProgress) -> None:
    """A lost attempt that nobody superseded had succeeded after all (A10)."""
    _give_back(step)
    _succeed(step)


def _fail_late(step: StepProgress, failure: Failure) -> None:
    """A lost attempt that nobody superseded had failed for good (A10)."""
    _give_back(step)
    _fail(step, failure)


def _give_back(step: StepProgress) -> None:
    step.lost -= 1


def _retry(step: StepProgress, failure: Failure) -> None:
    """The body failed and the retry policy allows another attempt."""
    step.failures += 1
    step.failure = failure


def _fail(step: StepProgress, failure: Failure) -> None:
    """The body failed and no attempt is left."""
    step.failures += 1
    step.failure = failure


def _give_up(step: StepProgress) -> None:
    """It was to be tried again when the run was asked to stop: its last failure stands."""


def _return(step: StepProgress) -> None:
    """The attempt never started: it charges nothing and its number is used again (A16)."""
    step.attempt -= 1
    step.returns += 1


def _lose(step: StepProgress, failure: Failure) -> None:
    """The attempt was lost or crashed and the infrastructure budget pays for another; the token stays (A10)."""
    step.lost += 1
    step.failure = failure


def _charge(step: StepProgress, failure: Failure) -> None:
    """The attempt was lost or crashed, the infrastructure budget is empty, and the retry policy pays for another."""
    _lose(step, failure)
    step.failures += 1


def _refund(step: StepProgress) -> None:
    """A lost attempt for which the retry policy had paid turns out to have failed: the policy pays once, not twice."""
    step.failures -= 1


def _fence(step: StepProgress) -> None:
    """No result of the attempt counts any more; the step waits until its end is proven (A12)."""
    step.token = 0


def _skip(step: StepProgress, failure: Failure) -> None:
    """What it depends on will never be there."""
    step.failure = failure


def _cancel(step: StepProgress) -> None:
    """The run was canceled before it could succeed."""


_S, _E = StepState, StepEvent

STEP = Table(
    "step",
    StepState.PENDING,
    {
        (_S.PENDING, _E.BECOME_READY): (_S.READY, _ready),
        (_S.PENDING, _E.OPEN): (_S.OPEN, _open),
        (_S.PENDING, _E.PASS): (_S.SUCCEEDED, _pass),
        (_S.PENDING, _E.SKIP): (_S.SKIPPED, _skip),
        (_S.PENDING, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.READY, _E.DISPATCH): (_S.DISPATCHED, _dispatch),
        (_S.READY, _E.OPEN): (_S.OPEN, _open_late),
        (_S.READY, _E.SUCCEED): (_S.SUCCEEDED, _succeed_late),
        (_S.READY, _E.FAIL): (_S.FAILED, _fail_late),
        (_S.READY, _E.REFUND): (_S.READY, _refund),
        (_S.READY, _E.GIVE_UP): (_S.FAILED, _give_up),
        (_S.READY, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.DISPATCHED, _E.START): (_S.RUNNING, _start),
        (_S.DISPATCHED, _E.OPEN): (_S.OPEN, _open),
        (_S.DISPATCHED, _E.SUCCEED): (_S.SUCCEEDED, _succeed),
        (_S.DISPATCHED, _E.RETRY): (_S.WAITING, _retry),
        (_S.DISPATCHED, _E.FAIL): (_S.FAILED, _fail),
        (_S.DISPATCHED, _E.RETURN): (_S.WAITING, _return),
        (_S.DISPATCHED, _E.LOSE): (_S.WAITING, _lose),
        (_S.DISPATCHED, _E.CHARGE): (_S.WAITING, _charge),
        (_S.DISPATCHED, _E.FENCE): (_S.DISPATCHED, _fence),
        (_S.DISPATCHED, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.RUNNING, _E.OPEN): (_S.OPEN, _open),
        (_S.RUNNING, _E.SUCCEED): (_S.SUCCEEDED, _succeed),
        (_S.RUNNING, _E.RETRY): (_S.WAITING, _retry),
        (_S.RUNNING, _E.FAIL): (_S.FAILED, _fail),
        (_S.RUNNING, _E.LOSE): (_S.WAITING, _lose),
        (_S.RUNNING, _E.CHARGE): (_S.WAITING, _charge),
        (_S.RUNNING, _E.FENCE): (_S.RUNNING, _fence),
        (_S.RUNNING, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.WAITING, _E.BECOME_READY): (_S.READY, _ready),
        (_S.WAITING, _E.OPEN): (_S.OPEN, _open_late),
        (_S.WAITING, _E.SUCCEED): (_S.SUCCEEDED, _succeed_late),
        (_S.WAITING, _E.FAIL): (_S.FAILED, _fail_late),
        (_S.WAITING, _E.REFUND): (_S.WAITING, _refund),
        (_S.WAITING, _E.GIVE_UP): (_S.FAILED, _give_up),
        (_S.WAITING, _E.CANCEL): (_S.CANCELED, _cancel),
        (_S.OPEN, _E.BECOME_READY): (_S.READY, _ready),
        (_S.OPEN, _E.SUCCEED): (_S.SUCCEEDED, _close),
        (_S.OPEN, _E.FAIL): (_S.FAILED, _close_failed),
        (_S.OPEN, _E.SKIP): (_S.SKIPPED, _skip),
        (_S.OPEN, _E.CANCEL): (_S.CANCELED, _cancel),
    },
)
