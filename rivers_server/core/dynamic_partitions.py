"""Dynamic partitions: keys that callers add and remove, and those that an assignment tells a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import structlog

from rivers.errors import ExecutionError
from rivers_server.core.inputs import ChangePartitions
from rivers_server.core.live import LiveRun

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()

#: Keys that one assignment tells, and their bytes: it is one message, and a step gets all of them at once.
MOST_KEYS = 100_000
MOST_BYTES = 3 << 20


def change(core: Core, batch: Batch, message: ChangePartitions) -> None:
    """Adds or removes keys for a caller."""
    apply(core, batch, message.name, message.keys, is_added=message.is_added)
    batch.outbox.answer(message.reply, None)


def apply(core: Core, batch: Batch, name: str, keys: Sequence[str], *, is_added: bool) -> None:
    """Adds or removes keys. A repeat changes nothing; of several changes of a key the last one counts."""
    for key in keys:
        batch.writes.dynamic_partitions[name, key] = is_added
    core.state.dynamic_keys.pop(name, None)
    log.info("dynamic_partitions_added" if is_added else "dynamic_partitions_removed", name=name, keys=len(keys))


def told(core: Core, batch: Batch, run: LiveRun, names: Sequence[str]) -> Mapping[str, Sequence[str]] | None:
    """The keys that a step has to know; for a run of a backfill those that there were when it was made (B1).

    `ExecutionError` when they are more than an assignment holds.
    """
    if not names:
        return None
    found: dict[str, Sequence[str]] = {}
    size = count = 0
    unit = core.state.units.get(run.row.run_id)
    pinned = core.state.backfills[unit[0]].pinned.registered if unit is not None else {}
    for name in names:
        keys = found[name] = pinned[name] if name in pinned else _current(core, batch, name)
        count += len(keys)
        size += len("".join(keys).encode()) if count <= MOST_KEYS else 0
        if count > MOST_KEYS or size > MOST_BYTES:
            raise ExecutionError(
                f"the step reads every key of the dynamic partitions '{name}', and they are more than a location is "
                f"told at once: {MOST_KEYS} keys, {MOST_BYTES >> 20} MiB of text"
            )
    return found


def _current(core: Core, batch: Batch, name: str) -> Sequence[str]:
    """The keys that there are now, as far as they can be told; read once and kept until they change."""
    kept = core.state.dynamic_keys.get(name)
    if kept is None:
        keys = set(core.store.dynamic_keys(name, MOST_KEYS + 1))
        for (changed, key), is_added in batch.writes.dynamic_partitions.items():
            if changed == name:
                (keys.add if is_added else keys.discard)(key)
        kept = core.state.dynamic_keys[name] = sorted(keys)
    return kept
