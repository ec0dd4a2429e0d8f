"""`rivers db`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rivers.cli.stores import DatabaseUrl
from rivers.database_url import refuse_password

app = typer.Typer(help="Look after a database.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def _db() -> None:
    pass


@app.command()
def migrate(
    context: typer.Context,
    storage_path: Annotated[
        str, typer.Option("--storage-path", help="Directory of the embedded database.")
    ] = ".rivers/storage/",
    database_url: DatabaseUrl = None,
) -> None:
    """Bring a database to the schema of this version, or make one."""
    from rivers.storage.migration import migrate as migrate_url
    from rivers.storage.migration import migrate_embedded

    refuse_password(context, database_url)
    if database_url is None:
        migrate_embedded(storage_path)
    name = storage_path if database_url is None else migrate_url(database_url)
    typer.echo(f"Storage schema is up to date ({name}).")


@app.command("raise-term")
def raise_term(
    context: typer.Context,
    storage_path: Annotated[Path, typer.Option("--storage-path", help="Directory of the scheduler's database.")] = Path(
        ".rivers/scheduler"
    ),
    database_url: DatabaseUrl = None,
) -> None:
    """After a restore: raise term and tokens past what was handed out since the backup, while no scheduler runs.

    Locations refuse a database that is older than what they have seen of it; afterwards they attach again.
    """
    from rivers.errors import StorageError
    from rivers.storage.database import FILE, Database
    from rivers.storage.restoring import raise_term as raised_in

    refuse_password(context, database_url)
    if database_url is not None:
        database = Database.connect(database_url, lock="exclusive")
    elif (storage_path / FILE).exists():
        database = Database.embedded(storage_path, lock="exclusive")
    else:
        raise StorageError(f"no database at {storage_path / FILE}; name the scheduler's directory with --storage-path")
    try:
        raised = raised_in(database)
    finally:
        database.close()
    typer.echo(
        f"Term {raised.term[0]} -> {raised.term[1]}, next token {raised.next_token[0]} -> {raised.next_token[1]}; "
        f"{raised.attempts} attempts were in flight in the backup ({database.url})."
    )
