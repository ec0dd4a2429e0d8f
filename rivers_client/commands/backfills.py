"""`rivers backfills`: submit, list, show, partitions, watch, cancel, pause, resume, rerun."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rivers.cli.printing import moment, print_json, span, table
from rivers.errors import InvalidRequestError
from rivers_client.commands._connection import PATIENT, Json, Limit, Scheduler, TokenFile, connect
from rivers_client.commands._tls import with_tls
from rivers_client.commands.runs import document_of, tags_of

if TYPE_CHECKING:
    from rivers.lifecycle.backfill.states import BackfillStatus, UnitState
    from rivers_client import Backfill, BackfillForecast

app = typer.Typer(
    help="Submit, list, watch, pause and cancel backfills.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

BackfillId = Annotated[str, typer.Argument(metavar="BACKFILL_ID", help="The backfill.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why, for the record.")]
Wait = Annotated[bool, typer.Option("--wait", "--watch", help="Show the backfill until it is over.")]


@app.command()
@with_tls
def submit(
    location: Annotated[
        str | None,
        typer.Argument(help="The location, or the module that it serves [default: the only one].", show_default=False),
    ] = None,
    assets: Annotated[
        str | None, typer.Option("--assets", "-a", help="Assets, comma separated [default: all partitioned ones].")
    ] = None,
    partitions: Annotated[str | None, typer.Option("--partitions", "-p", help="Keys, comma separated.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first key of a range.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="The last key of the range.")] = None,
    ranges: Annotated[
        list[str] | None, typer.Option("--range", metavar="DIM=A..B|DIM=K1,K2", help="Of a dimension; repeatable.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every partition that there is now.")] = False,
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="multi_run, single_run, or DIM=multi_run,DIM=single_run.")
    ] = None,
    concurrency: Annotated[int, typer.Option("--concurrency", "-c", min=1, help="Runs at a time.")] = 4,
    on_failure: Annotated[str, typer.Option("--on-failure", help="continue or stop_on_failure.")] = "continue",
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE|JSON", help="The launch document (JSON or TOML).")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="KEY=VALUE", help="A tag; repeatable.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would do; store nothing.")] = False,
    wait: Wait = False,
    request_id: Annotated[
        str | None, typer.Option("--request-id", help="Repeating it finds the backfill that it made.")
    ] = None,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Submit a backfill; prints its id."""
    from rivers.cli import backfill_options as options
    from rivers_client import BackfillRequest
    from rivers_client._backfill_request import new_id
    from rivers_client.commands._location import located

    wanted = options.partitions(partitions, first, last, ranges or (), everything=everything)
    grouping, selection = options.strategy(strategy), options.names(assets)
    tags, document = tags_of(tag or []), document_of(config)
    with connect(scheduler, token_file) as client:
        request = BackfillRequest(
            located(client, location),
            selection,
            partition_keys=wanted.keys,
            partition_range=wanted.range,
            all_partitions=wanted.all,
            strategy=grouping,
            failure_policy=on_failure,
            max_concurrency=concurrency,
            tags=tags,
            config=document,
            request_id=request_id or new_id(),
        )
        if dry_run:
            forecast = client.backfills.forecast(request)
            print_json(forecast) if as_json else _show_forecast(forecast)
            return
        handle = client.backfills.submit(request)
    if not wait:
        print_json(handle.backfill) if as_json else typer.echo(handle.backfill_id)
        return
    if not as_json:
        typer.echo(handle.backfill_id)
    _watch(handle.backfill_id, as_json, scheduler, token_file)


@app.command("list")
@with_tls
def list_backfills(
    location: Annotated[str | None, typer.Option("--location", "-l", help="Only of this location.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", help="Only in this state: queued, running, paused, completed, failed, canceled."),
    ] = None,
    limit: Limit = 20,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """List backfills, newest first."""
    states = [_status(name) for name in state or []]
    with connect(scheduler, token_file) as client:
        found = list(client.backfills.list(location=location, states=states, limit=limit or None))
    if as_json:
        print_json(found)
        return
    table(
        ["BACKFILL ID", "STATE", "LOCATION", "ASSETS", "DONE", "FAILED", "CREATED (UTC)", "TIME"],
        [
            (
                one.backfill_id,
                one.status,
                one.location,
                ", ".join(one.nodes),
                f"{one.completed}/{one.total}",
                one.failed,
                one.created_at,
                _took(one),
            )
            for one in found
        ],
        empty="No backfills.",
    )


@app.command()
@with_tls
def show(
    backfill_id: BackfillId, as_json: Json = False, scheduler: Scheduler = None, token_file: TokenFile = None
) -> None:
    """Show a backfill."""
    with connect(scheduler, token_file) as client:
        one = client.backfills.get(backfill_id).backfill
    if as_json:
        print_json(one)
        return
    facts: list[tuple[str, object]] = [
        ("Backfill", one.backfill_id),
        ("State", one.status.name.lower()),
        ("Reason", one.reason),
        ("Location", one.location),
        ("Assets", ", ".join(one.nodes)),
        ("Partitions", f"{one.completed}/{one.total} completed, {one.failed} failed, {one.canceled} canceled"),
        ("Runs", f"{one.created_runs}/{one.total_runs}, {one.max_concurrency} at a time"),
        ("Policy", one.failure_policy.name.lower()),
        ("Created", f"{moment(one.created_at)} UTC"),
        ("Time", _took(one)),
        ("Rerun of", one.rerun_of),
        ("Tags", ", ".join(f"{key}={value}" for key, value in one.tags)),
        ("Error", one.error),
    ]
    for name, fact in facts:
        if fact not in (None, ""):
            typer.echo(f"{name + ':':<12}{fact}")


@app.command()
@with_tls
def partitions(
    backfill_id: BackfillId,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state", help="Only in this state: undrawn, blocked, ready, drawn, completed, failed, canceled."
        ),
    ] = None,
    limit: Limit = 100,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """List a backfill's partitions, run by run."""
    states = [_unit_state(name) for name in state or []]
    with connect(scheduler, token_file) as client:
        found = list(client.backfills.get(backfill_id).partitions(states=states, limit=limit or None))
    if as_json:
        print_json(found)
        return
    table(
        ["PARTITION", "STATE", "FAILED", "RUN ID", "REASON"],
        [
            (one.partition_key, one.state, one.failed, one.run_id, one.reason.name.lower() if one.reason else None)
            for one in found
        ],
        empty="No partitions.",
    )


@app.command()
@with_tls
def watch(
    backfill_id: BackfillId, as_json: Json = False, scheduler: Scheduler = None, token_file: TokenFile = None
) -> None:
    """Show a backfill until it is over; exit code 1 when a partition is not done."""
    with connect(scheduler, token_file) as client:
        client.backfills.get(backfill_id)
    _watch(backfill_id, as_json, scheduler, token_file)


@app.command()
@with_tls
def cancel(
    backfill_id: BackfillId,
    reason: Reason = "",
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Ask a backfill to stop; running steps may still end."""
    from rivers.lifecycle.backfill.states import BackfillStatus

    with connect(scheduler, token_file) as client:
        one = client.backfills.get(backfill_id).cancel(reason)
    is_canceled = one.status in (BackfillStatus.CANCELING, BackfillStatus.CANCELED)
    words = "canceled" if one.status == BackfillStatus.CANCELED else "being canceled"
    _report(one, as_json, is_canceled, words)


@app.command()
@with_tls
def pause(
    backfill_id: BackfillId,
    reason: Reason = "",
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Draw nothing more for now; runs that have started finish."""
    from rivers.lifecycle.backfill.states import BackfillStatus

    with connect(scheduler, token_file) as client:
        one = client.backfills.get(backfill_id).pause(reason)
    _report(one, as_json, one.status == BackfillStatus.PAUSED, "paused")


@app.command()
@with_tls
def resume(
    backfill_id: BackfillId, as_json: Json = False, scheduler: Scheduler = None, token_file: TokenFile = None
) -> None:
    """Go on with a paused backfill."""
    with connect(scheduler, token_file) as client:
        one = client.backfills.get(backfill_id).resume()
    _report(one, as_json, not one.is_over, one.status.name.lower())


@app.command()
@with_tls
def rerun(
    backfill_id: BackfillId,
    scope: Annotated[
        str, typer.Option("--only", help="unsuccessful (failed and canceled), failed, canceled, missing, all.")
    ] = "unsuccessful",
    wait: Wait = False,
    as_json: Json = False,
    scheduler: Scheduler = None,
    token_file: TokenFile = None,
) -> None:
    """Run partitions of a backfill again, as a new one; prints its id."""
    with connect(scheduler, token_file) as client:
        handle = client.backfills.get(backfill_id).rerun(scope)
    if not wait:
        print_json(handle.backfill) if as_json else typer.echo(handle.backfill_id)
        return
    if not as_json:
        typer.echo(handle.backfill_id)
    _watch(handle.backfill_id, as_json, scheduler, token_file)


def _watch(backfill_id: str, as_json: bool, scheduler: str | None, token_file: Path | None) -> None:
    from rivers_client.commands._backfill_progress import conclusion, leaving, watch

    with leaving(backfill_id), connect(scheduler, token_file, patience=PATIENT) as client:
        one = watch(client.backfills.get(backfill_id), as_json=as_json)
    if not as_json:
        typer.echo(conclusion(one), err=not one.succeeded)
    if not one.succeeded:
        raise typer.Exit(1)


def _report(one: Backfill, as_json: bool, is_done: bool, words: str) -> None:
    if as_json:
        print_json(one)
    elif is_done:
        typer.echo(f"Backfill {one.backfill_id!r} is {words}.")
    else:
        typer.echo(f"Error: backfill {one.backfill_id!r} was over already: {one.status.name.lower()}", err=True)
    if not is_done:
        raise typer.Exit(1)


def _show_forecast(forecast: BackfillForecast) -> None:
    typer.echo(f"Dry run: {forecast.partitions} partitions, {forecast.runs} runs")
    table(
        ["ASSETS", "PARTITIONS", "RUNS", "FIRST", "LAST"],
        [
            (", ".join(one.nodes), one.partitions, one.runs, *_ends(one.first_keys, one.last_key))
            for one in forecast.segments
        ],
        empty="",
    )
    if forecast.pools:
        typer.echo()
        table(
            ["POOL", "SLOTS A RUN", "AT MOST", "LIMIT"],
            [(pool.pool, pool.slots_a_run, pool.peak_slots, pool.limit) for pool in forecast.pools],
            empty="",
        )


def _ends(first: tuple[object, ...], last: object) -> tuple[object, object]:
    return (first[0], last or first[-1]) if first else (None, None)


def _status(name: str) -> BackfillStatus:
    from rivers.lifecycle.backfill.states import BackfillStatus

    try:
        return BackfillStatus[name.upper()]
    except KeyError:
        known = ", ".join(one.name.lower() for one in BackfillStatus)
        raise InvalidRequestError(f"{name!r} is no state of a backfill; there are {known}", field="state") from None


def _unit_state(name: str) -> UnitState:
    from rivers.lifecycle.backfill.states import UnitState

    try:
        return UnitState[name.upper()]
    except KeyError:
        known = ", ".join(one.name.lower() for one in UnitState)
        raise InvalidRequestError(f"{name!r} is no state of a partition; there are {known}", field="state") from None


def _took(one: Backfill) -> str:
    if one.started_at is None:
        return "-"
    return span(((one.ended_at or datetime.now(UTC)) - one.started_at).total_seconds())
