"""`rivers doctor`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from rivers.cli.checkup.finding import Finding, is_wrong
from rivers.cli.stores import DatabaseUrl
from rivers.credentials.secret import read_token
from rivers.credentials.tls import Tls
from rivers.database_url import refuse_password
from rivers.errors import ConfigurationError

DEFAULT_SCHEDULER = "127.0.0.1:3010"
DEFAULT_STORAGE = Path(".rivers/scheduler")


def doctor(
    context: typer.Context,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", envvar="RIVERS_SCHEDULER", help=f"The scheduler [default: {DEFAULT_SCHEDULER}]."
        ),
    ] = None,
    storage_path: Annotated[
        Path | None, typer.Option(help=f"Directory of the scheduler's database [default: {DEFAULT_STORAGE}].")
    ] = None,
    database_url: DatabaseUrl = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A file with the token to show (or RIVERS_TOKEN).")
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(metavar="PATH", envvar="RIVERS_TLS_CA", help="Who vouches for the scheduler."),
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(metavar="PATH", envvar="RIVERS_TLS_CERT", help="A certificate to show.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="PATH", envvar="RIVERS_TLS_KEY", help="Its key.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a set-up, and say what is wrong with it and what to do.

    A line for each check. Exits with 0 when nothing is wrong and with 1 when something is; warnings are not wrong.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its notes would stand between our lines
    refuse_password(context, database_url)
    if scheduler is not None:
        _require_address(scheduler)
    token = read_token(token_file)
    tls = Tls.load(cert=tls_cert, key=tls_key, ca=tls_ca)
    certificates = {option: path for option, path in (("ca", tls_ca), ("cert", tls_cert)) if path is not None}
    found = []
    for finding in _examine(scheduler, storage_path, database_url, token, tls, certificates):
        found.append(finding)
        if not as_json:
            typer.echo(str(finding))
    if as_json:
        from rivers.cli.printing import print_json

        print_json(found)
    if is_wrong(found):
        raise typer.Exit(1)


def _examine(
    scheduler: str | None,
    storage_path: Path | None,
    database_url: str | None,
    token: str | None,
    tls: Tls | None,
    certificates: dict[str, Path],
) -> Iterator[Finding]:
    from rivers.cli.checkup.installation import check_installation

    is_complete = True
    for finding in check_installation():
        is_complete &= finding.level == 0
        yield finding
    if not is_complete:  # what follows would only stumble over it
        return
    from rivers.cli.checkup.service import check_scheduler
    from rivers.cli.checkup.storage import check_database, check_directory

    if certificates:
        from rivers.cli.checkup.certificates import check_certificates

        yield from check_certificates(certificates, datetime.now(UTC))
    yield from check_scheduler(scheduler or DEFAULT_SCHEDULER, token, tls, is_expected=scheduler is not None)
    if database_url is not None and storage_path is None:
        yield from check_database(database_url)
    else:
        yield from check_directory(storage_path or DEFAULT_STORAGE)


def _require_address(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ConfigurationError(f"--scheduler {address!r} is no address: give HOST:PORT", field="scheduler")
