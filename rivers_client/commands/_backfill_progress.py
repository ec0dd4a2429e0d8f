"""A backfill that is watched: a bar on a terminal, lines elsewhere, and what it came to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from rivers.cli.printing import print_json_line
from rivers.lifecycle.backfill.states import BackfillStatus

if TYPE_CHECKING:
    from rivers_client import Backfill, BackfillHandle


def watch(handle: BackfillHandle, *, as_json: bool = False) -> Backfill:
    """Shows a backfill until it is over. Returns it as it ended."""
    if as_json:
        for one in handle.watch():
            print_json_line(one)
    elif sys.stdout.isatty():
        _show(handle.watch())
    else:
        _print(handle.watch())
    return handle.backfill


def conclusion(backfill: Backfill) -> str:
    """What it came to, in a line."""
    counts = f"{backfill.completed} completed, {backfill.failed} failed, {backfill.canceled} canceled"
    line = f"Backfill {backfill.backfill_id}: {backfill.status.name.lower()} — {counts}"
    return line + (f" ({backfill.error})" if backfill.error else "")


def waits(backfill: Backfill) -> str:
    """Why it does not go on, or what it does."""
    return f"{backfill.status.name.lower()}: {backfill.reason}" if backfill.reason else backfill.status.name.lower()


@contextmanager
def leaving(backfill_id: str) -> Iterator[None]:
    """Ctrl-C leaves the backfill alone and says how to get back to it."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(
            f"\nThe backfill goes on; `rivers backfills watch {backfill_id}` shows it, "
            f"`rivers backfills cancel {backfill_id}` stops it.",
            err=True,
        )
        raise typer.Exit(130) from None


def _done(backfill: Backfill) -> int:
    return backfill.completed + backfill.failed + backfill.canceled


def _print(changes: Iterable[Backfill]) -> None:
    """A line whenever another tenth is done, and whenever it begins to wait or goes on."""
    said: tuple[int, str] | None = None
    for one in changes:
        now = (_done(one) * 10 // max(one.total, 1), waits(one))
        if now != said:
            said = now
            failed = f", {one.failed} failed" if one.failed else ""
            typer.echo(f"{datetime.now(UTC):%H:%M:%S} {now[1]} {_done(one)}/{one.total} partitions{failed}")


def _show(changes: Iterable[Backfill]) -> None:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rest]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, refresh_per_second=8) as progress:
        task = progress.add_task("backfill", total=None, rest="")
        for one in changes:
            rest = f"{one.running} running"
            if one.failed:
                rest += f", [red]{one.failed} failed[/red]"
            if one.status == BackfillStatus.PAUSED or one.reason:
                rest += f" [yellow]{waits(one)}[/yellow]"
            progress.update(
                task, total=one.total, completed=_done(one), rest=rest, description=f"{one.backfill_id[:13]}…"
            )
