"""`rivers backfill --scheduler`: the backfill is the scheduler's, submitted and shown as by `rivers backfills`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import typer

from rivers.cli.catalogue import Commands
from rivers.errors import InvalidRequestError

SCHEDULER_VARIABLE = "RIVERS_SCHEDULER"

Scheduler: TypeAlias = Annotated[
    str | None,
    typer.Option("--scheduler", metavar="HOST:PORT", help="Have it run by this scheduler, at a code location."),
]
TokenFile: TypeAlias = Annotated[
    Path | None, typer.Option("--token-file", metavar="PATH", help="With --scheduler: a file with the token.")
]
TlsCa: TypeAlias = Annotated[
    Path | None, typer.Option("--tls-ca", metavar="PATH", help="With --scheduler: who vouches for it.")
]
TlsCert: TypeAlias = Annotated[
    Path | None, typer.Option("--tls-cert", metavar="PATH", help="With --scheduler: a certificate to show.")
]
TlsKey: TypeAlias = Annotated[Path | None, typer.Option("--tls-key", metavar="PATH", help="With --scheduler: its key.")]


def submit(context: typer.Context, place: str | None, options: Mapping[str, Any], *, local: Sequence[str]) -> None:
    """Submits the backfill and shows it until it is over, by the command that the client brings.

    `place` is a location or the module that it serves; `local` names parameters that mean nothing to a scheduler.
    """
    for name in local:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = f"--{name.replace('_', '-')}"
            raise InvalidRequestError(f"{option} is for a backfill in this process; leave it out with --scheduler")
    arguments = ["--wait"]
    for option, value in options.items():
        if value is True:
            arguments.append(option)
        elif isinstance(value, list):
            arguments += [f"{option}={one}" for one in value]
        elif value is not None and value is not False:
            arguments.append(f"{option}={value}")
    if place is not None:
        arguments += ["--", place]
    command = Commands(typer.main.get_command)["backfills"].commands["submit"]
    with command.make_context(context.info_name, arguments, parent=context.parent) as inner:
        command.invoke(inner)
