"""What all tables are made of."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, SmallInteger, text
from sqlalchemy.types import TypeEngine

#: 64 bits; on SQLite the type whose primary key is the row id itself.
Number: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def required(name: str, kind: TypeEngine[Any], **options: Any) -> Column[Any]:
    """A column that has a value in every row."""
    return Column(name, kind, nullable=False, **options)


def key(name: str, kind: TypeEngine[Any], *of: Any) -> Column[Any]:
    """A part of the primary key."""
    return Column(name, kind, *of, primary_key=True, autoincrement=False)


def partial_index(name: str | None, *columns: str, where: str, unique: bool = False) -> Index:
    """An index of some rows. PostgreSQL is told when it is used: naming it here would load all of its dialects."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), info={"where": where})


def only_row() -> list[Any]:
    """The key of a table of one row."""
    return [key("id", SmallInteger()), CheckConstraint("id = 1", name="only_row")]
