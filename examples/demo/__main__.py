"""Starts a scheduler and three locations, runs two jobs, a selection and a backfill, shows what came out and stops.

Everything that is kept goes below `.demo`, or the directory named as argument. KEEP=1 leaves the servers running.
"""

import os
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.table import Column, Table

from examples.demo.backfill import backfill
from examples.demo.progress import follow
from examples.demo.servers import Servers
from rivers.exceptions import RiversError
from rivers_client import Client, EventType, LocationState, LogStream, RunEvent

ROOT = Path(__file__).resolve().parent.parent.parent
MODULES = {"weather": "examples.weather", "markets": "examples.markets", "seasons": "examples.seasons"}
GRPCURL = ROOT / ".tools" / "bin" / "grpcurl"


def main() -> int:
    """The whole demonstration; 1 when a run failed or a server did not end cleanly."""
    directory = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".demo").resolve()
    os.chdir(ROOT)
    console = Console() if sys.stdout.isatty() else Console(width=500)
    keep = os.environ.get("KEEP", "") not in ("", "0")
    servers = Servers(directory)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends like Ctrl-C: servers first
    finished, cleanly = False, True
    try:
        console.print("Starting a scheduler and three code locations ...", highlight=False)
        servers.start(MODULES)
        with Client(servers.addresses["scheduler"]) as client:
            finished = tour(client, servers, console)
    except KeyboardInterrupt:
        console.print("interrupted")
    except (RuntimeError, RiversError) as error:
        console.print(str(error), style="red", highlight=False, markup=False)
    finally:
        if not (keep and finished):
            cleanly = servers.stop()
    if keep and finished:
        console.print("\nEverything is still running. To stop it:", highlight=False)
        console.print(f"  kill {' '.join(map(str, servers.pids))}", highlight=False)
    elif finished and cleanly:
        console.print("\nEverything is stopped. `make demo KEEP=1` leaves it running.", highlight=False)
    return 0 if finished and cleanly else 1


def tour(client: Client, servers: Servers, console: Console) -> bool:
    """What a visitor is shown; says whether every run succeeded."""
    await_ready(client)
    for location in client.locations.list():
        counts = f"{location.asset_count} assets, {location.job_count} jobs"
        console.print(f"  {location.name:10} {location.address:18} {counts}", highlight=False)

    console.print("\nA job in two locations, and one selection with everything upstream of it:", highlight=False)
    runs = {
        "weather / climate": client.runs.submit("weather", job="climate"),
        "markets / report": client.runs.submit("markets", job="report"),
        "weather / spells": client.runs.submit("weather", select=["spells"], include_upstream=True),
    }
    show_calls(servers, runs["markets / report"].run_id, console)
    events = follow(runs, console)

    for label, asset in (("weather / climate", "climate_report"), ("markets / report", "market_report")):
        show_report(events[label], asset, console)
    console.print("\nWhat the ad-hoc run logged:", highlight=False)
    for chunk in runs["weather / spells"].logs(follow=False):
        if chunk.stream in (LogStream.STDOUT, LogStream.LOGGING) and chunk.text.strip():
            console.print(f"  {chunk.step_key:16} {chunk.text.rstrip()}", highlight=False, markup=False)
    is_filled = backfill(client, servers.directory / "seasons-files", console)
    show_files([event for told in events.values() for event in told], servers, console)
    return is_filled and all(run.refresh().succeeded for run in runs.values())


def await_ready(client: Client) -> None:
    """Until every location can run steps."""
    deadline = time.monotonic() + 60
    while True:
        locations = list(client.locations.list())
        if wrong := [one for one in locations if one.state in (LocationState.LOAD_FAILED, LocationState.REFUSED)]:
            raise RuntimeError("; ".join(f"{one.name}: {one.message}" for one in wrong))
        if sum(one.state == LocationState.READY for one in locations) == len(MODULES):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"not ready: {[(one.name, one.state.name, one.message) for one in locations]}")
        time.sleep(0.05)


def show_calls(servers: Servers, run_id: str, console: Console) -> None:
    """What to try with grpcurl while the servers are up."""
    grpcurl = str(GRPCURL.relative_to(ROOT)) if GRPCURL.exists() else "grpcurl"
    scheduler, weather = servers.addresses["scheduler"], servers.addresses["weather"]
    console.print("While it is up, with any gRPC client:", highlight=False)
    call = f"""{grpcurl} -plaintext -d '{{"run_id": "{run_id}"}}' {scheduler} rivers.v1.RunService/GetRun"""
    for line in (call, f"{grpcurl} -plaintext {weather} list"):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    console.print()


def show_report(events: list[RunEvent], asset: str, console: Console) -> None:
    """The report that an asset put into its metadata."""
    for event in events:
        if event.type == EventType.MATERIALIZED and event.node == asset:
            report = next(str(value) for name, _, value in event.metadata if name == "report")
            console.print()
            console.print(Markdown(report) if console.is_terminal else report, highlight=False, markup=False)


def show_files(events: list[RunEvent], servers: Servers, console: Console) -> None:
    """What each materialization counted, and where its value is."""
    table = Table("asset", "counts", Column("value", overflow="fold"), box=None, pad_edge=False)
    for event in events:
        if event.type == EventType.MATERIALIZED:
            entries = {name: value for name, _, value in event.metadata}
            path = Path(str(entries.pop("path")))
            for place in ("size_bytes", "offset"):
                entries.pop(place, None)
            counts = ", ".join(f"{value} {name}" for name, value in entries.items() if type(value) is int)
            table.add_row(event.node, counts, str(path.relative_to(servers.directory)))
    console.print(f"\nWhere the results are, below {nearby(servers.directory)}:", highlight=False)
    console.print(table)
    console.print("History and queue are below scheduler, what the servers said is in *.log.", highlight=False)


def nearby(path: Path) -> str:
    """A path as one types it in the checkout."""
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    sys.exit(main())
