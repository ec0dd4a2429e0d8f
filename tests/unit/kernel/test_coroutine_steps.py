"""Coroutine functions: on a caller's loop, and with a loop of their own."""

from __future__ import annotations

import asyncio

import pytest

from rivers.definitions.asset import Asset
from rivers.lifecycle.states import AttemptOutcome, FailureReason


@Asset
async def answer() -> int:
    await asyncio.sleep(0)
    return 42


def test_a_plain_thread_gives_a_coroutine_its_own_loop(bench):
    bench.bind(answer)
    assert bench.run("answer").outcome == AttemptOutcome.SUCCEEDED
    assert bench.stored("answer") == 42


async def test_a_thread_with_a_running_loop_does_too(bench):
    bench.bind(answer)
    assert bench.run("answer").outcome == AttemptOutcome.SUCCEEDED


async def test_on_the_callers_loop(bench):
    bench.bind(answer)
    assert (await bench.run_async("answer")).outcome == AttemptOutcome.SUCCEEDED


async def test_system_exit_does_not_reach_the_loop(bench):
    @Asset
    async def a():
        raise SystemExit(3)

    bench.bind(a)
    assert (await bench.run_async("a")).failure.message == "SystemExit: 3"


async def test_a_cancellation_of_its_own_is_a_failure(bench):
    @Asset
    async def a():
        raise asyncio.CancelledError

    bench.bind(a)
    assert (await bench.run_async("a")).failure.reason == FailureReason.CANCELLED


async def test_the_cancellation_of_the_task_is_raised(bench):
    started = asyncio.Event()

    @Asset
    async def a():
        started.set()
        await asyncio.Event().wait()

    bench.bind(a)
    task = asyncio.create_task(bench.run_async("a"))
    await asyncio.wait_for(started.wait(), 5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
