"""`rivers backfill`, `pools` and `queue` over a store of one's own: real processes in a directory of their own."""

import json
import subprocess
import sys
import textwrap

import pytest

import rivers as rs

RIVERS = [sys.executable, "-m", "rivers.cli"]
SHOP = """
    import rivers as rs
    GRID = rs.PartitionsDefinition.multi({
        "date": rs.PartitionsDefinition.static_(["01", "02"]),
        "region": rs.PartitionsDefinition.static_(["us", "eu"]),
    })
    @rs.Asset(partitions_def=rs.PartitionsDefinition.static_(["a", "b", "c"]), pool="db")
    def daily(context: rs.AssetExecutionContext):
        if context.partition_key == "c":
            raise ValueError("no c")
    @rs.Asset(partitions_def=GRID)
    def grid():
        return 1
    repo = rs.CodeRepository([daily, grid], pool_limits={"db": 2}, default_executor=rs.Executor.in_process())
"""


@pytest.fixture
def rivers(tmp_path):
    """Runs a command beside a module `shop`; returns exit code, output and errors."""
    (tmp_path / "shop.py").write_text(textwrap.dedent(SHOP))

    def run(*arguments):
        done = subprocess.run([*RIVERS, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout.strip(), done.stderr.strip()

    return run


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["-a", "daily", "-p", "a,b"], 0, "completed — 2 completed, 0 failed, 0 canceled"),
        (["-a", "daily", "--from", "a", "--to", "c"], 1, "failed — 2 completed, 1 failed, 0 canceled"),
        (
            ["-a", "daily", "-p", "c,a", "-c", "1", "--on-failure", "stop_on_failure"],
            1,
            "0 completed, 1 failed, 1 canc",
        ),
        (["-a", "grid", "--range", "date=01..02", "--range", "region=us"], 0, "completed — 2 completed"),
        (["-a", "daily", "-p", "a,b", "--strategy", "single_run", "--dry-run"], 0, "Dry run: 2 partitions, 1 runs"),
        (
            ["-a", "grid", "--range", "date=01..02", "--strategy", "date=multi_run,region=single_run", "--dry-run"],
            0,
            "Dry run: 4 partitions, 2 runs",
        ),
    ],
)
def test_a_backfill_is_executed_and_summed_up(rivers, arguments, code, text):
    found, out, _ = rivers("backfill", "shop", *arguments)
    assert found == code
    assert text in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-a", "daily"], "provide --partitions, --from/--to, or --range"),
        (["-a", "daily", "--from", "a"], "provide --partitions, --from/--to, or --range"),
        (["-a", "daily", "-p", "a", "--from", "a", "--to", "b"], "exclude each other"),
        (["-a", "daily", "-p", "x"], "Invalid partition_key 'x' for asset 'daily'"),
        (["-a", "daily", "-p", "a", "--strategy", "some"], "--strategy 'some'"),
        (["-a", "daily", "-p", "a", "--on-failure", "stop"], "unknown failure_policy 'stop'"),
    ],
)
def test_bad_input_is_one_line_and_2(rivers, arguments, text):
    code, out, err = rivers("backfill", "shop", *arguments)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert text in err


def test_a_backfill_is_looked_at_and_canceled_later(rivers, tmp_path):
    store = ["--storage-path", "state"]
    _, out, _ = rivers("backfill", "shop", "-a", "daily", "-p", "a,c", "--json", *store)
    backfill_id = json.loads(out)["backfill_id"]
    code, out, _ = rivers("backfill-status", backfill_id, "shop", *store)
    assert code == 0
    assert out.splitlines() == [
        f"Backfill {backfill_id}: failed",
        "  Partitions: 1/2 completed, 1 failed, 0 canceled",
        "  Runs: 2",
    ]
    code, out, _ = rivers("backfill-cancel", backfill_id, "shop", *store)
    assert (code, out) == (0, f"Backfill '{backfill_id}' cancel requested (not running in this process)")
    code, out, err = rivers("backfill-status", "none", "shop", *store)
    assert (code, out, err) == (1, "", "Backfill 'none' not found")
    assert rivers("backfill-cancel", "none", "shop", *store)[0] == 1


def test_pools_are_set_and_shown(rivers, tmp_path):
    assert rivers("pools", "list") == (0, "No pools configured.", "")
    assert not (tmp_path / ".rivers").exists(), "looking makes nothing"
    assert rivers("pools", "set", "db", "3", "--lease-duration", "90s")[:2] == (
        0,
        "Pool 'db' set to limit=3, lease_duration=90s",
    )
    code, out, _ = rivers("pools", "list")
    header, rule, row = out.splitlines()
    assert (code, header.split(), set(rule) - {" "}) == (0, ["POOL", "LIMIT", "CLAIMED", "PENDING", "LEASE"], {"-"})
    assert row.split() == ["db", "3", "0", "0", "90"]
    _, out, _ = rivers("pools", "info", "db")
    assert out.splitlines() == [
        "Pool: db",
        "Slot limit: 3",
        "Lease duration: 90s",
        "Claimed: 0/3",
        "Pending: 0",
        "No active slot holders.",
    ]
    assert rivers("pools", "info", "none") == (1, "", "Error: pool 'none' not configured")
    assert rivers("pools", "set", "free", "-1")[:2] == (0, "Pool 'free' set to limit=-1, lease_duration=5m")
    assert rivers("pools", "set", "db", "many")[0] == 2
    assert rivers("pools", "set", "db", "3", "--lease", "1s")[0] == 2
    assert rivers("pools", "set", "db", "3", "--lease-duration", "soon")[0] == 2


def test_queued_runs_are_listed_explained_and_canceled(rivers, tmp_path):
    assert rivers("queue", "list") == (0, "No queued runs.", "")

    @rs.Asset
    def a():
        return 1

    settings = rs.RunQueueConfig(max_concurrent_runs=0)
    repo = rs.CodeRepository([a], run_queue=settings, default_executor=rs.Executor.in_process())
    storage = rs.Storage.embedded(tmp_path / ".rivers" / "storage")
    repo.resolve(storage)
    run_id = repo._submit_run().run_id
    code, out, _ = rivers("queue", "list")
    header, row = out.splitlines()
    assert (code, header.split()) == (0, ["POS", "RUN", "ID", "JOB", "PRI", "QUEUED", "AT", "BLOCK", "REASON"])
    assert row.split()[:4] == ["1", run_id, "-", "0"]
    _, out, _ = rivers("queue", "why", run_id)
    assert "Position: 1/1" in out
    assert rivers("queue", "cancel", run_id) == (0, f"Run '{run_id}' canceled.", "")
    assert rivers("queue", "cancel", run_id) == (1, "", f"Run '{run_id}' not found or not in Queued status.")
    assert rivers("queue", "why", run_id)[:2] == (0, f"Run '{run_id}' is not queued (status: Canceled).")
    assert rivers("queue", "why", "none") == (1, "", "Run 'none' not found.")
