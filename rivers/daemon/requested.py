"""What conditions ask for, made into runs: what has no partitions in one run, partitions in a run for each key."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rivers.automation.facts import Cell, Cells
from rivers.daemon.layout import Layout
from rivers.errors import RiversError
from rivers.lifecycle.states import LaunchCause
from rivers.repository.launching import Launcher
from rivers.repository.session import Session

log = logging.getLogger("rivers.daemon")


def launch_requested(
    session: Session, launcher: Launcher, layout: Layout, fired: Mapping[str, Cells]
) -> dict[str, tuple[str, ...]]:
    """Launches what has fired; the runs of each asset. What cannot be launched is said, and is not among them.

    Assets that have the same partitions are in one run for each of these.
    """
    launched: dict[str, list[str]] = defaultdict(list)
    for cell, nodes in _runs(layout, fired):
        try:
            plan = session.plan(nodes, partition_key=cell, has_values=True)
            run_id = launcher.launch(plan, cause=LaunchCause.CONDITION, in_line=cell is not None)
        except RiversError:
            where = "" if cell is None else f" for partition {cell}"
            log.exception("what conditions ask for cannot be launched%s: %s", where, ", ".join(nodes))
            continue
        for node in nodes:
            if run_id is not None:
                launched[node].append(run_id)
    return {node: tuple(run_ids) for node, run_ids in launched.items()}


def _runs(layout: Layout, fired: Mapping[str, Cells]) -> list[tuple[Cell, Sequence[str]]]:
    groups: list[dict[Cell, list[str]]] = []
    definitions: list[object] = []
    for node, cells in fired.items():
        definition = layout.definition(node)
        place = next((n for n, known in enumerate(definitions) if known == definition), None)
        if place is None:
            place = len(definitions)
            definitions.append(definition)
            groups.append({})
        for cell in sorted(cells, key=str):
            groups[place].setdefault(cell, []).append(node)
    return [(cell, nodes) for group in groups for cell, nodes in group.items()]
