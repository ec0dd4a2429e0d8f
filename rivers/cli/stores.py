"""The options that choose a store, and the store that they choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from rivers.database_url import DATABASE_VARIABLE

if TYPE_CHECKING:
    from rivers.repository.storage import Storage

Memory: TypeAlias = Annotated[bool, typer.Option("--memory/--no-memory", help="Keep the store in memory.")]
StoragePath: TypeAlias = Annotated[
    Path | None,
    typer.Option("--storage-path", help="Directory of the store [default: one that is deleted at the end]."),
]
DatabaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--database-url", envvar=DATABASE_VARIABLE, help="A database; beats --storage-path."),
]


@contextmanager
def opened(memory: bool, path: Path | None, url: str | None) -> Iterator[Storage]:
    """The store; one that nobody named is gone when it is left."""
    from rivers.repository.storage import Storage

    if memory:
        yield Storage.memory()
    elif url is not None:
        yield Storage.connect(url)
    elif path is not None:
        yield Storage.embedded(str(path))
    else:
        with TemporaryDirectory(prefix="rivers-") as scratch:
            yield Storage.embedded(scratch)
