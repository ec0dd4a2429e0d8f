"""`rivers scheduler`."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from rivers.clock import SystemClock
from rivers.credentials.caller import Caller
from rivers.credentials.loopback import refuse_exposed
from rivers.credentials.secret import read_token
from rivers.credentials.tls import Tls
from rivers.credentials.token_file import TokenFile
from rivers.database_url import DATABASE_VARIABLE, choose
from rivers.log_options import LogOptions
from rivers.server_options import (
    Host,
    Insecure,
    LogFormat,
    LogLevel,
    MetricsHost,
    MetricsPort,
    TlsCert,
    TlsClientCa,
    TlsKey,
)
from rivers_server.limits import Limits
from rivers_server.settings import CoreSettings, SchedulerSettings


def scheduler(
    context: typer.Context,
    host: Host = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to serve on; 0 takes a free one.", min=0, max=65535)] = 3010,
    storage_path: Annotated[Path, typer.Option(help="Directory of the embedded database.")] = Path(".rivers/scheduler"),
    database_url: Annotated[
        str | None, typer.Option(envvar=DATABASE_VARIABLE, help="Database; beats --storage-path.")
    ] = None,
    database_url_file: Annotated[
        Path | None, typer.Option(help="A file with the URL of the database, for one with a password.")
    ] = None,
    max_concurrent_runs: Annotated[
        int, typer.Option(help="Runs in flight over all locations; negative: no bound, 0: a brake.")
    ] = 10,
    beat_interval: Annotated[float, typer.Option(help="Seconds between a location's signs of life.", min=0.05)] = 2.0,
    tokens_file: Annotated[
        Path | None, typer.Option(help="Accepted tokens; by default tokens.json in --storage-path.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token to show to locations (or RIVERS_TOKEN).")
    ] = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    tls_ca: Annotated[Path | None, typer.Option(help="Authority of locations; by default --tls-client-ca.")] = None,
    insecure: Insecure = False,
    limit: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER, see docs/limits.md; can be repeated.")] = None,
    log_level: LogLevel = "warning",
    log_format: LogFormat = "console",
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Run the scheduler server: queue, runs and their history."""
    # The C core writes its own lines to stderr, beside ours that say the same better.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    from rivers_server.app import serve

    database_url = choose(context, database_url, database_url_file)
    options = LogOptions.parse(log_level, log_format)
    from rivers_server.logs import configure

    configure(options)
    settings = SchedulerSettings(
        host=host,
        port=port,
        storage_path=storage_path,
        database_url=database_url,
        beat_interval=timedelta(seconds=beat_interval),
        insecure=insecure,
        limits=Limits.parse(limit or ()),
        tokens_file=tokens_file,
        caller=Caller(read_token(token_file), Tls.load(cert=tls_cert, key=tls_key, ca=tls_ca, client_ca=tls_client_ca)),
        metrics_host=metrics_host,
        metrics_port=metrics_port,
        core=CoreSettings(max_concurrent_runs=max_concurrent_runs),
    )
    if not insecure:
        # A scheduler that others can reach and nobody may use would only be found out by its users.
        has_tokens = any(
            token.state(SystemClock().wall()) == "valid" for token in TokenFile(settings.tokens_path).all()
        )
        refuse_exposed(
            host, settings.caller.tls, has_tokens=has_tokens, tokens_remedy="a token of `rivers tokens create`"
        )
    asyncio.run(serve(settings, lambda what, address: typer.echo(f"{what} on {address}")))
