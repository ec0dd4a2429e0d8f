"""`rivers backfills` against a scheduler."""

from __future__ import annotations

import json

import pytest
from click.testing import Result
from typer.testing import CliRunner

from rivers.errors import RiversError
from rivers_client.commands.backfills import app
from tests.stack import Stack


def run(stack: Stack, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--scheduler", stack.client.address])


def test_a_backfill_from_submit_to_rerun(stack: Stack) -> None:
    dry = run(stack, "submit", "team", "-a", "daily", "--from", "2024-01-01", "--to", "2024-01-10", "--dry-run")
    assert dry.output.startswith("Dry run: 10 partitions, 10 runs\n")
    assert "2024-01-10" in dry.output

    done = run(
        stack, "submit", "team", "-a", "daily", "--from", "2024-01-01", "--to", "2024-01-10", "-c", "8", "--wait"
    )
    assert done.exit_code == 0, done.output
    backfill_id, *lines = done.output.splitlines()
    assert lines[-1] == f"Backfill {backfill_id}: completed — 10 completed, 0 failed, 0 canceled"
    assert lines[-2].endswith("completed 10/10 partitions")

    listed = json.loads(run(stack, "list", "--json", "--state", "completed").output)
    assert backfill_id in [one["backfill_id"] for one in listed]
    assert backfill_id in run(stack, "list").output
    shown = run(stack, "show", backfill_id).output
    assert "Partitions: 10/10 completed, 0 failed, 0 canceled" in shown
    partitions = run(stack, "partitions", backfill_id).output.splitlines()
    assert len(partitions) == 11
    assert partitions[1].split()[:2] == ["2024-01-01", "completed"]
    watched = run(stack, "watch", backfill_id)
    assert (watched.exit_code, watched.output.splitlines()[-1]) == (0, lines[-1])

    again = run(stack, "rerun", backfill_id, "--only", "all", "--wait")
    assert again.exit_code == 0
    over = run(stack, "cancel", backfill_id)
    assert over.exit_code == 1
    assert "was over already: completed" in over.output


def test_pause_resume_cancel(stack: Stack) -> None:
    backfill_id = run(stack, "submit", "team", "-a", "daily", "--all", "-c", "1").output.strip()
    assert run(stack, "pause", backfill_id, "--reason", "lunch").output == f"Backfill '{backfill_id}' is paused.\n"
    assert "Reason:     lunch" in run(stack, "show", backfill_id).output
    assert run(stack, "resume", backfill_id).exit_code == 0
    assert run(stack, "cancel", backfill_id).exit_code == 0
    watched = run(stack, "watch", backfill_id)
    assert watched.exit_code == 1
    assert f"Backfill {backfill_id}: canceled" in watched.output


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["submit", "team"], "provide --partitions, --from/--to, or --range"),
        (["submit", "team", "-a", "daily", "-p", "x"], "Invalid partition_key 'x' for asset 'daily'"),
        (["submit", "team", "-a", "daily", "--all", "--on-failure", "stop"], "unknown failure_policy 'stop'"),
        (["show", "nothing"], "'nothing' not found"),
        (["list", "--state", "gone"], "'gone' is no state of a backfill"),
    ],
)
def test_bad_input_is_an_error_of_ours(stack: Stack, arguments: list[str], text: str) -> None:
    failed = run(stack, *arguments)
    assert isinstance(failed.exception, RiversError)
    assert text in str(failed.exception)
