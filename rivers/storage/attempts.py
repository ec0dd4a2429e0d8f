"""Attempts: one row for each token that was ever issued."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text

from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.states import AttemptOutcome, AttemptState
from rivers.storage.multirow import Insert, Values
from rivers.storage.schema import LIVE, runs, steps
from rivers.storage.schema import attempts as table

_FIXED = ["run_id", "token", "ordinal", "number", "location", "home_id", "boot", "lease", "is_home"]
_CHANGING = ["state", "outcome", "ingested"]

UPSERT = Insert(table, [*_FIXED, *_CHANGING], update=_CHANGING)

_COLUMNS = [table.c[name] for name in [*_FIXED, *_CHANGING]]
_OF_RUN = select(*_COLUMNS).where(table.c.run_id == bindparam("run_id")).order_by(table.c.token)
_LIVE = (
    select(*_COLUMNS)
    .join(runs, runs.c.run_id == table.c.run_id)
    .where(text(f"{table.name}.{LIVE}"), runs.c.owner == bindparam("owner"))
)
_LOST = (
    select(*_COLUMNS)
    .select_from(runs)
    .join(steps, steps.c.run_id == runs.c.run_id)
    .join(table, (table.c.run_id == steps.c.run_id) & (table.c.token == steps.c.token))
    .where(
        runs.c.state.in_(bindparam("states", expanding=True)),
        runs.c.owner == bindparam("owner"),
        table.c.state == int(AttemptState.ENDED),
        table.c.outcome == int(AttemptOutcome.LOST),
    )
)


def image(attempt: Attempt) -> Values:
    """An attempt's row."""
    return (
        attempt.run_id,
        attempt.token,
        attempt.ordinal,
        attempt.number,
        attempt.location,
        attempt.home_id,
        attempt.boot,
        attempt.lease,
        bool(attempt.is_home),
        int(attempt.state),
        int(attempt.outcome) if attempt.outcome is not None else None,
        attempt.ingested,
    )


def _attempt(row: Row[*tuple[Any, ...]]) -> Attempt:
    run_id, token, ordinal, number, location, home_id, boot, lease, is_home, state, outcome, ingested = row
    attempt = Attempt(
        token=token,
        run_id=run_id,
        ordinal=ordinal,
        number=number,
        location=location,
        home_id=home_id,
        boot=boot,
        lease=lease,
        is_home=is_home,
    )
    attempt.state = AttemptState(state)
    attempt.outcome = AttemptOutcome(outcome) if outcome is not None else None
    attempt.ingested = ingested
    return attempt


def of_run(connection: Connection, run_id: str) -> list[Attempt]:
    """Every attempt of a run, oldest first."""
    return [_attempt(row) for row in connection.execute(_OF_RUN, {"run_id": run_id})]


def live(connection: Connection, *, owner: int) -> list[Attempt]:
    """Attempts whose end is not proven."""
    return [_attempt(row) for row in connection.execute(_LIVE, {"owner": owner})]


def lost(connection: Connection, *, states: list[int], owner: int) -> list[Attempt]:
    """Lost attempts of runs in these states that nobody has superseded: their result may still come (A10)."""
    return [_attempt(row) for row in connection.execute(_LOST, {"states": states, "owner": owner})]
