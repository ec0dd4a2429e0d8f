"""What becomes of ticks: requests are launched, and a row says what came of each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rivers.automation.ticks import AutomationKind, TickStatus
from rivers.clock import Clock
from rivers.daemon.evaluator import UserError
from rivers.daemon.requests import Requests
from rivers.definitions.requests import Request
from rivers.kernel.tick import TickOutcome
from rivers.storage import automations
from rivers.storage.automations import TickRow
from rivers.storage.database import Database

log = logging.getLogger("rivers.daemon")


@dataclass(frozen=True, slots=True)
class Ticking:
    """A schedule or sensor: what it is called, and what its requests are for when they do not say."""

    kind: AutomationKind
    name: str
    tags: Mapping[str, str]
    assets: Sequence[str] = ()


class TickLog:
    """Records ticks, the newest `kept` of each automation; `None` keeps them all."""

    def __init__(self, database: Database, requests: Requests, clock: Clock, kept: int | None) -> None:
        self._database = database
        self._requests = requests
        self._clock = clock
        self._kept = kept

    def latest(self, automation: Ticking) -> TickRow | None:
        """The newest tick of an automation."""
        with self._database.read() as connection:
            return automations.latest(connection, automation.kind, automation.name)

    def settle(self, automation: Ticking, outcome: TickOutcome, cursor: str | None) -> None:
        """Launches what an evaluation asks for and records the tick; `cursor` is kept when it set none."""
        if outcome.skip_reason is not None:
            kept = outcome.cursor if outcome.cursor is not None else cursor
            self.record(automation, TickStatus.SKIPPED, skip_reason=outcome.skip_reason.message, cursor=kept)
            return
        run_ids: list[str] = []
        backfill_ids: list[str] = []
        try:
            self._launch(automation, outcome.requests, run_ids, backfill_ids)
        except Exception as error:  # what a request asks for may be anything
            self.failed(automation, error, cursor, run_ids, backfill_ids)
            return
        kept = outcome.cursor if outcome.cursor is not None else cursor
        self.record(automation, TickStatus.SUCCESS, run_ids=run_ids, backfill_ids=backfill_ids, cursor=kept)

    def failed(
        self,
        automation: Ticking,
        error: BaseException,
        cursor: str | None,
        run_ids: Sequence[str] = (),
        backfill_ids: Sequence[str] = (),
    ) -> None:
        """Records a tick that failed; what it had launched before is named, the cursor stays."""
        kind = error.kind if isinstance(error, UserError) else type(error).__name__
        log.warning("tick of %s '%s' failed", automation.kind.name.lower(), automation.name, exc_info=error)
        self.record(
            automation,
            TickStatus.FAILED,
            error=f"{kind}: {error}",
            run_ids=run_ids,
            backfill_ids=backfill_ids,
            cursor=cursor,
        )

    def record(
        self,
        automation: Ticking,
        status: TickStatus,
        *,
        run_ids: Sequence[str] = (),
        backfill_ids: Sequence[str] = (),
        skip_reason: str | None = None,
        error: str | None = None,
        cursor: str | None = None,
    ) -> None:
        """Adds a tick."""
        row = TickRow(
            automation.name,
            automation.kind,
            status,
            self._clock.wall_ns(),
            tuple(run_ids),
            tuple(backfill_ids),
            skip_reason,
            error,
            cursor,
        )
        with self._database.transaction() as connection:
            automations.record(connection, row, kept=self._kept)

    def _launch(
        self, automation: Ticking, asked: Sequence[Request], run_ids: list[str], backfill_ids: list[str]
    ) -> None:
        prepared = [self._requests.prepare(automation.kind, automation.name, one, automation) for one in asked]
        for launch in prepared:  # all of them can be launched: what is wrong with one is found before
            launch(run_ids, backfill_ids)
