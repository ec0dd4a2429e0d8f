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
    storage_path: Annotated[Path, typer.Option("--storage-path", help="Directory of the embedded database.")] = Path(
        ".rivers/storage/"
    ),
    database_url: DatabaseUrl = None,
) -> None:
    """Bring a database to the schema of this version, or make one."""
    from rivers.storage.migration import migrate as migrate_url
    from rivers.storage.migration import migrate_embedded

    refuse_password(context, database_url)
    name = migrate_embedded(storage_path) if database_url is None else migrate_url(database_url)
    typer.echo(f"Storage schema is up to date ({name}).")
