"""Runs `rivers` to its end."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.stack import RIVERS


def rivers(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs the command; variables are added to the environment."""
    return subprocess.run(
        [RIVERS, *arguments],
        cwd=directory,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def create(directory: Path, role: str, *options: str, store: str = "scheduler") -> str:
    """Makes a token for the scheduler with this directory."""
    made = rivers(directory, "tokens", "create", "--role", role, "--storage-path", store, *options)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def accept(directory: Path, location: str, scheduler_token: str, *options: str) -> Path:
    """Writes the file with which a location knows the scheduler that has this token."""
    made = rivers(directory, "tokens", "accept", location, *options, RIVERS_TOKEN=scheduler_token)
    assert made.returncode == 0, made.stderr
    assert scheduler_token not in made.stdout
    path = directory / f"{location}.accepted.json"
    path.touch(0o600)
    path.write_text(made.stdout)
    return path


def refused(outcome: subprocess.CompletedProcess[str]) -> str:
    """The one line that says why."""
    assert outcome.returncode == 2, outcome
    lines = outcome.stderr.strip().splitlines()
    assert len(lines) == 1, outcome.stderr
    return lines[0]
