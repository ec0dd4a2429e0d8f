"""`rivers tokens`: works on the file of tokens, whether its server runs or not."""

from __future__ import annotations

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from rivers.cli.printing import print_json, table
from rivers.errors import InvalidRequestError

app = typer.Typer(
    help="Make, list and revoke tokens.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

StoragePath: TypeAlias = Annotated[Path, typer.Option("--storage-path", help="Directory of the scheduler.")]
TokensFile: TypeAlias = Annotated[
    Path | None, typer.Option("--tokens-file", help="The file of tokens; by default tokens.json in the directory.")
]
Expires: TypeAlias = Annotated[
    str | None, typer.Option("--expires", metavar="SPAN", help="How long it is good, for example 30d.")
]
_DIRECTORY = Path(".rivers/scheduler")


@app.command()
def create(
    role: Annotated[str, typer.Option("--role", help="viewer, operator, admin, scheduler or location:NAME.")],
    name: Annotated[str, typer.Option("--name", help="Whose it is, for people.")] = "",
    expires: Expires = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="Write it into a new file that only you can read.")
    ] = None,
    storage_path: StoragePath = _DIRECTORY,
    tokens_file: TokensFile = None,
) -> None:
    """Make a token and print it, this once; only its hash is kept."""
    from rivers.clock import SystemClock
    from rivers.credentials.role import Role
    from rivers.credentials.token_file import NAME, TokenFile

    now = SystemClock().wall()
    parsed, until = Role.parse(role), _until(expires, now)
    descriptor = _new_file(out) if out is not None else None
    token, text = TokenFile(tokens_file or storage_path / NAME).create(parsed, name, now=now, expires=until)
    if descriptor is None:
        typer.echo(text)
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{text}\n")
    typer.echo(f"token {token.id} has the role {token.role}; it is not shown again", err=True)


@app.command()
def accept(
    location: Annotated[str, typer.Argument(help="Name of the location.", show_default=False)],
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="PATH", help="The scheduler's token (or RIVERS_TOKEN).")
    ] = None,
    expires: Expires = None,
) -> None:
    """Print the file with which a location knows its scheduler (`rivers serve --scheduler-token-file`).

    It holds a hash, and of a token that is good for this location alone.
    """
    from rivers.clock import SystemClock
    from rivers.credentials.role import SCHEDULER, Role
    from rivers.credentials.secret import digest, for_location, read_token
    from rivers.credentials.token import Token
    from rivers.credentials.token_file import encode

    own = read_token(token_file)
    if own is None:
        raise InvalidRequestError("name the file with the scheduler's token with --token-file", field="token_file")
    now = SystemClock().wall()
    shown = digest(for_location(own, location))
    row = Token(secrets.token_hex(4), Role(SCHEDULER), f"to {location}", shown, now, _until(expires, now))
    typer.echo(encode([row]), nl=False)


@app.command("list")
def list_tokens(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    storage_path: StoragePath = _DIRECTORY,
    tokens_file: TokensFile = None,
) -> None:
    """List tokens, as they were made."""
    from rivers.clock import SystemClock
    from rivers.credentials.token_file import NAME, TokenFile

    now = SystemClock().wall()
    rows = [
        {
            "id": token.id,
            "role": str(token.role),
            "name": token.name,
            "state": token.state(now),
            "created": token.created,
            "expires": token.expires,
            "revoked": token.revoked,
        }
        for token in TokenFile(tokens_file or storage_path / NAME).all()
    ]
    if as_json:
        print_json(rows)
        return
    headers = ["ID", "ROLE", "NAME", "STATE", "CREATED", "EXPIRES", "REVOKED"]
    table(
        headers, [list(row.values()) for row in rows], empty="No tokens; `rivers tokens create --role ROLE` makes one."
    )


@app.command()
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="The token's id.", show_default=False)],
    storage_path: StoragePath = _DIRECTORY,
    tokens_file: TokensFile = None,
) -> None:
    """Make a token worthless, at once."""
    from rivers.clock import SystemClock
    from rivers.credentials.token_file import NAME, TokenFile

    token = TokenFile(tokens_file or storage_path / NAME).revoke(token_id, now=SystemClock().wall())
    typer.echo(f"token {token.id} ({token.role}) is revoked")


def _until(expires: str | None, now: datetime) -> datetime | None:
    if expires is None:
        return None
    from rivers.definitions.humantime import seconds

    try:
        return now + timedelta(seconds=seconds(expires, "--expires"))
    except (ValueError, OverflowError) as error:
        raise InvalidRequestError(str(error), field="expires") from None


def _new_file(path: Path) -> int:
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise InvalidRequestError(f"{path} cannot be made: {error.strerror}", field="out") from None
