"""What conditions ask for, made into runs: what has no partitions in one run, partitions in backfills."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rivers.automation.facts import Cells
from rivers.daemon.layout import Layout
from rivers.errors import RiversError
from rivers.lifecycle.states import LaunchCause
from rivers.partitions.key import PartitionKey
from rivers.repository.launching import Launcher
from rivers.repository.session import Session

log = logging.getLogger("rivers.daemon")

_CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class Launched:
    """What was launched for an asset."""

    run_ids: list[str] = field(default_factory=list)
    backfill_ids: list[str] = field(default_factory=list)


def launch_requested(
    session: Session, launcher: Launcher, layout: Layout, fired: Mapping[str, Cells]
) -> dict[str, Launched]:
    """Launches what has fired, by asset. What cannot be launched is said, and is not among it."""
    launched: dict[str, Launched] = defaultdict(Launched)
    whole = [node for node, cells in fired.items() if None in cells]
    if whole:
        try:
            plan = session.plan(whole, has_values=True)
            run_id = launcher.launch(plan, cause=LaunchCause.CONDITION)
        except RiversError:
            log.exception("what conditions ask for cannot be launched: %s", ", ".join(whole))
        else:
            for node in whole:
                launched[node].run_ids.extend([] if run_id is None else [run_id])
    for nodes, keys in _backfills(layout, fired):
        try:
            backfill_id = _backfill(session, nodes, keys)
        except RiversError:
            log.exception(
                "what conditions ask for cannot be launched: %d partitions of %s", len(keys), ", ".join(nodes)
            )
        else:
            for node in nodes:
                launched[node].backfill_ids.append(backfill_id)
    return dict(launched)


def _backfill(session: Session, nodes: Sequence[str], keys: Sequence[PartitionKey]) -> str:
    """Records a backfill, which the daemon picks up."""
    result = session.backfills.launch(
        nodes,
        keys=keys,
        key_range=None,
        strategy=None,
        policy="continue",
        max_concurrency=_CONCURRENCY,
        tags=(),
        config=None,
        block=False,
        dry_run=False,
        cause=LaunchCause.CONDITION,
    )
    return result.backfill_id


def _backfills(layout: Layout, fired: Mapping[str, Cells]) -> list[tuple[list[str], list[PartitionKey]]]:
    """Assets and keys of one backfill each: a partition that several assets ask for is in one backfill of all these."""
    definitions: list[object] = []
    asking: list[dict[PartitionKey, list[str]]] = []
    for node, cells in fired.items():
        definition = layout.definition(node)
        if definition not in definitions:
            definitions.append(definition)
            asking.append(defaultdict(list))
        for cell in cells:
            if cell is not None:
                asking[definitions.index(definition)][cell].append(node)
    found: list[tuple[list[str], list[PartitionKey]]] = []
    for nodes_by_key in asking:
        keys_by_nodes: dict[tuple[str, ...], list[PartitionKey]] = defaultdict(list)
        for key, nodes in nodes_by_key.items():
            keys_by_nodes[tuple(nodes)].append(key)
        found += [(list(nodes), sorted(keys, key=str)) for nodes, keys in keys_by_nodes.items()]
    return found
