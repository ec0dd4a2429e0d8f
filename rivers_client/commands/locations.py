"""`rivers locations`."""

from __future__ import annotations

from typing import Annotated

import typer

from rivers.cli.printing import print_json, table
from rivers_client.commands._connection import Json, Limit, Scheduler, TokenFile, connect
from rivers_client.commands._tls import with_tls

app = typer.Typer(
    help="Show code locations, and forget those that are gone.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def _locations() -> None:
    pass


@app.command("list")
@with_tls
def list_locations(
    limit: Limit = 0, as_json: Json = False, scheduler: Scheduler = None, token_file: TokenFile = None
) -> None:
    """List code locations, by name."""
    with connect(scheduler, token_file) as client:
        found = list(client.locations.list(limit=limit or None))
    if as_json:
        print_json(found)
        return
    table(
        ["LOCATION", "STATE", "MODULE", "ADDRESS", "ASSETS", "JOBS", "WORKERS", "IN FLIGHT", "MESSAGE"],
        [
            (
                one.name,
                one.state,
                one.module,
                one.address,
                one.asset_count,
                one.job_count,
                one.workers,
                one.attempts_in_flight,
                one.message or (one.load_failure.message if one.load_failure is not None else None),
            )
            for one in found
        ],
        empty="No locations; `rivers serve MODULE --scheduler HOST:PORT` adds one.",
    )


@app.command()
@with_tls
def forget(
    name: Annotated[str, typer.Argument(help="The location.")],
    reason: Annotated[str, typer.Option("--reason", help="How it is known that it is gone, for the record.")] = "",
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Forget a location whose machine is gone for good: what ran there is lost at once, and run again elsewhere."""
    with connect(scheduler, token_file) as client:
        lost = client.locations.forget(name, reason)
    if as_json:
        print_json({"location": name, "lost_attempts": lost})
        return
    typer.echo(f"location '{name}' is forgotten; {lost} attempts were lost with it")
