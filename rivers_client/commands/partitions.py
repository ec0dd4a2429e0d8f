"""`rivers partitions`."""

from __future__ import annotations

from typing import Annotated

import typer

from rivers.cli.printing import print_json, table
from rivers_client.commands._connection import Json, Limit, Scheduler, TokenFile, connect
from rivers_client.commands._tls import with_tls

app = typer.Typer(
    help="Show partitions; add and remove dynamic ones.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of the dynamic partitions.", show_default=False)]
Keys = Annotated[list[str], typer.Argument(metavar="KEY...", help="The keys.", show_default=False)]


@app.command("add")
@with_tls
def add_keys(name: Name, keys: Keys, scheduler: Scheduler = None, token_file: TokenFile = None) -> None:
    """Add keys to dynamic partitions; those that are there are left as they are."""
    with connect(scheduler, token_file) as client:
        client.partitions.add(name, keys)


@app.command("remove")
@with_tls
def remove_keys(name: Name, keys: Keys, scheduler: Scheduler = None, token_file: TokenFile = None) -> None:
    """Remove keys of dynamic partitions; what was stored for them stays."""
    with connect(scheduler, token_file) as client:
        client.partitions.remove(name, keys)


@app.command("list")
@with_tls
def list_keys(
    name: Name,
    limit: Limit = 0,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """List the keys of dynamic partitions."""
    with connect(scheduler, token_file) as client:
        found = list(client.partitions.keys(name, limit=limit or None))
    if as_json:
        print_json(found)
    else:
        table(["KEY"], [(key,) for key in found], empty=f"No keys are known under the name '{name}'.")


@app.command("show")
@with_tls
def show_partitions(
    asset: Annotated[str, typer.Argument(metavar="ASSET", help="The asset or task.", show_default=False)],
    limit: Limit = 0,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """List the partitions of an asset with what was last stored of each."""
    with connect(scheduler, token_file) as client:
        found = list(client.partitions.list(asset, limit=limit or None))
    if as_json:
        print_json(found)
        return
    table(
        ["PARTITION", "LAST STORED (UTC)", "RUN"],
        [(one.key, one.last_materialized_at, one.last_run_id) for one in found],
        empty="No partitions.",
    )
