"""Calls about backfills as data, the same for the sync and the async client."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from rivers.lifecycle.backfill.states import BackfillStatus, UnitState
from rivers.v1 import backfill_service_pb2 as pb
from rivers_client._backfill import Backfill, BackfillForecast, BackfillUnit, read_backfill, read_forecast, read_unit
from rivers_client._backfill_request import BackfillRequest, new_id, rerun_scope, write_backfill, write_pages
from rivers_client._calls import Call, Listing, Watch

_SERVICE = "BackfillService"


class BackfillWatch(Watch[Backfill]):
    """A reader of a backfill's changes: which version it has seen, so that it goes on there after a cut."""

    __slots__ = ()

    def open(self) -> Call[Any]:
        return self.call

    def take(self, message: Any) -> list[Backfill]:
        found = read_backfill(message.backfill)
        self.call.request.after_version = found.version
        self._over = found.is_over
        return [found]

    @property
    def is_over(self) -> bool:
        return self._over


def submit(request: BackfillRequest) -> Call[tuple[Backfill, bool]]:
    """A backfill to make; answers with it and whether it was there already."""
    if request.is_paged:
        return Call(_SERVICE, "CreateBackfillFromKeys", functools.partial(write_pages, request), _read_made)
    return Call(_SERVICE, "CreateBackfill", write_backfill(request), _read_made)


def forecast(request: BackfillRequest) -> Call[BackfillForecast]:
    """What a backfill would do."""
    message = pb.ForecastBackfillRequest(request=write_backfill(request))
    return Call(_SERVICE, "ForecastBackfill", message, lambda answer: read_forecast(answer.forecast))


def get(backfill_id: str) -> Call[Backfill]:
    """One backfill."""
    return Call(_SERVICE, "GetBackfill", pb.GetBackfillRequest(backfill_id=backfill_id), _read)


def cancel(backfill_id: str, reason: str) -> Call[Backfill]:
    """A backfill to stop."""
    return Call(_SERVICE, "CancelBackfill", pb.CancelBackfillRequest(backfill_id=backfill_id, reason=reason), _read)


def pause(backfill_id: str, reason: str) -> Call[Backfill]:
    """A backfill to pause."""
    return Call(_SERVICE, "PauseBackfill", pb.PauseBackfillRequest(backfill_id=backfill_id, reason=reason), _read)


def resume(backfill_id: str) -> Call[Backfill]:
    """A backfill to go on with."""
    return Call(_SERVICE, "ResumeBackfill", pb.ResumeBackfillRequest(backfill_id=backfill_id), _read)


def rerun(backfill_id: str, scope: str, request_id: str | None) -> Call[tuple[Backfill, bool]]:
    """Partitions of a backfill to run again; answers with the new one and whether it was there already."""
    request = pb.RerunBackfillRequest(
        request_id=request_id or new_id(),
        backfill_id=backfill_id,
        scope=rerun_scope(scope),  # type: ignore[arg-type]
    )
    return Call(_SERVICE, "RerunBackfill", request, _read_made)


def backfills(
    location: str | None, states: BackfillStatus | Sequence[BackfillStatus], limit: int | None
) -> Listing[Backfill]:
    """Backfills, newest first."""
    wanted = [states] if isinstance(states, BackfillStatus) else states
    request = pb.ListBackfillsRequest(
        location=location or "",
        states=[state.value for state in wanted],  # type: ignore[misc]
    )
    return Listing(Call(_SERVICE, "ListBackfills", request, lambda page: map(read_backfill, page.backfills)), limit)


def partitions(backfill_id: str, states: UnitState | Sequence[UnitState], limit: int | None) -> Listing[BackfillUnit]:
    """The partitions of a backfill, run by run."""
    wanted = [states] if isinstance(states, UnitState) else states
    request = pb.ListBackfillPartitionsRequest(
        backfill_id=backfill_id,
        states=[state.value for state in wanted],  # type: ignore[misc]
    )
    return Listing(Call(_SERVICE, "ListBackfillPartitions", request, lambda page: map(read_unit, page.units)), limit)


def watch(backfill_id: str, after: int) -> Watch[Backfill]:
    """A backfill after every change."""
    request = pb.WatchBackfillRequest(backfill_id=backfill_id, after_version=after)
    return BackfillWatch(Call(_SERVICE, "WatchBackfill", request, lambda message: ()), lambda _: False)


def _read(answer: Any) -> Backfill:
    return read_backfill(answer.backfill)


def _read_made(answer: Any) -> tuple[Backfill, bool]:
    return read_backfill(answer.backfill), answer.existed
