"""The scheduler's database is restored from a backup: locations that have seen more of it refuse to work for it."""

from __future__ import annotations

import shutil

from tests.postgresql import on_sqlite
from tests.stack import Stack

BEATS = ("--beat-interval", "0.2")


@on_sqlite
def test_a_location_refuses_a_database_that_is_older_than_what_it_has_seen(stack: Stack) -> None:
    stack.start_location(
        "team",
        """
        @rs.Asset
        def only() -> int:
            mark("only"); return 1
        repo = rs.CodeRepository(assets=[only], jobs=[rs.Job("all", [only])])
        """,
    )
    assert stack.scheduler is not None
    stack.scheduler.stop()
    shutil.copytree(stack.directory / "scheduler", stack.directory / "backup")
    for _ in range(2):  # two leaderships that the backup knows nothing of
        stack.start_scheduler(*BEATS)
        stack.await_location("team")
        stack.client.runs.submit(location="team", job="all").wait(timeout=30)
        stack.scheduler.stop()
    shutil.rmtree(stack.directory / "scheduler")
    shutil.move(stack.directory / "backup", stack.directory / "scheduler")
    stack.start_scheduler(*BEATS)
    said = stack.until(lambda: [one.message for one in stack.client.locations.list() if one.message], "the refusal")
    assert "was the database restored from a backup?" in said[0]
    assert not any(one.state.name == "READY" for one in stack.client.locations.list())
    assert stack.marks("team") == ["only", "only"]
