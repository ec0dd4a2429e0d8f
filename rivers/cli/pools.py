"""`rivers pools`: limits of a store's pools, and who holds their slots."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from rivers.cli.printing import print_json, table
from rivers.cli.stores import StorePath, existing
from rivers.errors import InvalidRequestError, StorageError

app = typer.Typer(help="Show pools; set limits.", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

Pool = Annotated[str, typer.Argument(metavar="POOL", help="The pool.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _pools() -> None:
    pass


@app.command("list")
def list_pools(storage_path: StorePath = ".rivers/storage/", as_json: Json = False) -> None:
    """List pools with what is held of them."""
    found = existing(storage_path).get_all_pool_infos()
    if as_json:
        print_json(found)
        return
    table(
        ["POOL", "LIMIT", "CLAIMED", "PENDING", "LEASE"],
        [
            (one.pool_key, one.slot_limit, one.claimed_count, one.pending_count, one.lease_duration_secs)
            for one in found
        ],
        empty="No pools configured.",
        has_rule=True,
    )


@app.command()
def info(pool: Pool, storage_path: StorePath = ".rivers/storage/", as_json: Json = False) -> None:
    """Show a pool and who holds its slots."""
    storage = existing(storage_path)
    try:
        found = storage.get_pool_info(pool)
    except StorageError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    holders = storage.get_pool_slot_holders(pool)
    if as_json:
        print_json({"pool": found, "holders": holders})
        return
    typer.echo(f"Pool: {found.pool_key}")
    typer.echo(f"Slot limit: {found.slot_limit}")
    typer.echo(f"Lease duration: {found.lease_duration_secs}s")
    typer.echo(f"Claimed: {found.claimed_count}/{found.slot_limit}")
    typer.echo(f"Pending: {found.pending_count}")
    table(
        ["RUN ID", "STEP", "SLOTS", "LEASE EXPIRES"],
        [(one.run_id, one.step_key, one.slots_consumed, _time(one.lease_expires_at)) for one in holders],
        empty="No active slot holders.",
    )


@app.command("set", context_settings={"ignore_unknown_options": True})  # -1 is no option
def set_limit(
    pool: Pool,
    limit: Annotated[int, typer.Argument(help="Slots; 0 lets nothing through, -1 everything.", show_default=False)],
    lease_duration: Annotated[str, typer.Option("--lease-duration", help="How long a claim lasts unrenewed.")] = "5m",
    storage_path: StorePath = ".rivers/storage/",
) -> None:
    """Make a pool or change its limit."""
    from rivers.definitions import humantime
    from rivers.repository.storage import Storage

    try:
        humantime.seconds(lease_duration, "lease_duration")
    except ValueError as error:
        raise InvalidRequestError(str(error), field="lease_duration") from None
    Storage.embedded(storage_path).set_pool_limit(pool, limit, lease_duration)
    typer.echo(f"Pool '{pool}' set to limit={limit}, lease_duration={lease_duration}")


def _time(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
