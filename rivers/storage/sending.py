"""Sending: how the statements of one write reach the driver, without what a general execution adds to each of them.

    with sending(connection) as send:
        cursor = send(text, values)
    cursor.rowcount

A server gets them in one go: what they answered is there when the block is left, or when it is fetched. Errors are the
driver's own, and `Database` translates them like all others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from sqlalchemy import Connection

#: Takes a statement's text and its values, and returns the driver's cursor.
Send: TypeAlias = Callable[[str, Any], Any]


@contextmanager
def sending(connection: Connection, *, alone: bool = False) -> Iterator[Send]:
    """Statements on the driver's connection, in the transaction that has begun; or each `alone`, when none has."""
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        yield driver.execute
        return
    from rivers.storage.pipeline import Pipeline  # it loads the driver

    # Where the driver prepares nothing it deallocates nothing either.
    prepared = connection.connection.info.setdefault("prepared", {}) if driver.prepare_threshold is None else None
    with Pipeline(driver, prepared, alone=alone) as pipeline:
        yield pipeline.send
