"""Rows against inventory, row by row (protocol section 4)."""

from __future__ import annotations

import pytest

from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.states import AttemptState
from rivers_server.core import adoption
from rivers_server.core.reports import Held, Phase

BOOT, OLDER = 3, 2
LIVE, ENDED = AttemptState.RUNNING, AttemptState.ENDED


def row(state: AttemptState, boot: int = BOOT) -> Attempt:
    """The only attempt, with token 1."""
    attempt = Attempt(
        token=1,
        run_id="run",
        ordinal=0,
        number=1,
        location="team",
        home_id="home",
        boot=boot,
        lease=60.0,
        is_home=False,
    )
    attempt.state = state
    return attempt


def held(phase: Phase, boot: int = BOOT) -> list[Held]:
    return [Held(1, boot, phase, 5)]


@pytest.mark.parametrize(
    ("rows", "current", "inventory", "verdict"),
    [
        ([row(LIVE)], [1], held(Phase.RUNNING), "keep"),
        ([row(AttemptState.ASSIGNED)], [1], held(Phase.RECEIVED), "keep"),
        ([row(LIVE)], [1], held(Phase.ENDED), "await_replay"),
        ([row(AttemptState.ASSIGNED)], [1], [], "resend"),
        ([row(LIVE, OLDER)], [1], held(Phase.ENDED, OLDER), "await_replay"),
        ([row(LIVE, OLDER)], [1], held(Phase.RUNNING, OLDER), "lost"),
        ([row(AttemptState.ASSIGNED, OLDER)], [1], [], "not_started"),
        ([row(LIVE, OLDER)], [1], [], "lost"),
        ([row(ENDED)], [1], held(Phase.RUNNING), "fence"),
        ([row(LIVE)], [2], held(Phase.RUNNING), "fence"),
        ([], [], held(Phase.RUNNING), "fence"),
        ([], [], held(Phase.ENDED), "forget"),
        ([], [], held(Phase.RUNNING, OLDER), "forget"),
        ([row(ENDED)], [1], held(Phase.ENDED), "await_replay"),
    ],
)
def test_A9_every_attempt_gets_one_verdict(
    rows: list[Attempt], current: list[int], inventory: list[Held], verdict: str
) -> None:
    verdicts = adoption.compare({attempt.token: attempt for attempt in rows}, current, BOOT, inventory)
    found = {name: tokens for name in adoption.Verdicts.__slots__ if (tokens := getattr(verdicts, name))}
    assert found == {verdict: [1]}
