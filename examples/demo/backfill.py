"""Four years of days as a backfill, and the months that follow as soon as their days are there."""

import json
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from rivers_client import Backfill, BackfillRequest, Client, PartitionKeyRange

YEARS = PartitionKeyRange.single("2012-01-01", "2015-12-31")


def backfill(client: Client, files: Path, console: Console) -> bool:
    """Makes it, shows it until it is over, and what it came to; says whether every partition is done."""
    request = BackfillRequest("seasons", ["day", "month"], partition_range=YEARS, max_concurrency=16)
    forecast = client.backfills.forecast(request)
    days, months = (segment.partitions for segment in forecast.segments)
    console.print(f"\nA backfill of {days} days, and of the {months} months that they make:", highlight=False)
    handle = client.backfills.submit(request)
    show = _draw if console.is_terminal else _write
    show(handle.watch(timeout=100), console)
    done = handle.backfill
    if done.ended_at is None or not done.succeeded:
        console.print(f"  {done.status.name.lower()}: {done.failed} failed {done.reason}{done.error}", style="red")
        return False
    seconds = (done.ended_at - done.created_at).total_seconds()
    rate = done.completed / seconds
    console.print(
        f"  {done.completed} partitions in {done.created_runs} runs, {seconds:.1f} s: {rate:.0f} a second",
        highlight=False,
    )
    _show_months(files / "month", console)
    return True


def _draw(changes: Iterable[Backfill], console: Console) -> None:
    columns = (TextColumn("  {task.description:22}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("queued", total=None)
        for one in changes:
            progress.update(bar, total=one.total, completed=one.completed, description=one.status.name.lower())


def _write(changes: Iterable[Backfill], console: Console) -> None:
    """A line for every quarter."""
    said = 0
    for one in changes:
        if (quarter := one.completed * 4 // one.total) > said:
            said = quarter
            console.print(f"  {one.completed}/{one.total} partitions", highlight=False)


def _show_months(files: Path, console: Console) -> None:
    """The wettest month of each year."""
    wettest: dict[str, tuple[float, str, dict[str, object]]] = {}
    for path in sorted(files.glob("*.json")):
        month = json.loads(path.read_text())
        wettest[path.stem[:4]] = max(wettest.get(path.stem[:4], (-1.0, "", {})), (month["rain"], path.stem, month))
    table = Table("wettest month", "rain in mm", "warmest day", "sky", box=None, pad_edge=False)
    for rain, name, month in wettest.values():
        table.add_row(name, str(rain), str(month["warmest"]), str(month["sky"]))
    console.print(table)
