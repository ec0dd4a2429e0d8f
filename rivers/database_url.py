"""The option `--database-url`, shared by the commands that open a database."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rivers.errors import ConfigurationError

if TYPE_CHECKING:
    import typer

DATABASE_VARIABLE = "RIVERS_DATABASE_URL"


def refuse_password(context: typer.Context, url: str | None) -> None:
    """A password on the command line is for every user of the machine to read."""
    source = context.get_parameter_source("database_url")
    if url is not None and source is not None and source.name == "COMMANDLINE" and urlsplit(url).password:
        raise ConfigurationError(
            f"--database-url holds a password, which other users could read; put the URL into {DATABASE_VARIABLE}",
            field="database_url",
        )
