"""`rivers backfill`, `backfill-status`, `backfill-cancel`: backfills of a module in this process; one may be left to a
scheduler."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from rivers.cli import backfill_options as options
from rivers.cli import backfill_submission as submission
from rivers.cli.backfill_bar import shown
from rivers.cli.modules import Module, RepoVar, load
from rivers.cli.printing import print_json
from rivers.cli.stores import DatabaseUrl, Memory, StoragePath, opened
from rivers.database_url import refuse_password

BackfillId = Annotated[str, typer.Argument(metavar="BACKFILL_ID", help="The backfill.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def backfill(
    context: typer.Context,
    module: Annotated[
        str | None,
        typer.Argument(
            metavar="MODULE",
            help="A Python module. With --scheduler: a location, or the module that it serves [default: the only one].",
            show_default=False,
        ),
    ] = None,
    repo_var: RepoVar = "repo",
    assets: Annotated[
        str | None, typer.Option("--assets", "-a", help="Assets, comma separated [default: all partitioned ones].")
    ] = None,
    partitions: Annotated[str | None, typer.Option("--partitions", "-p", help="Keys, comma separated.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first key of a range.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last key of the range.")] = None,
    ranges: Annotated[
        list[str] | None, typer.Option("--range", metavar="DIM=A..B|DIM=K1,K2", help="Of a dimension; repeatable.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="multi_run, single_run, or DIM=multi_run,DIM=single_run.")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, help="Runs at a time.")] = 4,
    on_failure: Annotated[str, typer.Option("--on-failure", help="continue or stop_on_failure.")] = "continue",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do; store nothing.")] = False,
    as_json: Json = False,
    memory: Memory = False,
    storage_path: StoragePath = None,
    database_url: DatabaseUrl = None,
    scheduler: submission.Scheduler = None,
    token_file: submission.TokenFile = None,
    tls_ca: submission.TlsCa = None,
    tls_cert: submission.TlsCert = None,
    tls_key: submission.TlsKey = None,
) -> None:
    """Run partitions of a module's assets, here or by a scheduler."""
    if scheduler is not None or (module is None and os.environ.get(submission.SCHEDULER_VARIABLE)):
        given = {
            "--assets": assets,
            "--partitions": partitions,
            "--from": first,
            "--to": last,
            "--range": ranges,
            "--strategy": strategy,
            "--concurrency": concurrency,
            "--on-failure": on_failure,
            "--dry-run": dry_run,
            "--json": as_json,
            "--scheduler": scheduler,
            "--token-file": token_file,
            "--tls-ca": tls_ca,
            "--tls-cert": tls_cert,
            "--tls-key": tls_key,
        }
        submission.submit(context, module, given, local=("repo_var", "memory", "storage_path", "database_url"))
        return
    if module is None:
        context.fail("Missing argument 'MODULE'.")
    refuse_password(context, database_url)
    wanted = options.partitions(partitions, first, last, ranges or ())
    grouping = options.strategy(strategy)
    repository = load(module, repo_var)
    with opened(memory, storage_path, database_url) as storage, repository:
        repository.resolve(storage)
        with shown(storage, "Backfilling"):
            result = repository.backfill(
                options.names(assets),
                partition_keys=wanted.keys,
                partition_range=wanted.range,
                strategy=grouping,
                failure_policy=on_failure,
                max_concurrency=concurrency,
                dry_run=dry_run,
            )
    if as_json:
        print_json(result)
    elif result.is_dry_run:
        typer.echo(f"Dry run: {result.num_partitions} partitions, {result.num_runs} runs")
    else:
        typer.echo(
            f"Backfill {result.backfill_id}: {result.status} — {result.completed} completed, {result.failed} failed, "
            f"{result.canceled} canceled"
        )
    if not result.is_dry_run and result.status != "completed":
        raise typer.Exit(1)


def status(
    context: typer.Context,
    backfill_id: BackfillId,
    module: Module,
    repo_var: RepoVar = "repo",
    as_json: Json = False,
    memory: Memory = False,
    storage_path: StoragePath = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Print how far a backfill is."""
    refuse_password(context, database_url)
    repository = load(module, repo_var)
    with opened(memory, storage_path, database_url) as storage, repository:
        repository.resolve(storage)
        found = repository.get_backfill(backfill_id)
    if found is None:
        typer.echo(f"Backfill '{backfill_id}' not found", err=True)
        raise typer.Exit(1)
    if as_json:
        print_json(found)
        return
    typer.echo(f"Backfill {found.backfill_id}: {found.status}")
    typer.echo(
        f"  Partitions: {found.completed_partitions}/{found.total_partitions} completed, "
        f"{found.failed_partitions} failed, {found.canceled_partitions} canceled"
    )
    typer.echo(f"  Runs: {len(found.run_ids)}")
    if found.error:
        typer.echo(f"  Error: {found.error}")


def cancel(
    context: typer.Context,
    backfill_id: BackfillId,
    module: Module,
    repo_var: RepoVar = "repo",
    memory: Memory = False,
    storage_path: StoragePath = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Cancel a backfill, wherever it is executed."""
    refuse_password(context, database_url)
    repository = load(module, repo_var)
    with opened(memory, storage_path, database_url) as storage, repository:
        repository.resolve(storage)
        if repository.get_backfill(backfill_id) is None:
            typer.echo(f"Error: Failed to cancel backfill: backfill '{backfill_id}' not found", err=True)
            raise typer.Exit(1)
        is_here = repository.cancel_backfill(backfill_id)
    if is_here:
        typer.echo(f"Backfill '{backfill_id}' canceled (in-process coordinator signaled)")
    else:
        typer.echo(f"Backfill '{backfill_id}' cancel requested (not running in this process)")
