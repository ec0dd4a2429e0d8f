"""A warm worker: from sending an assignment to a location until the first line of user code runs."""

from __future__ import annotations

import asyncio
import time

from bench.figure import Figure, percentile, report, spread
from bench.folder import Folder
from tests.services.location.served import Served

ATTEMPTS = 200
WARM_UP = 20
SOURCE = """
    import time
    @rs.Asset
    def first_line():
        print(time.time_ns())
    repo = rs.CodeRepository([first_line])
"""


def main() -> None:
    """One attempt after another; the way over the step stream is part of it."""
    location = Served(Folder.get().new(), SOURCE, "--workers", "1")
    try:
        samples = asyncio.run(_measure(location))
    finally:
        location.close()
    value = round(percentile(samples, 50), 3)
    detail = {**spread(samples, 3), "p99": round(percentile(samples, 99), 3)}
    report("worker_start", Figure("assignment to first line of user code, p50", value, "ms", 1, detail=detail))


async def _measure(location: Served) -> list[float]:
    await location.loaded()
    samples = []
    async with location.scheduler() as scheduler:
        await scheduler.attach()
        for token in range(1, WARM_UP + ATTEMPTS + 1):
            sent = time.time_ns()
            await scheduler.assign(token, "first_line")
            await scheduler.end(token)
            reached = int(scheduler.log(token, 1))
            await scheduler.acknowledge(token)
            if token > WARM_UP:
                samples.append((reached - sent) / 1e6)
    return samples


if __name__ == "__main__":
    main()
