"""`rivers materialize`: everything that a module defines, once, in this process."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from rivers.cli.modules import Module, RepoVar, load
from rivers.cli.run_progress import shown
from rivers.cli.shell import is_debugging
from rivers.cli.stores import DatabaseUrl, Memory, StoragePath, opened
from rivers.database_url import refuse_password


def materialize(
    context: typer.Context,
    module: Module,
    repo_var: RepoVar = "repo",
    partition_key: Annotated[
        str | None, typer.Option("--partition-key", metavar="KEY", help="The partition to cover.")
    ] = None,
    memory: Memory = False,
    storage_path: StoragePath = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Run everything that a module defines, in this process."""
    refuse_password(context, database_url)
    repository = load(module, repo_var)
    key = None
    if partition_key is not None:
        from rivers.partitions.key import PartitionKey

        key = PartitionKey.single(partition_key)
    run_id = str(uuid.uuid4())
    with opened(memory, storage_path, database_url) as storage, repository:
        repository.resolve(storage)
        with shown(storage, run_id, "Materializing"):
            result = repository.materialize(
                partition_key=key, run_id_override=run_id, raise_on_error=is_debugging(context)
            )
    if result.success:
        typer.echo(f"Materialization complete. Assets: {result.materialized_assets}")
        return
    for asset, failure in result.failed_assets:
        typer.echo(f"Error: {asset}: {' '.join(failure.split())}", err=True)
    if not result.failed_assets:
        typer.echo(f"Error: run {run_id} was canceled", err=True)
    raise typer.Exit(1)
