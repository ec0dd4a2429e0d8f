"""`rivers queue`: the runs of a store that wait, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from rivers.cli.printing import print_json, table
from rivers.cli.stores import StorePath, existing

if TYPE_CHECKING:
    from rivers.repository.storage import Storage
    from rivers.repository.storage.runs import RunRecord

app = typer.Typer(
    help="Show and cancel queued runs.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def _queue() -> None:
    pass


@app.command("list")
def list_runs(storage_path: StorePath = ".rivers/storage/", as_json: Json = False) -> None:
    """List queued runs in the order in which they are looked at."""
    found = _in_line(existing(storage_path))
    if as_json:
        print_json(found)
        return
    table(
        ["POS", "RUN ID", "JOB", "PRI", "QUEUED AT", "BLOCK REASON"],
        [
            (place, run.run_id, run.job_name, run.priority, _time(run), run.block_reason)
            for place, run in enumerate(found, start=1)
        ],
        empty="No queued runs.",
    )


@app.command()
def cancel(run_id: RunId, storage_path: StorePath = ".rivers/storage/") -> None:
    """Cancel a queued run."""
    if not existing(storage_path).cancel_queued_run(run_id):
        typer.echo(f"Run '{run_id}' not found or not in Queued status.", err=True)
        raise typer.Exit(1)
    typer.echo(f"Run '{run_id}' canceled.")


@app.command()
def why(run_id: RunId, storage_path: StorePath = ".rivers/storage/", as_json: Json = False) -> None:
    """Say why a run waits."""
    storage = existing(storage_path)
    run = storage.get_run(run_id)
    if run is None:
        typer.echo(f"Run '{run_id}' not found.", err=True)
        raise typer.Exit(1)
    if as_json:
        print_json(run)
        return
    if run.status != "Queued":
        typer.echo(f"Run '{run_id}' is not queued (status: {run.status}).")
        return
    line = [one.run_id for one in _in_line(storage)]
    typer.echo(f"Run: {run.run_id}")
    typer.echo(f"Job: {run.job_name or '-'}")
    typer.echo(f"Priority: {run.priority}")
    typer.echo(f"Position: {line.index(run_id) + 1 if run_id in line else '-'}/{len(line)}")
    typer.echo(f"Queued since: {_time(run)}")
    typer.echo(f"Block reason: {run.block_reason or 'waiting for capacity (no specific block recorded)'}")
    typer.echo(f"Tags: {', '.join(f'{key}={value}' for key, value in run.tags) or '-'}")


def _in_line(storage: Storage) -> list[RunRecord]:
    return sorted(storage.get_queued_runs(), key=lambda run: (-run.priority, run.start_time))


def _time(run: RunRecord) -> str:
    return datetime.fromtimestamp(run.start_time / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
