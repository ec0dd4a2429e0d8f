"""A run of this process, shown on a terminal while it lasts."""

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
def shown(storage: Storage, run_id: str, title: str) -> Iterator[None]:
    """Shows how many steps have ended; nothing when nobody looks. What steps print stays above it."""
    if not sys.stdout.isatty():
        yield
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), transient=True) as progress:
        task = progress.add_task(title, total=None)
        over = threading.Event()

        def follow() -> None:
            while not over.wait(_INTERVAL):
                completed, total = storage.get_run_progress(run_id)
                progress.update(task, completed=completed, total=total or None)

        follower = threading.Thread(target=follow, name="rivers-progress", daemon=True)
        follower.start()
        try:
            yield
        finally:
            over.set()
            follower.join()
