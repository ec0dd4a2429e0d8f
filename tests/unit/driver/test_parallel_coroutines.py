"""Coroutines of parallel runs."""

from __future__ import annotations

import asyncio
import threading

from rivers.definitions.asset import Asset
from rivers.definitions.executor import Executor
from rivers.definitions.results import Output

PARALLEL = Executor.parallel(max_workers=2)


def test_coroutines_run_side_by_side_up_to_their_limit(here):
    running, most = [0], [0]

    async def body():
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0.02)
        running[0] -= 1

    steps = [Asset(name=f"c{n}")(body) for n in range(6)]
    assert here.run(*steps, executor=Executor.parallel(max_async_concurrent=2)).success
    assert most == [2]
    assert here.run(*steps, executor=Executor.parallel()).success
    assert most == [6]


def test_a_coroutine_and_a_plain_step_overlap(here):
    began, ended = threading.Event(), threading.Event()

    @Asset
    async def slow():
        began.set()
        assert await asyncio.to_thread(ended.wait, 5)

    @Asset
    def plain():
        assert began.wait(5)
        ended.set()

    assert here.run(slow, plain, executor=Executor.parallel()).success


def test_captured_output_of_coroutines_is_kept_apart(here):
    def speaker(word):
        async def body():
            for _ in range(3):
                print(word)
                await asyncio.sleep(0)

        return Asset(name=word)(body)

    here.run(speaker("one"), speaker("two"), executor=Executor.parallel())
    assert {(row.step_key, row.text) for row in here.logs()} == {("one", "one\n" * 3), ("two", "two\n" * 3)}


def test_consumers_start_while_a_generator_goes_on(here):
    consumed = threading.Event()

    async def consume(g1):
        consumed.set()

    def produce():
        yield Output(1, output_name="g1")
        assert consumed.wait(5)
        yield Output(2, output_name="g2")

    from rivers.definitions.dependency import AssetDef

    generator = Asset.from_multi(produce, name="g", output_defs=[AssetDef("g1"), AssetDef("g2")])
    assert here.run(generator, Asset(name="c")(consume), executor=Executor.parallel()).success
