"""Dynamic partitions: keys that callers add and remove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from rivers_server.core.inputs import ChangePartitions

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core

log = structlog.get_logger()


def change(core: Core, batch: Batch, message: ChangePartitions) -> None:
    """Adds or removes keys. A repeat changes nothing; of several changes of a key the last one counts."""
    for key in message.keys:
        batch.writes.dynamic_partitions[message.name, key] = message.is_added
    log.info(
        "dynamic_partitions_added" if message.is_added else "dynamic_partitions_removed",
        name=message.name,
        keys=len(message.keys),
    )
    batch.outbox.answer(message.reply, None)
