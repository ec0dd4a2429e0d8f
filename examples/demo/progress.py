"""Runs as they come along: bars on a terminal, a line for each step where the output is piped."""

import queue
import threading
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from rivers_client import EventType, RunEvent, RunHandle

ENDS = (EventType.STEP_SUCCEEDED, EventType.STEP_FAILED, EventType.STEP_SKIPPED, EventType.STEP_CANCELED)


def follow(runs: dict[str, RunHandle], console: Console) -> dict[str, list[RunEvent]]:
    """Shows all runs until the last is over, and returns their events."""
    events: dict[str, list[RunEvent]] = {label: [] for label in runs}
    show = _draw if console.is_terminal else _write
    show(runs, console, _together(runs, events))
    return events


def _draw(runs: dict[str, RunHandle], console: Console, told: Iterator[tuple[str, RunEvent]]) -> None:
    columns = (TextColumn("{task.fields[label]:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.description}"), console=console) as progress:
        bars = {
            label: progress.add_task("queued", total=len(run.refresh().steps), label=label)
            for label, run in runs.items()
        }
        for label, event in told:
            what = f"{event.step_key or ''} {_verb(event)}".strip()
            progress.update(bars[label], advance=event.type in ENDS, description=what)


def _write(runs: dict[str, RunHandle], console: Console, told: Iterator[tuple[str, RunEvent]]) -> None:
    for label, event in told:
        if event.type in ENDS or event.step_key is None:
            console.print(f"  {label:24} {event.step_key or 'run':18} {_verb(event)}", highlight=False)


def _together(runs: dict[str, RunHandle], events: dict[str, list[RunEvent]]) -> Iterator[tuple[str, RunEvent]]:
    """The events of all runs in the order in which they arrive, one thread for each run."""
    arrived: queue.SimpleQueue[tuple[str, RunEvent | BaseException | None]] = queue.SimpleQueue()

    def listen(label: str, run: RunHandle) -> None:
        try:
            for event in run.events(timeout=120):
                arrived.put((label, event))
            arrived.put((label, None))
        except Exception as error:
            arrived.put((label, error))

    for label, run in runs.items():
        threading.Thread(target=listen, args=(label, run), daemon=True).start()
    listening = len(runs)
    while listening:
        label, event = arrived.get()
        if isinstance(event, BaseException):
            raise event
        if event is None:
            listening -= 1
        else:
            events[label].append(event)
            yield label, event


def _verb(event: RunEvent) -> str:
    verb = event.type.name.removeprefix("STEP_").removeprefix("RUN_").lower().replace("_", " ")
    return f"{verb}: {event.failure.message}" if event.failure is not None else verb
