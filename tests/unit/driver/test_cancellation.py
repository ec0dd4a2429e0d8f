"""Runs that are asked to stop."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from rivers.definitions.asset import Asset
from rivers.definitions.backoff import Backoff
from rivers.definitions.retry_policy import RetryPolicy
from rivers.kernel.contexts import AssetExecutionContext
from rivers.lifecycle.states import RunState


def test_a_step_that_cancels_its_own_run(here):
    @Asset
    def first(context: AssetExecutionContext):
        here.cancel(context.run_id)
        return 1

    second = Asset(name="second")(lambda first: 2)
    other = Asset(name="other")(lambda: 3)
    outcome = here.run(first, second, other)
    assert (outcome.state, outcome.success) == (RunState.CANCELED, False)
    assert (outcome.materialized, outcome.failed, outcome.error) == (("first",), (), None)
    assert here.story() == ["STEP_STARTED first", "MATERIALIZED first", "STEP_SUCCEEDED first"]
    assert here.row().state == RunState.CANCELED
    assert here.row().ended_at is not None


def test_every_step_may_be_the_one_that_cancels(here):
    for place in range(5):

        def body(context: AssetExecutionContext, place=place):
            if context.asset_name == f"s{place}":
                here.cancel(context.run_id)

        steps = [Asset(name=f"s{n}")(body) for n in range(6)]
        assert here.run(*steps).materialized == tuple(f"s{n}" for n in range(place + 1))


@pytest.mark.parametrize("is_async", [False, True])
def test_A14_a_run_canceled_during_its_last_step_ends_canceled_and_keeps_what_that_made(here, is_async):
    if is_async:

        @Asset
        async def only(context: AssetExecutionContext):
            here.cancel(context.run_id)

    else:

        @Asset
        def only(context: AssetExecutionContext):
            here.cancel(context.run_id)

    outcome = here.run(only)
    assert (outcome.state, outcome.success) == (RunState.CANCELED, False)
    assert (outcome.materialized, outcome.failed, outcome.error) == (("only",), (), None)
    assert here.story() == ["STEP_STARTED only", "MATERIALIZED only", "STEP_SUCCEEDED only"]


def test_A14_a_step_that_fails_in_a_canceled_run_is_not_tried_again(here):
    @Asset(retry=RetryPolicy(3))
    def only(context: AssetExecutionContext):
        here.cancel(context.run_id)
        raise OSError("gone")

    outcome = here.run(only)
    assert (outcome.state, outcome.failed, outcome.error) == (RunState.CANCELED, (("only", "OSError: gone"),), None)
    assert here.story() == ["STEP_STARTED only", "STEP_FAILED only"]


def test_a_cancellation_after_the_last_step_changes_nothing(here):
    outcome = here.run(Asset(name="only")(lambda: 1))
    here.cancel(outcome.run_id)
    assert here.row().state == RunState.SUCCEEDED


def test_a_run_canceled_before_it_began(here):
    here.cancel("early")
    outcome = here.run(Asset(name="a")(lambda: 1), run_id="early")
    assert (outcome.state, outcome.materialized) == (RunState.CANCELED, ())


def test_a_wait_between_attempts_is_cut_short(here):
    @Asset(retry=RetryPolicy(1, backoff=Backoff.constant(60)))
    def fails():
        raise OSError("not yet")

    def cancel():
        deadline = time.monotonic() + 30
        while "STEP_RETRIED fails" not in here.story("r") and time.monotonic() < deadline:
            os.sched_yield()
        here.cancel("r")

    thread = threading.Thread(target=cancel)
    thread.start()
    began = time.monotonic()
    outcome = here.run(fails, run_id="r")
    thread.join()
    assert time.monotonic() - began < 30
    assert outcome.state == RunState.CANCELED
    assert outcome.failed == (("fails", "OSError: not yet"),)
    assert outcome.error is None
    assert here.story() == ["STEP_STARTED fails", "STEP_RETRIED fails", "STEP_FAILED fails"]


@pytest.fixture
def own_handler():
    """pytest leaves Python's handler in place; whatever a test does, it is put back."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_lets_the_running_step_finish(here, own_handler, capfd):
    @Asset
    def first():
        os.kill(os.getpid(), signal.SIGINT)
        return 1

    second = Asset(name="second")(lambda first: 2)
    with pytest.raises(KeyboardInterrupt):
        here.run(first, second, run_id="r")
    assert here.row("r").state == RunState.CANCELED
    assert here.story("r")[-1] == "STEP_SUCCEEDED first"
    assert "press Ctrl-C again" in capfd.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_during_the_last_step_cancels_the_run(here, own_handler):
    @Asset
    def only():
        os.kill(os.getpid(), signal.SIGINT)
        return 1

    with pytest.raises(KeyboardInterrupt):
        here.run(only, run_id="r")
    assert here.row("r").state == RunState.CANCELED
    assert here.story("r")[-1] == "STEP_SUCCEEDED only"


def test_a_second_ctrl_c_interrupts_the_step(here, own_handler):
    @Asset
    def first():
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt):
        here.run(first, Asset(name="second")(lambda: 2), run_id="r")
    assert here.row("r").state == RunState.CANCELED
    assert here.story("r") == ["STEP_STARTED first", "STEP_FAILED first"]
