"""Whether a failed step is tried again, and when."""

from __future__ import annotations

import pytest

from rivers.definitions.kinds import BackoffKind
from rivers.definitions.snapshot import RetryDefinition
from rivers.lifecycle.events import Failure
from rivers.lifecycle.retry import LONGEST_WAIT, allows, delay
from rivers.lifecycle.states import FailureReason

ERROR = Failure(
    FailureReason.ERROR, "KeyError: 'x'", ("builtins.KeyError", "builtins.LookupError", "builtins.Exception")
)
TIMEOUT = Failure(FailureReason.TIMEOUT, "TimeoutError: slow", ("builtins.TimeoutError", "builtins.OSError"))
CANCELLED = Failure(FailureReason.CANCELLED, "CancelledError: stop")


def test_without_a_policy_nothing_is_tried_again() -> None:
    assert not allows(None, 1, ERROR)


@pytest.mark.parametrize(("failures", "allowed"), [(1, True), (2, True), (3, False)])
def test_max_retries_counts_extra_attempts(failures: int, allowed: bool) -> None:
    assert allows(RetryDefinition(max_retries=2), failures, ERROR) is allowed


def test_a_wait_that_grows_beyond_any_number_is_ten_years() -> None:
    policy = RetryDefinition(5_000, BackoffKind.EXPONENTIAL, delay=1.0, factor=10.0)
    assert delay(policy, 2_000, 0.0) == delay(policy, 200, 1.0) == LONGEST_WAIT
    assert delay(policy, 3, 0.0) == 100.0


def test_zero_disables() -> None:
    assert not allows(RetryDefinition(max_retries=0), 1, ERROR)


@pytest.mark.parametrize("policy", [RetryDefinition(5), RetryDefinition(5, reasons=("cancelled",))])
def test_a_canceled_step_is_never_tried_again(policy: RetryDefinition) -> None:
    assert not allows(policy, 1, CANCELLED)


@pytest.mark.parametrize(
    ("policy", "failure", "allowed"),
    [
        (RetryDefinition(1, reasons=("timeout", "infrastructure")), TIMEOUT, True),
        (RetryDefinition(1, reasons=("timeout", "infrastructure")), ERROR, False),
        (RetryDefinition(1, exception_types=("builtins.LookupError",)), ERROR, True),
        (RetryDefinition(1, exception_types=("builtins.LookupError",)), TIMEOUT, False),
        (RetryDefinition(1, reasons=("timeout",), exception_types=("builtins.KeyError",)), ERROR, True),
        (RetryDefinition(1, reasons=(), exception_types=()), ERROR, False),
    ],
)
def test_filters_match_the_reason_or_any_base_class(policy: RetryDefinition, failure: Failure, allowed: bool) -> None:
    assert allows(policy, 1, failure) is allowed


@pytest.mark.parametrize(
    ("policy", "waits"),
    [
        (RetryDefinition(9), [0.0, 0.0, 0.0]),
        (RetryDefinition(9, BackoffKind.CONSTANT, delay=4.0), [4.0, 4.0, 4.0]),
        (RetryDefinition(9, BackoffKind.LINEAR, delay=2.0, initial=1.0), [3.0, 5.0, 7.0]),
        (RetryDefinition(9, BackoffKind.EXPONENTIAL, delay=1.0, factor=3.0), [1.0, 3.0, 9.0]),
        (RetryDefinition(9, BackoffKind.EXPONENTIAL, delay=1.0, max_delay=2.5), [1.0, 2.0, 2.5]),
        (RetryDefinition(9, BackoffKind.FIXED, schedule=(1.0, 7.0)), [1.0, 7.0, 7.0]),
    ],
)
def test_the_wait_grows_as_the_policy_says(policy: RetryDefinition, waits: list[float]) -> None:
    assert [delay(policy, failures, 0.0) for failures in (1, 2, 3)] == waits


@pytest.mark.parametrize(("spread", "wait"), [(-1.0, 7.5), (0.0, 10.0), (1.0, 12.5)])
def test_jitter_comes_after_the_limit(spread: float, wait: float) -> None:
    policy = RetryDefinition(9, BackoffKind.CONSTANT, delay=60.0, max_delay=10.0, jitter=0.25)
    assert delay(policy, 1, spread) == wait
