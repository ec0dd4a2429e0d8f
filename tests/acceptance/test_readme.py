"""The README does what it says: its programs and its commands are taken from it and run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.grpc_tools import TOOLS, Grpcurl, tool
from tests.acceptance.teams import ROOT, Teams

README = (ROOT / "README.md").read_text()
PROGRAMS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [
    line.removeprefix("$ ").partition("  #")[0].strip()
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
]
SERVERS = ("rivers scheduler", "rivers serve")


def test_it_comes_in_the_order_in_which_a_newcomer_needs_it() -> None:
    order = ["make demo", "make test", "repo.materialize()", "rivers scheduler", "rivers serve", "rivers runs submit"]
    places = [README.index(text) for text in [*order, "from rivers_client import Client", "grpcurl -plaintext"]]
    assert places == sorted(places)


def test_the_program_in_one_process_runs_as_it_stands(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAMS[0])
    done = subprocess.run([sys.executable, str(program)], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "['orders', 'revenue'] 245"
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"], "nothing is written to disk"


def test_the_client_program_runs_as_it_stands(teams: Teams) -> None:
    program = PROGRAMS[1].replace("127.0.0.1:3010", teams.scheduler)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "RUN_SUCCEEDED" in done.stdout
    assert "climate_report # Seattle, 2012-01 to 2015-12" in done.stdout
    assert done.stdout.splitlines()[-1] == "SUCCEEDED"


@pytest.mark.parametrize(
    "command", [one for one in COMMANDS if one.startswith("rivers ") and not one.startswith(SERVERS)]
)
def test_a_command_works(teams: Teams, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "rivers.cli", *_arguments(command, teams)[1:]],
        env={**os.environ, "RIVERS_SCHEDULER": teams.scheduler},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.grpc_tools
@pytest.mark.parametrize("command", [one for one in COMMANDS if one.startswith("grpcurl ")])
def test_a_grpcurl_line_works(teams: Teams, command: str) -> None:
    tool(Grpcurl)
    done = subprocess.run(
        _arguments(command, teams),
        env={**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_the_servers_are_started_with_options_that_exist(teams: Teams) -> None:
    for command in COMMANDS:
        if command.startswith(SERVERS):
            options = re.findall(r"--[a-z-]+", command)
            name = command.split()[1]
            done = subprocess.run(
                [sys.executable, "-m", "rivers.cli", name, "--help"], capture_output=True, text=True, timeout=30
            )
            assert done.returncode == 0
            assert all(option in done.stdout for option in options), (options, done.stdout)


def _arguments(command: str, teams: Teams) -> list[str]:
    """The command with the ports of the running servers and the id of a run that there is."""
    if "RUN_ID" in command:
        run = teams.stack.client.runs.submit("markets", job="risk", request_id="of-the-readme")
        run.wait(60)
        command = command.replace("RUN_ID", run.run_id)
    return shlex.split(command.replace("127.0.0.1:3010", teams.scheduler).replace("127.0.0.1:3011", teams.weather))
