"""A store that was restored from a backup: its numbers are raised past what the time since then has handed out."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from rivers.lifecycle.states import AttemptState
from rivers.storage.database import Database
from rivers.storage.schema import attempts, writer

#: More leaderships and more tokens than there can have been since any backup; 2^63 has room for millions of these.
TERMS, TOKENS = 1 << 20, 1 << 40


@dataclass(frozen=True, slots=True)
class Raised:
    """What was raised: term and next token, before and after, and how many attempts were in flight in the backup."""

    term: tuple[int, int]
    next_token: tuple[int, int]
    attempts: int


def raise_term(database: Database) -> Raised:
    """Raises term and next token, so that locations take the store for newer than what they have seen of it.

    An attempt that was in flight in the backup may have ended since, and its location forgotten it. Its row is bound to
    a start of the location before any: when that comes back, an attempt that it still has goes on, and any other is
    issued anew under a new token.
    """
    with database.transaction() as connection:
        term, token = connection.execute(select(writer.c.term, writer.c.next_token).with_for_update()).one()
        connection.execute(
            update(writer).values(term=term + TERMS, next_token=token + TOKENS, batch=writer.c.batch + 1)
        )
        in_flight = connection.execute(
            update(attempts).where(attempts.c.state != int(AttemptState.ENDED)).values(boot=0)
        ).rowcount
    return Raised((term, term + TERMS), (token, token + TOKENS), in_flight)
