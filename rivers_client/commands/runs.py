"""`rivers runs`: submit, list, show, watch, logs, cancel."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rivers.cli.printing import moment, print_json, span, table
from rivers.errors import InvalidRequestError
from rivers_client.commands._connection import PATIENT, Json, Limit, Scheduler, TokenFile, connect
from rivers_client.commands._tls import with_tls

if TYPE_CHECKING:
    from rivers.lifecycle.states import RunState
    from rivers.partitions.key import PartitionKey
    from rivers_client import Run

app = typer.Typer(
    help="Submit, list, watch and cancel runs.", no_args_is_help=True, add_completion=False, rich_markup_mode=None
)

RunId = Annotated[str, typer.Argument(metavar="RUN_ID", help="The run.", show_default=False)]


@app.command()
@with_tls
def submit(
    location: Annotated[str, typer.Argument(help="The location.", show_default=False)],
    job: Annotated[str | None, typer.Option("--job", help="A job.")] = None,
    select: Annotated[
        list[str] | None, typer.Option("--select", "-s", help="Nodes to materialize, comma separated; * is all.")
    ] = None,
    include_upstream: Annotated[
        bool, typer.Option("--include-upstream", help="With everything upstream of the selection.")
    ] = False,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE|JSON", help="The launch document (JSON or TOML).")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; repeatable.")] = None,
    partition_key: Annotated[str | None, typer.Option("--partition-key", help="The partition to cover.")] = None,
    wait: Annotated[bool, typer.Option("--wait", "--watch", help="Show the run until it is over.")] = False,
    request_id: Annotated[
        str | None, typer.Option("--request-id", help="Repeating it finds the run that it made.")
    ] = None,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Submit a run; prints its id."""
    nodes = _nodes(job, select)
    document, tags, key = document_of(config), tags_of(tag or []), _partition_key(partition_key)
    with connect(scheduler, token_file) as client:
        handle = client.runs.submit(
            location,
            job=job,
            select=nodes,
            include_upstream=include_upstream,
            config=document,
            tags=tags,
            partition_key=key,
            request_id=request_id,
        )
    if not wait:
        print_json(handle.run) if as_json else typer.echo(handle.run_id)
        return
    if not as_json:
        typer.echo(handle.run_id)
    _watch(handle.run_id, as_json, scheduler, token_file)


@app.command("list")
@with_tls
def list_runs(
    location: Annotated[str | None, typer.Option("--location", "-l", help="Only of this location.")] = None,
    job: Annotated[str | None, typer.Option("--job", help="Only of this job.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="Only in this state: queued, started, canceling, succeeded, failed, canceled."),
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """List runs, newest first."""
    states = [_state(name) for name in state or []]
    with connect(scheduler, token_file) as client:
        found = list(client.runs.list(location=location, job=job, states=states, limit=limit or None))
    if as_json:
        print_json(found)
        return
    table(
        ["RUN ID", "STATE", "LOCATION", "JOB", "STEPS", "SUBMITTED (UTC)", "TIME"],
        [(run.run_id, run.state, run.location, run.job, _steps(run), run.submitted_at, _took(run)) for run in found],
        empty="No runs.",
    )


@app.command()
@with_tls
def show(run_id: RunId, as_json: Json = False, scheduler: Scheduler = None, token_file: TokenFile = None) -> None:
    """Show a run and its steps."""
    with connect(scheduler, token_file) as client:
        run = client.runs.get(run_id).run
    if as_json:
        print_json(run)
        return
    facts: list[tuple[str, object]] = [
        ("Run", run.run_id),
        ("State", run.state.name.lower()),
        ("Location", run.location),
        ("Job", run.job or "-"),
        ("Steps", _steps(run)),
        ("Submitted", f"{moment(run.submitted_at)} UTC"),
        ("Time", _took(run)),
        ("Partition", run.partition_key),
        ("Tags", ", ".join(f"{key}={value}" for key, value in run.tags)),
        ("Waits for", run.block_reason),
        ("Failure", run.failure.message if run.failure is not None else None),
    ]
    for name, fact in facts:
        if fact not in (None, ""):
            typer.echo(f"{name + ':':<11}{fact}")
    typer.echo()
    table(
        ["STEP", "STATE", "TRY", "FAILURE"],
        [(step.key, step.state, step.attempt, step.failure.message if step.failure else None) for step in run.steps],
        empty="No steps.",
    )


@app.command()
@with_tls
def watch(run_id: RunId, as_json: Json = False, scheduler: Scheduler = None, token_file: TokenFile = None) -> None:
    """Show a run until it is over; exit code 1 when it does not succeed."""
    with connect(scheduler, token_file) as client:
        client.runs.get(run_id)
    _watch(run_id, as_json, scheduler, token_file)


@app.command()
@with_tls
def logs(
    run_id: RunId,
    step: Annotated[str | None, typer.Option("--step", help="Only this step.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Until the run is over.")] = False,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Print the captured output of a run's steps."""
    from rivers_client.commands._output import Output

    with connect(scheduler, token_file) as client:
        run = client.runs.get(run_id).run
    if step is not None and all(step != one.key for one in run.steps):
        raise InvalidRequestError(f"run {run_id!r} has no step {step!r}; `rivers runs show {run_id}` lists them")
    with (
        connect(scheduler, token_file, patience=PATIENT) as client,
        Output(named=step is None and len(run.steps) > 1, as_json=as_json) as output,
    ):
        for chunk in client.runs.get(run_id).logs(step=step, follow=follow):
            output.write(chunk)


@app.command()
@with_tls
def cancel(
    run_id: RunId,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")] = "",
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Ask a run to stop; running steps may still end."""
    from rivers.lifecycle.states import RunState

    with connect(scheduler, token_file) as client:
        run = client.runs.cancel(run_id, reason)
    if as_json:
        print_json(run)
    elif run.state == RunState.CANCELED:
        typer.echo(f"Run {run_id!r} canceled.")
    elif run.state == RunState.CANCELING:
        typer.echo(f"Run {run_id!r} is being canceled.")
    else:
        typer.echo(f"Error: run {run_id!r} was over already: {run.state.name.lower()}", err=True)
    if run.state not in (RunState.CANCELED, RunState.CANCELING):
        raise typer.Exit(1)


def _watch(run_id: str, as_json: bool, scheduler: str | None, token_file: Path | None) -> None:
    from rivers_client.commands._progress import conclusion, leaving, watch

    with leaving(run_id), connect(scheduler, token_file, patience=PATIENT) as client:
        run = watch(client.runs.get(run_id), as_json=as_json)
    if not as_json:
        typer.echo(conclusion(run), err=not run.succeeded)
    if not run.succeeded:
        raise typer.Exit(1)


def _nodes(job: str | None, select: list[str] | None) -> list[str] | None:
    if job is None and not select:
        raise InvalidRequestError(
            "nothing to run; name a job with --job or nodes with --select (--select '*' for everything)"
        )
    if select is None:
        return None
    nodes = [node.strip() for given in select for node in given.split(",") if node.strip()]
    if not nodes:
        raise InvalidRequestError("the selection names no node; --select takes names, comma separated, or '*'")
    return None if nodes == ["*"] else nodes


def document_of(given: str | None) -> dict[str, Any] | None:
    """A launch document: JSON, or a file of JSON or TOML."""
    if given is None:
        return None
    try:
        if given.lstrip().startswith("{"):
            document = json.loads(given)
        elif given.endswith(".toml"):
            import tomllib

            document = tomllib.loads(Path(given).read_text())
        else:
            document = json.loads(Path(given).read_text())
    except OSError as error:
        reason = error.strerror or error
        raise InvalidRequestError(f"config file {given!r} cannot be read: {reason}", field="config") from error
    except ValueError as error:
        raise InvalidRequestError(f"config {given!r:.80} is not valid: {error}", field="config") from error
    if not isinstance(document, dict):
        raise InvalidRequestError(f"config {given!r:.80} is no JSON object; write {{...}}", field="config")
    return document


def tags_of(given: list[str]) -> list[tuple[str, str]]:
    """Tags, each as KEY=VALUE."""
    tags = []
    for tag in given:
        key, separator, value = tag.partition("=")
        if not key or not separator:
            raise InvalidRequestError(f"tag {tag!r} is no KEY=VALUE", field="tag")
        tags.append((key, value))
    return tags


def _partition_key(given: str | None) -> PartitionKey | None:
    from rivers.partitions.key import PartitionKey

    if given is None:
        return None
    return PartitionKey.from_json(given) if given.startswith("{") else PartitionKey.single(given)


def _state(name: str) -> RunState:
    from rivers.lifecycle.states import RunState

    try:
        return RunState[name.upper()]
    except KeyError:
        known = ", ".join(state.name.lower() for state in RunState)
        raise InvalidRequestError(f"{name!r} is no state of a run; there are {known}", field="state") from None


def _steps(run: Run) -> str:
    return f"{run.completed_steps}/{run.total_steps}"


def _took(run: Run) -> str:
    if run.started_at is None:
        return "-"
    return span(((run.ended_at or datetime.now(UTC)) - run.started_at).total_seconds())
