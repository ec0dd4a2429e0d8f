"""Whether a failed step is tried again, and when."""

from __future__ import annotations

from rivers.definitions.kinds import BackoffKind
from rivers.definitions.snapshot import RetryDefinition
from rivers.lifecycle.events import Failure
from rivers.lifecycle.states import FailureReason

#: Seconds in ten years: what grows beyond any number ends here.
LONGEST_WAIT = 315_576_000.0


def allows(policy: RetryDefinition | None, failures: int, failure: Failure) -> bool:
    """Whether the policy pays for another attempt after `failures` failures, this one included."""
    if policy is None or failures > policy.max_retries or failure.reason == FailureReason.CANCELLED:
        return False
    if policy.reasons is None and policy.exception_types is None:
        return True
    return failure.reason.name.lower() in (policy.reasons or ()) or any(
        name in failure.exception_types for name in policy.exception_types or ()
    )


def delay(policy: RetryDefinition, failures: int, spread: float) -> float:
    """Seconds to wait after the n-th failure. `spread` in [-1, 1] places the wait within the policy's jitter."""
    match policy.backoff:
        case BackoffKind.CONSTANT:
            wait = policy.delay
        case BackoffKind.LINEAR:
            wait = policy.initial + policy.delay * failures
        case BackoffKind.EXPONENTIAL:
            try:
                wait = policy.delay * policy.factor ** (failures - 1)
            except OverflowError:
                wait = LONGEST_WAIT
        case BackoffKind.FIXED:
            wait = policy.schedule[min(failures, len(policy.schedule)) - 1]
        case _:
            return 0.0
    if policy.max_delay is not None:
        wait = min(wait, policy.max_delay)
    return min(wait * (1.0 + policy.jitter * spread), LONGEST_WAIT)
