"""A run that is watched: what its events say, as lines, and as a live table on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from rivers.cli.printing import print_json_line, span
from rivers.lifecycle.states import EventType, StepState
from rivers_client import Run, RunEvent, RunHandle

if TYPE_CHECKING:
    from rich.console import RenderableType

_STEP_STATES = {
    EventType.STEP_DISPATCHED: StepState.DISPATCHED,
    EventType.STEP_STARTED: StepState.RUNNING,
    EventType.STEP_SUCCEEDED: StepState.SUCCEEDED,
    EventType.STEP_FAILED: StepState.FAILED,
    EventType.STEP_RETRIED: StepState.WAITING,
    EventType.STEP_SKIPPED: StepState.SKIPPED,
    EventType.STEP_CANCELED: StepState.CANCELED,
    EventType.ATTEMPT_LOST: StepState.WAITING,
    EventType.ATTEMPT_NOT_STARTED: StepState.READY,
}
_COLORS = {
    StepState.RUNNING: "cyan",
    StepState.SUCCEEDED: "green",
    StepState.FAILED: "red",
    StepState.SKIPPED: "yellow",
    StepState.CANCELED: "yellow",
    StepState.WAITING: "magenta",
}
_RUN_WORDS = {
    EventType.RUN_QUEUED: "queued",
    EventType.RUN_DEQUEUED: "left the queue",
    EventType.RUN_STARTED: "started",
    EventType.RUN_CANCEL_REQUESTED: "asked to stop",
    EventType.RUN_LAUNCH_FAILED: "could not be launched",
    EventType.RUN_SUCCEEDED: "succeeded",
    EventType.RUN_FAILED: "failed",
    EventType.RUN_CANCELED: "canceled",
}
#: What is shown first when not every step fits.
_ORDER = [
    StepState.FAILED,
    StepState.RUNNING,
    StepState.OPEN,
    StepState.WAITING,
    StepState.DISPATCHED,
    StepState.READY,
    StepState.PENDING,
    StepState.SKIPPED,
    StepState.CANCELED,
    StepState.SUCCEEDED,
]


class StepLine:
    """One step of the table."""

    __slots__ = ("attempt", "ended_at", "message", "started_at", "state")

    def __init__(self) -> None:
        self.state = StepState.PENDING
        self.attempt = 0
        self.started_at: datetime | None = None
        self.ended_at: datetime | None = None
        self.message = ""


class Board:
    """The steps of a run, as far as its events tell."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.words = "queued"
        self.steps = {step.key: StepLine() for step in run.steps}

    def take(self, event: RunEvent) -> None:
        """An event happened."""
        if event.step_key is None:
            self.words = _RUN_WORDS.get(event.type, self.words)
            return
        step = self.steps.setdefault(event.step_key, StepLine())
        step.attempt = event.attempt or step.attempt
        step.state = _STEP_STATES.get(event.type, step.state)
        step.message = event.failure.message if event.failure is not None else step.message
        if event.type == EventType.STEP_STARTED:
            step.started_at, step.ended_at, step.message = event.at, None, ""
        elif event.type == EventType.STEP_SUCCEEDED:
            step.ended_at, step.message = event.at, ""
        elif event.type in _STEP_STATES and step.started_at is not None:
            step.ended_at = event.at

    @property
    def ended(self) -> int:
        """How many steps have ended."""
        return sum(step.state.is_terminal for step in self.steps.values())

    def visible(self, room: int) -> list[tuple[str, StepLine]]:
        """The steps that fit, in plan order; those first that matter."""
        if len(self.steps) <= room:
            return list(self.steps.items())
        chosen = sorted(self.steps, key=lambda key: _ORDER.index(self.steps[key].state))[:room]
        return [(key, step) for key, step in self.steps.items() if key in set(chosen)]


def words(event: RunEvent) -> str:
    """What happened, in a line."""
    if event.type in _RUN_WORDS:
        text = f"run {event.run_id} {_RUN_WORDS[event.type]}"
    else:
        verb = event.type.name.lower().removeprefix("step_").replace("_", " ")
        text = f"{event.node or event.step_key} {verb}"
        if event.attempt > 1:
            text += f" (attempt {event.attempt})"
    if event.failure is not None:
        text += f": {' '.join(event.failure.message.split())}"
    if event.next_delay:
        text += f"; tried again in {span(event.next_delay)}"
    return text


def watch(handle: RunHandle, *, as_json: bool = False, after: int = 0) -> Run:
    """Shows a run until it is over: a table on a terminal, lines elsewhere. Returns the run as it ended."""
    events = handle.events(after)
    if as_json:
        for event in events:
            print_json_line(event)
    elif sys.stdout.isatty():
        _show(Board(handle.run), events)
    else:
        for event in events:
            typer.echo(f"{event.at:%H:%M:%S} {words(event)}")
    return handle.refresh()


@contextmanager
def leaving(run_id: str) -> Iterator[None]:
    """Ctrl-C leaves a run alone, and says so."""
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"\nRun {run_id} goes on; `rivers runs cancel {run_id}` stops it.", err=True)
        raise


def conclusion(run: Run) -> str:
    """How a run ended, in a line."""
    text = f"Run {run.run_id} {run.state.name.lower()}"
    if run.started_at is not None and run.ended_at is not None:
        text += f" after {span((run.ended_at - run.started_at).total_seconds())}"
    if run.failure is not None:
        text += f": {' '.join(run.failure.message.split())}"
    return text


def _show(board: Board, events: Iterable[RunEvent]) -> None:
    from rich.live import Live

    class Picture:
        def __rich_console__(self, console: Any, options: Any) -> Iterator[RenderableType]:
            yield _draw(board, datetime.now(UTC), max(console.height - 4, 3))

    with Live(Picture(), refresh_per_second=8, transient=False):
        for event in events:
            board.take(event)


def _draw(board: Board, now: datetime, room: int) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=None, padding=(0, 2, 0, 0))
    for header in ("STEP", "STATE", "TRY", "TIME", ""):
        grid.add_column(header, justify="right" if header in ("TRY", "TIME") else "left", no_wrap=True)
    for key, step in board.visible(room):
        took = "" if step.started_at is None else span(((step.ended_at or now) - step.started_at).total_seconds())
        state = Text(step.state.name.lower(), style=_COLORS.get(step.state, "dim"))
        message = Text(" ".join(step.message.split()), overflow="ellipsis")
        grid.add_row(Text(key), state, str(step.attempt or ""), took, message)
    title = f"Run {board.run.run_id}  {board.words}  {board.ended}/{len(board.steps)} steps"
    return Group(Text(title, style="bold"), grid)
