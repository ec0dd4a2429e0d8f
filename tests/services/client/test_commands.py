"""`rivers runs`, `locations`, `assets` and `jobs`: texts, exit codes, JSON."""

import json
import os
import pty
import re
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rivers.cli import app
from rivers.errors import UnavailableError
from rivers.lifecycle.states import EventType
from rivers.wire.identity import decode_partition_key
from rivers.wire.values import decode_map, decode_tags
from rivers_client import PartitionKey
from tests.services.client.standin import BOOM

RIVERS = [sys.executable, "-c", "from rivers.cli import main; main()"]


@pytest.fixture
def rivers(scheduler, monkeypatch):
    """Runs a command line in this process."""
    monkeypatch.setenv("RIVERS_SCHEDULER", scheduler.address)
    runner = CliRunner()
    return lambda *arguments: runner.invoke(app, list(arguments))


def submitted(scheduler, end=None):
    scheduler.auto = None
    run_id = f"run-{len(scheduler.runs) + 1}"
    CliRunner().invoke(app, ["runs", "submit", "weather", "--job", "daily", "--scheduler", scheduler.address])
    if end is not None:
        scheduler.finish(run_id, end)
    return run_id


# -- submit ---------------------------------------------------------------------------------------------------------


def test_submit_prints_the_id(rivers, scheduler):
    done = rivers(
        *("runs", "submit", "weather", "--job", "daily", "--tag", "team=sky", "--tag", "a=b=c"),
        *("--config", '{"ops": {"n": 3}}', "--partition-key", '{"multi":{"d":["1"]}}', "--request-id", "mine"),
    )
    assert (done.exit_code, done.stdout, done.stderr) == (0, "run-1\n", "")
    sent = scheduler.requests[0]
    assert (sent.job, sent.request_id) == ("daily", "mine")
    assert decode_tags(sent.tags) == (("team", "sky"), ("a", "b=c"))
    assert decode_map(sent.config) == {"ops": {"n": 3}}
    assert decode_partition_key(sent.partition_key) == PartitionKey.multi({"d": "1"})


def test_submit_takes_a_selection(rivers, scheduler):
    done = rivers("runs", "submit", "weather", "-s", "a, b", "-s", "c", "--include-upstream")
    assert done.exit_code == 0
    assert list(scheduler.requests[0].selection.nodes) == ["a", "b", "c"]
    assert scheduler.requests[0].selection.include_upstream
    rivers("runs", "submit", "weather", "--select", "*")
    assert scheduler.requests[1].HasField("selection")
    assert not scheduler.requests[1].selection.nodes


@pytest.mark.parametrize(("name", "text"), [("c.json", '{"n": 3}'), ("c.toml", "n = 3")])
def test_submit_reads_a_config_file(rivers, scheduler, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    assert rivers("runs", "submit", "weather", "--job", "daily", "--config", str(tmp_path / name)).exit_code == 0
    assert decode_map(scheduler.requests[0].config) == {"n": 3}


def test_submit_prints_json(rivers):
    run = json.loads(rivers("runs", "submit", "weather", "--job", "daily", "--json").stdout)
    assert (run["run_id"], run["state"], run["submitted_at"]) == ("run-1", "queued", "2025-11-20T08:56:40+00:00")


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["weather"], 2, "nothing to run; name a job with --job or nodes with --select"),
        (["weather", "--select", ","], 2, "the selection names no node"),
        (["weather", "--job", "daily", "--select", "a"], 2, "job 'daily' says what is run; leave out the selection"),
        (["weather", "--job", "daily", "--tag", "x"], 2, "tag 'x' is no KEY=VALUE"),
        (["weather", "--job", "daily", "--config", "{"], 2, "config '{' is not valid"),
        (["weather", "--job", "daily", "--config", "no.json"], 2, "config file 'no.json' cannot be read: No such file"),
        (["weather", "--job", "daily", "--token-file", "no"], 2, "token file 'no' cannot be read"),
        (["weather", "--job", "daily", "--partition-key", "{"], 2, "invalid partition key JSON"),
        (["weather", "--job", "daily", "--scheduler", "here"], 2, "'here' is no address of a scheduler"),
        (["weather", "--job", "nightly"], 1, "Job 'nightly' not found; `rivers jobs list` shows what there is."),
        (["sports", "--job", "daily"], 1, "Location 'sports' not found; `rivers locations list` shows what there is."),
        (["away", "--job", "daily"], 2, "Location 'away' is not connected"),
        (["weather", "--job", "daily", "--config", '{"bad": 1}'], 2, "no asset 'bad'; name one of temperatures"),
    ],
)
def test_a_refused_submission_is_one_line(rivers, scheduler, arguments, code, sentence):
    done = rivers("runs", "submit", *arguments)
    assert done.exit_code == code
    assert done.stderr.startswith("Error: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not scheduler.runs


@pytest.mark.parametrize(
    ("end", "code", "last"),
    [
        (EventType.RUN_SUCCEEDED, 0, "Run run-1 succeeded after 2.0 s\n"),
        (EventType.RUN_FAILED, 1, "Run run-1 failed after 2.0 s: ValueError: boom\n"),
        (EventType.RUN_CANCELED, 1, "Run run-1 canceled after 2.0 s\n"),
    ],
)
def test_submit_waits_for_the_end(rivers, scheduler, end, code, last):
    scheduler.auto = end
    done = rivers("runs", "submit", "weather", "--job", "daily", "--wait")
    assert done.exit_code == code
    assert (done.stdout if code == 0 else done.stderr).endswith(last)
    assert "temperatures started" in done.stdout


def test_a_token_is_read_from_a_file_or_the_environment(rivers, scheduler, tmp_path, monkeypatch):
    (tmp_path / "token").write_text("from-file\n")
    rivers("runs", "list", "--token-file", str(tmp_path / "token"))
    monkeypatch.setenv("RIVERS_TOKEN", "from-env")
    rivers("runs", "list")
    assert [metadata["authorization"] for metadata in scheduler.metadata] == ["Bearer from-file", "Bearer from-env"]


# -- list and show --------------------------------------------------------------------------------------------------


def test_runs_are_listed_in_columns(rivers, scheduler):
    submitted(scheduler, EventType.RUN_FAILED)
    submitted(scheduler)
    assert rivers("runs", "list").stdout == (
        "RUN ID  STATE   LOCATION  JOB    STEPS  SUBMITTED (UTC)      TIME\n"
        "run-2   queued  weather   daily  0/1    2025-11-20 08:56:40  -\n"
        "run-1   failed  weather   daily  1/1    2025-11-20 08:56:40  2.0 s\n"
    )
    assert "run-2" not in rivers("runs", "list", "--state", "failed").stdout


def test_an_empty_list_says_so(rivers):
    assert rivers("runs", "list").stdout == "No runs.\n"
    assert rivers("runs", "list", "--json").stdout == "[]\n"


def test_listings_are_json_too(rivers, scheduler):
    submitted(scheduler)
    for noun in ("runs", "locations", "assets", "jobs"):
        assert isinstance(json.loads(rivers(noun, "list", "--json").stdout), list)


def test_an_unknown_state_names_those_there_are(rivers):
    done = rivers("runs", "list", "--state", "done")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: 'done' is no state of a run; there are queued, started, canceling, succeeded, failed, canceled, "
        "dequeued\n",
    )


def test_a_run_is_shown_with_its_steps(rivers, scheduler):
    shown = rivers("runs", "show", submitted(scheduler, EventType.RUN_FAILED)).stdout
    for line in ("Run:       run-1", "State:     failed", "Failure:   ValueError: boom"):
        assert line in shown
    assert re.search(r"^temperatures +failed +1 +ValueError: boom$", shown, re.M)
    run = json.loads(rivers("runs", "show", "run-1", "--json").stdout)
    assert run["steps"][0]["failure"]["traceback"] == BOOM.traceback


@pytest.mark.parametrize("command", ["show", "watch", "logs", "cancel"])
def test_an_unknown_run_is_exit_code_1(rivers, command):
    done = rivers("runs", command, "nope")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: Run 'nope' not found; `rivers runs list` shows what there is.\n"


def test_locations_assets_and_jobs_are_listed(rivers):
    assert re.search(r"^location_0 +ready +weather", rivers("locations", "list").stdout, re.M)
    assert re.search(r"^asset_0000 +weather", rivers("assets", "list", "--limit", "1").stdout, re.M)
    assert re.search(r"^daily +weather +temperatures$", rivers("jobs", "list").stdout, re.M)


# -- watch, logs, cancel --------------------------------------------------------------------------------------------


def test_a_watched_run_is_lines_when_piped(rivers, scheduler):
    done = rivers("runs", "watch", submitted(scheduler, EventType.RUN_FAILED))
    assert done.exit_code == 1
    assert [line.partition(" ")[2] for line in done.stdout.splitlines()] == [
        "run run-1 queued",
        "run run-1 started",
        "temperatures started",
        "temperatures failed: ValueError: boom",
        "run run-1 failed: ValueError: boom",
    ]
    assert done.stderr == "Run run-1 failed after 2.0 s: ValueError: boom\n"


def test_a_watched_run_is_json_lines_on_request(rivers, scheduler):
    done = rivers("runs", "watch", submitted(scheduler, EventType.RUN_SUCCEEDED), "--json")
    assert done.exit_code == 0
    assert [json.loads(line)["type"] for line in done.stdout.splitlines()][-1] == "run_succeeded"


def test_output_is_printed_raw(rivers, scheduler):
    run_id = submitted(scheduler, EventType.RUN_SUCCEEDED)
    scheduler.write(run_id, "half")
    assert rivers("runs", "logs", run_id, "--follow").stdout == "reading\nhalf"
    assert rivers("runs", "logs", run_id, "--step", "temperatures").stdout == "reading\nhalf"
    done = rivers("runs", "logs", run_id, "--step", "x")
    assert (done.exit_code, done.stderr) == (
        2,
        "Error: run 'run-1' has no step 'x'; `rivers runs show run-1` lists them\n",
    )


def test_output_of_several_steps_names_each_line(capsys):
    from datetime import UTC, datetime

    from rivers_client import LogChunk, LogStream
    from rivers_client.commands._output import Output

    with Output(named=True, as_json=False) as output:
        for step, text in [("a", "one\ntw"), ("b", "eins\n"), ("a", "o\nthree")]:
            output.write(LogChunk("r", 1, datetime.now(UTC), step, 1, LogStream.STDOUT, text))
    assert capsys.readouterr().out == "a | one\nb | eins\na | two\na | three\n"


def test_a_run_is_canceled_once(rivers, scheduler):
    run_id = submitted(scheduler)
    done = rivers("runs", "cancel", run_id, "--reason", "enough")
    assert (done.exit_code, done.stdout) == (0, "Run 'run-1' canceled.\n")
    scheduler.finish(submitted(scheduler))
    done = rivers("runs", "cancel", "run-2")
    assert (done.exit_code, done.stderr) == (1, "Error: run 'run-2' was over already: succeeded\n")


# -- the process ----------------------------------------------------------------------------------------------------


def run(*arguments, **settings):
    return subprocess.run(
        [*RIVERS, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        **settings,
    )


def test_no_scheduler_is_one_sentence_at_once(scheduler):
    scheduler.stop()
    done = run("runs", "list", "--scheduler", scheduler.address)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: No scheduler answers at {scheduler.address}; start one with `rivers scheduler`.\n"


def test_debug_shows_the_traceback(scheduler):
    done = run("runs", "show", "nope", "--scheduler", scheduler.address, "--debug")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last)")
    assert done.stderr.endswith("Error: Run 'nope' not found; `rivers runs list` shows what there is.\n")


def test_a_server_that_is_away_for_a_moment_is_said_so(scheduler):
    scheduler.refusals = [UnavailableError("the database is away; the scheduler waits for it")]
    done = run("runs", "list", "--scheduler", scheduler.address)
    assert (done.returncode, done.stderr) == (2, "Error: the database is away; the scheduler waits for it\n")


def test_ctrl_c_leaves_a_watched_run_alone(scheduler):
    run_id = submitted(scheduler)
    process = subprocess.Popen(
        [*RIVERS, "runs", "watch", run_id, "--scheduler", scheduler.address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline().endswith("run run-1 queued\n")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "\nRun run-1 goes on; `rivers runs cancel run-1` stops it.\n")


def test_a_terminal_shows_a_live_table(scheduler):
    run_id = submitted(scheduler)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*RIVERS, "runs", "watch", run_id, "--scheduler", scheduler.address],
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
    )
    os.close(theirs)
    assert scheduler.watching.wait(20)
    scheduler.finish(run_id)
    shown = b""
    while True:
        try:
            read = os.read(ours, 4096)
        except OSError:
            break
        if not read:
            break
        shown += read
    os.close(ours)
    assert process.wait(20) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown.decode())
    assert "Run run-1  succeeded  1/1 steps" in text
    assert re.search(r"temperatures +succeeded +1", text)
    assert "Run run-1 succeeded after 2.0 s" in text


def test_help_of_a_noun_needs_no_grpc():
    code = (
        "import sys\nfrom rivers.cli import app\n"
        "try: app(['runs', 'submit', '--help'])\nexcept SystemExit: pass\n"
        "sys.exit(any(name in sys.modules for name in ('grpc', 'rich', 'sqlalchemy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
