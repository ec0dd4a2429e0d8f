"""The options that name a scheduler, and the client that they make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from rivers.credentials.secret import read_token
from rivers_client.commands._tls import tls_files

if TYPE_CHECKING:
    from rivers_client import Client

Scheduler: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--scheduler", metavar="HOST:PORT", envvar="RIVERS_SCHEDULER", help="The scheduler [default: 127.0.0.1:3010]."
    ),
]
TokenFile: TypeAlias = Annotated[
    Path | None, typer.Option("--token-file", metavar="PATH", help="A file with the token (or RIVERS_TOKEN).")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Limit: TypeAlias = Annotated[int, typer.Option("--limit", "-n", min=0, help="At most this many; 0 for all.")]

#: Seconds for which a command that is under way waits for a scheduler that restarts.
PATIENT = 120.0


@contextmanager
def connect(scheduler: str | None, token_file: Path | None, *, patience: float = 0.0) -> Iterator[Client]:
    """A client. Without patience a scheduler that is not there is an error at once."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its notes would stand between our lines
    from rivers_client import Client

    files: Any = tls_files()
    with Client(scheduler, token=read_token(token_file), patience=patience, **files) as client:
        yield client
