"""`rivers serve`."""

from __future__ import annotations

import math
import os
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Annotated

import typer

from rivers.credentials.caller import Caller
from rivers.credentials.loopback import refuse_exposed
from rivers.credentials.secret import read_token
from rivers.credentials.tls import Tls
from rivers.errors import ConfigurationError, LoadError
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


def serve(
    module: Annotated[str, typer.Argument(help="Module that defines the repository, for example examples.weather.")],
    scheduler: Annotated[
        str, typer.Option(envvar="RIVERS_SCHEDULER", help="Scheduler to announce this location to, HOST:PORT.")
    ] = "",
    host: Host = "127.0.0.1",
    grpc_port: Annotated[int, typer.Option(help="Port to serve on; 0 takes a free one.", min=0, max=65535)] = 3001,
    repo_var: Annotated[str, typer.Option(help="Variable that holds the CodeRepository.")] = "repo",
    name: Annotated[str, typer.Option(help="Name of the location; by default the last part of the module's.")] = "",
    data_dir: Annotated[
        Path | None, typer.Option(help="Where values and results are kept; by default .rivers/locations/NAME.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Steps that run at a time; by default the CPUs of this process.", min=1)
    ] = None,
    step_lease: Annotated[
        str, typer.Option(help="How long a step outlives a silent scheduler: seconds, 15m, 1h, or never.")
    ] = "",
    advertise: Annotated[str, typer.Option(help="Host name that the scheduler dials, when not --host.")] = "",
    durable_spool: Annotated[bool, typer.Option(help="Results survive a loss of power too (fsync).")] = False,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the token to show to the scheduler (or RIVERS_TOKEN).")
    ] = None,
    scheduler_token_file: Annotated[
        Path | None, typer.Option(help="How the scheduler is known: the file that `rivers tokens accept` has printed.")
    ] = None,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    tls_client_ca: TlsClientCa = None,
    tls_ca: Annotated[Path | None, typer.Option(help="Authority of the scheduler; by default --tls-client-ca.")] = None,
    insecure: Insecure = False,
    limit: Annotated[list[str] | None, typer.Option(help="NAME=NUMBER, see docs/limits.md; can be repeated.")] = None,
    log_level: LogLevel = "warning",
    log_format: LogFormat = "console",
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = "127.0.0.1",
) -> None:
    """Serve a module as a code location."""
    # The C core writes its own lines to stderr, beside ours that say the same better.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    options = LogOptions.parse(log_level, log_format)
    _check_module(module)
    if scheduler_token_file is not None and not scheduler_token_file.exists():
        raise ConfigurationError(
            f"there is no file '{scheduler_token_file}'; `rivers tokens accept NAME` prints it, beside the scheduler",
            field="scheduler_token_file",
        )
    caller = Caller(read_token(token_file), Tls.load(cert=tls_cert, key=tls_key, ca=tls_ca, client_ca=tls_client_ca))
    if not insecure:
        remedy = "--scheduler-token-file"
        refuse_exposed(host, caller.tls, has_tokens=scheduler_token_file is not None, tokens_remedy=remedy)
    from codeloc.limits import Limits
    from rivers.limit_options import parse

    limits = parse(Limits, limit or ())
    from codeloc.app import serve as serve_location
    from codeloc.console import configure
    from codeloc.segments import encode_segment
    from codeloc.settings import Settings

    name = name or module.rpartition(".")[2]
    configure(options, location=name)
    settings = Settings(
        module=module,
        variable=repo_var,
        name=name,
        data_directory=data_dir or Path(".rivers", "locations", encode_segment(name)),
        workers=workers or len(os.sched_getaffinity(0)),
        scheduler=scheduler,
        caller=caller,
        scheduler_token_file=scheduler_token_file,
        is_insecure=insecure,
        host=host,
        port=grpc_port,
        advertised_host=advertise,
        is_spool_durable=durable_spool,
        step_lease=_seconds(step_lease) if step_lease else None,
        limits=limits,
        metrics_host=metrics_host,
        metrics_port=metrics_port,
    )
    serve_location(settings, lambda what, address: typer.echo(f"{what} on {address}"))


def _check_module(module: str) -> None:
    """A wrong name is said before anything is started or written. Nothing is imported for that."""
    path = ["", *_search_path()]
    for part in module.split("."):
        found = PathFinder.find_spec(part, path) if part else None
        if found is None:
            raise LoadError(f"module '{module}' not found", module=module)
        path = list(found.submodule_search_locations or ())


def _search_path() -> list[str]:
    import sys

    return [os.getcwd(), *sys.path]


def _seconds(text: str) -> float:
    """A duration: a number of seconds, or one with the unit s, m or h."""
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], units[text[-1]]) if text[-1:] in units else (text, 1)
    from codeloc.lease import ENDLESS
    from rivers.wire.beat import SHORTEST_LEASE

    try:
        seconds = ENDLESS if text == "never" else float(number) * unit
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= ENDLESS:
        raise ConfigurationError(
            f"--step-lease {text!r} is no duration: give seconds, 15m, 1h or never", field="step_lease"
        )
    if seconds < SHORTEST_LEASE:
        raise ConfigurationError(
            f"--step-lease {text!r} is too short to be renewed in time; give at least {SHORTEST_LEASE} s",
            field="step_lease",
        )
    return seconds
