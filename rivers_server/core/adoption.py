"""What becomes of attempts when a location comes back: rows against inventory (protocol section 4). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rivers.lifecycle.attempt import Attempt
from rivers.lifecycle.states import AttemptState
from rivers_server.core.reports import Held, Phase


@dataclass(slots=True)
class Verdicts:
    """Tokens by what is decided about them. `await_replay` needs no word: its events are on their way."""

    keep: list[int] = field(default_factory=list)
    fence: list[int] = field(default_factory=list)
    forget: list[int] = field(default_factory=list)
    resend: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    not_started: list[int] = field(default_factory=list)
    await_replay: list[int] = field(default_factory=list)


def compare(rows: Mapping[int, Attempt], current: Iterable[int], boot: int, held: Iterable[Held]) -> Verdicts:
    """Decides about every attempt bound to one home.

    `rows` are its attempts that are live, or lost and not superseded; `current` are the tokens that may still count;
    `boot` is the home's present boot. An attempt that is being fenced counts no more, but its end is waited for (A12).
    """
    verdicts = Verdicts()
    counting = set(current)
    inventory = {item.token: item for item in held}
    for token, item in inventory.items():
        attempt = rows.get(token)
        if attempt is not None and attempt.is_fencing:
            if item.phase == Phase.ENDED:
                verdicts.await_replay.append(token)
            else:
                (verdicts.fence if item.boot == boot else verdicts.lost).append(token)
        elif attempt is None or token not in counting:
            (verdicts.forget if item.phase == Phase.ENDED or item.boot != boot else verdicts.fence).append(token)
        elif item.phase == Phase.ENDED:
            verdicts.await_replay.append(token)
        elif attempt.state == AttemptState.ENDED:
            (verdicts.fence if item.boot == boot else verdicts.forget).append(token)
        elif item.boot == boot:
            verdicts.keep.append(token)
        else:
            verdicts.lost.append(token)
    for token, attempt in rows.items():
        if attempt.state == AttemptState.ENDED or token in inventory:
            continue
        if attempt.boot != boot:
            # One that is known to have started is gone from the spool: lost with it, or with a restored database.
            (verdicts.not_started if attempt.state == AttemptState.ASSIGNED else verdicts.lost).append(token)
        else:
            (verdicts.fence if attempt.is_fencing else verdicts.resend).append(token)
    return verdicts
