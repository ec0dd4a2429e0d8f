"""How much a location takes of who speaks to it as the scheduler."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.limit_options import check_positive

MOST_HELD = 200_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What is over a limit is refused; `docs/limits.md` says what each one is for.

    One leader needs one stream; its predecessor that is not gone yet and those who look at its health need theirs.
    """

    message_bytes: int = 8 << 20
    calls: int = 100
    calls_per_connection: int = 100
    held_attempts: int = MOST_HELD

    def __post_init__(self) -> None:
        check_positive(self)
