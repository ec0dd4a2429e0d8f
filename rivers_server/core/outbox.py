"""What leaves the core after a commit, and who carries it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from rivers_server.core.commands import Command
from rivers_server.core.inputs import Reply


@dataclass(slots=True)
class Outbox:
    """Effects of one batch: answers, commands by (location, session), sessions to close, the runs and backfills
    that changed (with whether they are over), and the locations that announced themselves: name, address, home and
    boot."""

    replies: list[tuple[Reply, Any, BaseException | None]] = field(default_factory=list)
    commands: dict[tuple[str, int], list[Command]] = field(default_factory=dict)
    closed: list[tuple[str, int, str]] = field(default_factory=list)
    changed_runs: dict[str, bool] = field(default_factory=dict)
    changed_backfills: dict[str, bool] = field(default_factory=dict)
    dial: list[tuple[str, str, str, int]] = field(default_factory=list)
    hang_up: list[str] = field(default_factory=list)

    def answer(self, reply: Reply, result: Any) -> None:
        """Answers a caller."""
        self.replies.append((reply, result, None))

    def refuse(self, reply: Reply, error: BaseException) -> None:
        """Refuses a caller."""
        self.replies.append((reply, None, error))

    def send(self, location: str, session: int, command: Command) -> None:
        """Tells a location something on a session; lost when that session is over by then."""
        self.commands.setdefault((location, session), []).append(command)

    def deliver_replies(self) -> None:
        """Gives every caller its answer."""
        for reply, result, error in self.replies:
            if error is None:
                reply.set(result)
            else:
                reply.fail(error)


class Transport(Protocol):
    """Carries effects. Losing one may cost time, never a run."""

    def deliver(self, outbox: Outbox) -> None:
        """Carries all of it, in order. It may return before that is done."""

    def settle(self) -> None:
        """Returns when everything that was delivered has been carried."""
