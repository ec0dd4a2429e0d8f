"""The options `--database-url` and `--database-url-file`, shared by the commands that open a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from rivers.errors import ConfigurationError

if TYPE_CHECKING:
    import typer

DATABASE_VARIABLE = "RIVERS_DATABASE_URL"

#: Parts of a URL's query that are secrets, beside the password before its host.
_SECRETS = {"password", "sslpassword"}


def refuse_password(context: typer.Context, url: str | None) -> None:
    """A password on the command line is for every user of the machine to read."""
    if url is not None and _is_on_command_line(context) and _holds_password(url):
        raise ConfigurationError(
            f"--database-url holds a password, which other users could read; put the URL into {DATABASE_VARIABLE}",
            field="database_url",
        )


def choose(context: typer.Context, url: str | None, file: Path | None) -> str | None:
    """The URL of the option, else of the file, else of the environment."""
    refuse_password(context, url)
    if file is None:
        return url
    if url is not None and _is_on_command_line(context):
        raise ConfigurationError("give --database-url or --database-url-file, not both", field="database_url_file")
    try:
        found = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigurationError(f"--database-url-file {file}: {why}", field="database_url_file") from None
    if not found or "\n" in found:
        raise ConfigurationError(
            f"--database-url-file {file} must hold one line, the URL of the database", field="database_url_file"
        )
    return found


def _is_on_command_line(context: typer.Context) -> bool:
    source = context.get_parameter_source("database_url")
    return source is not None and source.name == "COMMANDLINE"


def _holds_password(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.password or _SECRETS & parse_qs(parts.query).keys())
