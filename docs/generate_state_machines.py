"""Writes `docs/state-machines.md` from the transition tables; `--check` fails when the committed page is stale."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterator
from enum import IntEnum, StrEnum
from pathlib import Path
from typing import Any

from rivers.lifecycle.attempt import ATTEMPT
from rivers.lifecycle.backfill.intent import INTENT
from rivers.lifecycle.backfill.states import BackfillIntent, UnitState
from rivers.lifecycle.backfill.unit import UNIT
from rivers.lifecycle.run import RUN
from rivers.lifecycle.states import AttemptState, RunState, StepState
from rivers.lifecycle.step import STEP
from rivers.lifecycle.table import Table

PAGE = Path(__file__).with_name("state-machines.md")

HEAD = """\
# State machines

The lives of a run, a step, an attempt, a unit of a backfill and of what is wanted of a backfill, drawn from the
transition tables in `rivers/lifecycle/`. An event that has no arrow from a state cannot happen in it: the code that
tried raises and names both. The in-process run and the scheduler use the same tables. A backfill's status is no state:
it follows from its counters and its intent (`rivers/lifecycle/backfill/counters.py`).

This page is generated: change the table, then run `make docs`.
"""

MACHINES: tuple[tuple[Table[Any, Any], type[IntEnum]], ...] = (
    (RUN, RunState),
    (STEP, StepState),
    (ATTEMPT, AttemptState),
    (UNIT, UnitState),
    (INTENT, BackfillIntent),
)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(section(table, states) for table, states in MACHINES)])


def section(table: Table[Any, Any], states: type[IntEnum]) -> str:
    """One machine: its picture, then its arrows with the reason for each."""
    return "\n".join(
        [
            f"## {table.noun.capitalize()}",
            "",
            "```mermaid",
            "stateDiagram-v2",
            *picture(table, states),
            "```",
            "",
            "| state | event | next | |",
            "| --- | --- | --- | --- |",
            *(
                f"| {state.name} | {event.value} | {target.name} | {why} |"
                for state, event, target, why in arrows(table)
            ),
            "",
        ]
    )


def picture(table: Table[Any, Any], states: type[IntEnum]) -> Iterator[str]:
    """Mermaid lines; events that lead the same way share one."""
    yield f"    [*] --> {table.initial.name}"
    labels: dict[tuple[IntEnum, IntEnum], list[str]] = {}
    for state, event, target, _ in arrows(table):
        labels.setdefault((state, target), []).append(event.value)
    for (state, target), events in labels.items():
        yield f"    {state.name} --> {target.name}: {', '.join(events)}"
    leaves = {state for state, target in labels if state != target}
    for state in states:
        if state not in leaves:
            yield f"    {state.name} --> [*]"


def arrows(table: Table[Any, Any]) -> Iterator[tuple[IntEnum, StrEnum, IntEnum, str]]:
    """Every arrow with the first paragraph of its function's documentation."""
    for (state, event), (target, function) in table.arrows.items():
        yield state, event, target, " ".join((inspect.getdoc(function) or "").split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    if not parser.parse_args().check:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        raise SystemExit("docs/state-machines.md is stale: run `make docs`")


if __name__ == "__main__":
    main()
