"""Statements over many rows of one shape: few and large, since a driver may hand the interpreter over at every row.

Rows go in chunks of up to eight, or of a power of two, so each statement has at most twelve texts, made from the table
once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Table

from rivers.storage.sending import Send, sending

#: The values of one row, as the driver takes them.
Values = tuple[Any, ...]

_LARGEST = 128
_SMALL = 8


class MultiRow:
    """One statement for rows of these columns."""

    def __init__(self, table: Table, columns: Sequence[str]) -> None:
        self.table = table
        self.columns = list(columns)
        self._texts: dict[tuple[str, int], str] = {}

    def run(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Writes the rows; returns how many rows of the table that were."""
        with sending(connection) as send:
            sent = self.send(send, connection.dialect, rows)
        return sum(cursor.rowcount for cursor in sent)

    def send(self, send: Send, dialect: Dialect, rows: Sequence[Values]) -> list[Any]:
        """Sends what writes the rows; the cursors know how many rows of the table that were, once it is done."""
        sent, start, count, name = [], 0, len(rows), dialect.name
        while start < count:
            left = count - start
            size = left if left <= _SMALL else min(1 << left.bit_length() - 1, _LARGEST)
            chunk = rows[start : start + size] if size < count else rows
            text = self._texts.get((name, size)) or self._prepare(dialect, size)
            sent.append(send(text, tuple(chain.from_iterable(chunk))))
            start += size
        return sent

    def _prepare(self, dialect: Dialect, size: int) -> str:
        text = self._texts[dialect.name, size] = self._text(dialect, size)
        return text

    def _text(self, dialect: Dialect, size: int) -> str:
        raise NotImplementedError

    def _quoted(self, dialect: Dialect, columns: Sequence[str]) -> list[str]:
        return [dialect.identifier_preparer.quote(name) for name in columns]


class Insert(MultiRow):
    """Inserts rows. Those that are there already are left alone when `ignore` is set, or else changed in `update`.

    `assign` adds assignments of its own for them, by column.
    """

    def __init__(
        self,
        table: Table,
        columns: Sequence[str],
        *,
        ignore: bool = False,
        update: Sequence[str] = (),
        assign: dict[str, str] | None = None,
    ) -> None:
        super().__init__(table, columns)
        self.ignore = ignore
        self.update = list(update)
        self.assign = assign or {}

    def _text(self, dialect: Dialect, size: int) -> str:
        row = f"({', '.join([_mark(dialect)] * len(self.columns))})"
        names = ", ".join(self._quoted(dialect, self.columns))
        return f"INSERT INTO {self.table.name} ({names}) VALUES {', '.join([row] * size)}{self._conflict(dialect)}"

    def _conflict(self, dialect: Dialect) -> str:
        if self.ignore:
            return " ON CONFLICT DO NOTHING"
        if not self.update:
            return ""
        changes = [f"{name} = excluded.{name}" for name in self._quoted(dialect, self.update)]
        changes += [f"{name} = {value}" for name, value in self.assign.items()]
        return f" ON CONFLICT ({', '.join(self._quoted(dialect, self._key))}) DO UPDATE SET {', '.join(changes)}"

    @cached_property
    def _key(self) -> list[str]:
        return [column.name for column in self.table.primary_key]


class Update(MultiRow):
    """Changes rows of which `match` columns come first and are equal, to what the columns after them say.

    The last value of a row is the version that the table's must still have.
    """

    def __init__(self, table: Table, match: str, columns: Sequence[str]) -> None:
        super().__init__(table, [match, *columns, "version"])

    def _text(self, dialect: Dialect, size: int) -> str:
        mark = _mark(dialect)
        row = f"({', '.join([mark] * len(self.columns))})"
        first = f"({', '.join(self._cast(dialect, mark, name) for name in self.columns)})"
        names = self._quoted(dialect, self.columns)
        changes = ", ".join(f"{name} = v.column{place}" for place, name in enumerate(names[1:-1], 2))
        return (
            f"UPDATE {self.table.name} SET {changes} FROM (VALUES {', '.join([first] + [row] * (size - 1))}) AS v "
            f"WHERE {self.table.name}.{names[0]} = v.column1 AND {self.table.name}.version = v.column{len(names)}"
        )

    def _cast(self, dialect: Dialect, mark: str, name: str) -> str:
        """Only a typed database has to be told what a value is that no column takes directly."""
        if dialect.name == "sqlite":
            return mark
        return f"CAST({mark} AS {self.table.c[name].type.compile(dialect)})"


def _mark(dialect: Dialect) -> str:
    return "?" if dialect.paramstyle == "qmark" else "%s"
