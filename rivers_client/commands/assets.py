"""`rivers assets`."""

from __future__ import annotations

from typing import Annotated

import typer

from rivers.cli.printing import print_json, table
from rivers_client.commands._connection import Json, Limit, Scheduler, TokenFile, connect
from rivers_client.commands._tls import with_tls

app = typer.Typer(help="Show assets.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def _assets() -> None:
    pass


@app.command("list")
@with_tls
def list_assets(
    location: Annotated[str | None, typer.Option("--location", "-l", help="Only of this location.")] = None,
    limit: Limit = 0,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """List assets with what was last stored of them."""
    with connect(scheduler, token_file) as client:
        found = list(client.assets.list(location=location, limit=limit or None))
    if as_json:
        print_json(found)
        return
    table(
        ["ASSET", "LOCATION", "GROUP", "UPSTREAM", "LAST STORED (UTC)", "RUN"],
        [
            (
                one.name,
                one.location,
                one.definition.group,
                ", ".join(one.upstream),
                one.last_materialized_at,
                one.last_run_id,
            )
            for one in found
        ],
        empty="No assets.",
    )
