"""Parallel runs whose values live in this process."""

from __future__ import annotations

import logging
import os
import threading

import obstore.store

from rivers.definitions.asset import Asset
from rivers.definitions.executor import Executor
from rivers.io_handlers import PickleIOHandler
from rivers.kernel.io_contexts import InputContext

PARALLEL = Executor.parallel(max_workers=2)


def test_a_part_in_memory_keeps_the_whole_step_here(here, team, caplog):
    outcome = here.run(team.pair, team.left, executor=PARALLEL)
    assert outcome.failed == (("y", "KeyError: 'y'"),)
    assert team.read("x") == os.getpid()


def test_everything_in_memory_simply_works_and_says_so_once(here, caplog):
    threads = []

    def step(name):
        return Asset(name=name)(lambda: threads.append(threading.current_thread()))

    last = Asset(name="last")(lambda s1, s2: 1)
    with caplog.at_level(logging.WARNING, "rivers.driver"):
        assert here.run(step("s1"), step("s2"), step("s3"), last, executor=Executor.parallel()).success
    assert threads == [threading.main_thread()] * 3
    (record,) = caplog.records
    assert record.getMessage().startswith("Steps s1, s2, s3, last run inline, one at a time")
    assert "PickleIOHandler" in record.getMessage()


def test_a_chain_in_memory_loses_nothing_and_says_nothing(here, caplog):
    one = Asset(name="one")(lambda: 1)
    two = Asset(name="two")(lambda one: 2)
    assert here.run(one, two, executor=Executor.parallel()).success
    assert caplog.records == []


def test_values_in_a_memory_store_stay_in_this_process(here, caplog):
    handler = PickleIOHandler(store=obstore.store.MemoryStore())
    pids = [Asset(name=f"a{n}", io_handler=handler)(os.getpid) for n in range(2)]
    assert here.run(*pids, executor=PARALLEL).success
    assert [handler.load_input(InputContext(f"a{n}", "test")) for n in range(2)] == [os.getpid()] * 2
    assert "Steps a0, a1 run inline" in caplog.text
