"""Stopping what was drawn: runs of a backfill that wait are canceled, those that run are asked to end (B6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers_server.core import requests
from rivers_server.core.live_backfill import LiveBackfill

if TYPE_CHECKING:
    from rivers_server.core.core import Batch, Core


def cancel_queued_units(core: Core, batch: Batch, live: LiveBackfill, reason: str) -> None:
    """Runs that wait are canceled in the same transaction."""
    for run_id in live.live_run_ids():
        row = core.state.queue.waiting.get(run_id)
        if row is not None:
            requests.cancel_queued(core, batch, row, reason)


def cancel_units(core: Core, batch: Batch, live: LiveBackfill, reason: str) -> None:
    """Runs that wait are canceled in the same transaction, those that run are asked to end (A14)."""
    cancel_queued_units(core, batch, live, reason)
    for run_id in live.live_run_ids():
        run = core.state.runs.get(run_id)
        if run is not None:
            requests.cancel_running(core, batch, run, reason)
