"""A pipeline: statements that reach a PostgreSQL server in one go, and are answered in one.

    with Pipeline(driver, prepared) as pipeline:
        sent = pipeline.send(text, values)
    sent.rowcount

psycopg has one of its own, which asks the socket three times for each statement, gives the interpreter's lock away each
time, and waits for BEGIN before it sends anything else: beside a busy event loop that is what a write costs most.
"""

from __future__ import annotations

import itertools
import re
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import IsolationLevel, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.waiting import Ready, Wait

_NUMBERS = itertools.count(1)
_PARAMETER = re.compile(r"%s|%\((\w+)\)s")

#: What a value is on the wire, and whether that is its binary form.
_Encoded = tuple[bytes | None, pq.Format]
_ENCODERS: dict[type, Callable[[Any], _Encoded]] = {
    int: lambda value: (b"%d" % value, pq.Format.TEXT),
    str: lambda value: (value.encode(), pq.Format.BINARY),
    bytes: lambda value: (value, pq.Format.BINARY),
    bool: lambda value: (b"t" if value else b"f", pq.Format.TEXT),
    float: lambda value: (repr(value).encode(), pq.Format.TEXT),
    type(None): lambda value: (None, pq.Format.TEXT),
}


class Sent:
    """A statement that was sent; what it answered is there when the pipeline is left, or when it is fetched."""

    __slots__ = ("_pipeline", "result")

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.result: Any = None

    @property
    def rowcount(self) -> int:
        """How many rows it wrote or returned; -1 when it was not executed."""
        return -1 if self.result is None or self.result.command_tuples is None else self.result.command_tuples

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows that it returned."""
        if self.result is None:
            self._pipeline.settle()
        return self._pipeline.rows(self.result)


class Pipeline:
    """Statements on a connection of the driver, in its transaction, which begins with the first of them; without one
    each is its own if `alone` is set.

    Those whose names are in `prepared` are there already; others are added, unless it is `None`.
    """

    def __init__(
        self, driver: psycopg.Connection[Any], prepared: dict[str, bytes] | None, *, alone: bool = False
    ) -> None:
        self._driver = driver
        self._pgconn = driver.pgconn
        self._prepared = prepared
        self._has_begun = alone
        # What is still to be answered: a statement, the text of one that is being prepared, or neither.
        self._awaited: deque[Sent | str | None] = deque()
        self._error: psycopg.Error | None = None

    def __enter__(self) -> Self:
        self._pgconn.enter_pipeline_mode()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if self._awaited:
                self.settle()
        except psycopg.Error:
            if error is None:
                raise
        finally:
            if self._pgconn.status == pq.ConnStatus.OK:
                self._pgconn.exit_pipeline_mode()

    def send(self, text: str, values: Sequence[Any] | Mapping[str, Any]) -> Sent:
        """Adds a statement to what is sent."""
        if not self._has_begun:
            self._begin()
        statement, names = _numbered(text)
        encoded = [_encoded(value) for value in (values if names is None else [values[name] for name in names])]  # type: ignore[call-overload]  # a mapping has names
        parameters = [value for value, _ in encoded]
        formats = [form for _, form in encoded]
        if self._prepared is None:
            self._pgconn.send_query_params(statement, parameters, param_formats=formats)
        else:
            if text not in self._prepared:
                self._prepared[text] = b"rivers_%d" % next(_NUMBERS)
                self._pgconn.send_prepare(self._prepared[text], statement)
                self._awaited.append(text)
            self._pgconn.send_query_prepared(self._prepared[text], parameters, param_formats=formats)
        sent = Sent(self)
        self._awaited.append(sent)
        return sent

    def settle(self) -> None:
        """Waits until everything that was sent is answered. Raises the first error."""
        self._pgconn.pipeline_sync()
        self._driver.wait(self._exchange())
        error, self._error = self._error, None
        if error is not None:
            raise error

    def rows(self, result: Any) -> list[tuple[Any, ...]]:
        """The rows of a result, in Python's types."""
        loader = Transformer(self._driver)
        loader.set_pgresult(result)
        return loader.load_rows(0, result.ntuples, tuple)

    # -- within -----------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._has_begun = True
        if self._pgconn.transaction_status != pq.TransactionStatus.IDLE:
            return
        level = IsolationLevel(self._driver.isolation_level or IsolationLevel.READ_COMMITTED).name.replace("_", " ")
        access = "ONLY" if self._driver.read_only else "WRITE"
        self._pgconn.send_query_params(f"BEGIN ISOLATION LEVEL {level} READ {access}".encode(), None)
        self._awaited.append(None)

    def _exchange(self) -> Generator[Wait, Ready | int, None]:
        """Sends what waits and takes what comes back, until all of it is there."""
        pgconn = self._pgconn
        while pgconn.flush():
            if (yield Wait.RW) & Ready.R:  # a server that nobody listens to would listen no more
                pgconn.consume_input()
        while True:
            while pgconn.is_busy():
                yield Wait.R
                pgconn.consume_input()
            result = pgconn.get_result()
            if result is None:
                if pgconn.status == pq.ConnStatus.BAD:
                    raise psycopg.OperationalError("the connection is lost")
            elif result.status == pq.ExecStatus.PIPELINE_SYNC:
                return
            else:
                self._take(self._awaited.popleft(), result)

    def _take(self, awaited: Sent | str | None, result: Any) -> None:
        if result.status in (pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK):
            if isinstance(awaited, Sent):
                awaited.result = result
            return
        if result.status == pq.ExecStatus.FATAL_ERROR and self._error is None:
            self._error = error_from_result(result, encoding=self._driver.info.encoding)
        if isinstance(awaited, str) and self._prepared is not None:
            del self._prepared[awaited]


def _encoded(value: Any) -> _Encoded:
    encode = _ENCODERS.get(type(value))
    if encode is None:  # an enumeration's member is a number or a text
        encode = next(_ENCODERS[kind] for kind in (int, str) if isinstance(value, kind))
    return encode(value)


@cache
def _numbered(text: str) -> tuple[bytes, list[str] | None]:
    """A statement with numbers for its parameters, and their names in this order if they have names."""
    names: list[str | None] = []

    def number(found: re.Match[str]) -> str:
        name = found[1]
        if name is None or name not in names:
            names.append(name)
            return f"${len(names)}"
        return f"${names.index(name) + 1}"

    statement = _PARAMETER.sub(number, text).encode()
    named = [name for name in names if name is not None]
    return statement, named or None
