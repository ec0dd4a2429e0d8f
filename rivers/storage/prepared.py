"""A statement whose text is made once for each kind of database: half the cost of a cached one, for the hottest few."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect

from rivers.storage.sending import Send, sending


class Prepared:
    """A statement with named values that are given to the driver as they are."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._texts: dict[str, tuple[str, dict[str, Any], list[str] | None]] = {}

    def run(self, connection: Connection, values: dict[str, Any], *, alone: bool = False) -> list[tuple[Any, ...]]:
        """Executes it, in the transaction that has begun or outside of any; the rows that it returns."""
        with sending(connection, alone=alone) as send:
            return self.ask(send, connection.dialect, values)

    def ask(self, send: Send, dialect: Dialect, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Executes it after what was sent before; the rows that it returns."""
        rows: list[tuple[Any, ...]] = self.send(send, dialect, values).fetchall()
        return rows

    def send(self, send: Send, dialect: Dialect, values: dict[str, Any]) -> Any:
        """Sends it; the driver's cursor knows what it did, once it is done."""
        text, constants, order = self._texts.get(dialect.name) or self._compile(dialect)
        values = {**constants, **values}
        return send(text, values if order is None else tuple([values[name] for name in order]))

    def _compile(self, dialect: Dialect) -> tuple[str, dict[str, Any], list[str] | None]:
        compiled: Any = self._statement.compile(dialect=dialect)
        made = self._texts[dialect.name] = (str(compiled), dict(compiled.params), compiled.positiontup)
        return made
