"""A scheduler that dies at a failpoint while something is asked of it, and the one that comes after it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from signal import SIGKILL
from typing import TypeVar

from tests.stack import Stack

T = TypeVar("T")

BEATS = ("--beat-interval", "0.2")


def meets(stack: Stack, point: str, action: Callable[[], T], options: tuple[str, ...] = BEATS) -> T:
    """Does something with a scheduler that dies at a point of it, and starts another one; the caller waits so long."""
    assert stack.scheduler is not None
    if stack.scheduler.process.poll() is None:
        stack.kill_scheduler()
    stack.start_scheduler(*options, failpoint=point)
    with ThreadPoolExecutor(1) as other:
        result = other.submit(action)
        assert stack.scheduler.process.wait(60) == -SIGKILL
        stack.start_scheduler(*options)
        return result.result(60)
