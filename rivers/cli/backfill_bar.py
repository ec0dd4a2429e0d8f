"""A backfill of this process, shown on a terminal while it lasts."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rivers.repository.storage import Storage

#: Seconds between two looks at how far it is.
_INTERVAL = 0.2


@contextmanager
def shown(storage: Storage, title: str) -> Iterator[None]:
    """Shows how many partitions are done of the newest backfill in the storage; nothing when nobody looks."""
    if not sys.stdout.isatty():
        yield
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), TextColumn("{task.fields[failed]}"), transient=True) as progress:
        task = progress.add_task(title, total=None, failed="")
        over = threading.Event()

        def follow() -> None:
            from rivers.storage import backfills

            while not over.wait(_INTERVAL):
                with storage.database.read() as connection:
                    newest = backfills.page(connection, limit=1)
                for row in newest:
                    counters = row.counters
                    done = counters.completed + counters.failed + counters.canceled
                    failed = f"{counters.failed} failed" if counters.failed else ""
                    progress.update(task, completed=done, total=row.total_partitions, failed=failed)

        follower = threading.Thread(target=follow, name="rivers-progress", daemon=True)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()
