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
#: Of commands that look after a store that is there.
StorePath: TypeAlias = Annotated[str, typer.Option("--storage-path", help="Directory of the store.")]


def existing(path: str) -> Storage:
    """The store in a directory; one in memory, which is empty, where there is none: looking makes nothing."""
    from rivers.repository.storage import Storage
    from rivers.storage.database import FILE

    return Storage.embedded(path) if Path(path, FILE).exists() else Storage.memory()


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
