"""A client is killed while its submission is on the way: a repeat finds its run, or makes the only one."""

from __future__ import annotations

import subprocess
import sys

from tests.stack import Stack, frozen

SOURCE = """
    @rs.Asset
    def only() -> int:
        mark("only"); return 1
    repo = rs.CodeRepository(assets=[only], jobs=[rs.Job("all", [only])])
"""
CALLER = """
import sys
from rivers_client import Client
with Client(f"127.0.0.1:{sys.argv[1]}") as client:
    client.locations.list()
    print("connected", flush=True)
    sys.stdin.readline()
    print("submitting", flush=True)
    client.runs.submit(location="team", job="all", request_id="once")
"""


def test_a_client_that_is_killed_in_mid_submit_makes_one_run_at_most(stack: Stack) -> None:
    stack.start_location("team", SOURCE)
    assert stack.scheduler is not None
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, str(stack.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with caller:
        assert caller.stdin is not None
        assert caller.stdout is not None
        assert caller.stdout.readline() == "connected\n"
        with frozen(stack.scheduler.process.pid):
            caller.stdin.write("\n")
            caller.stdin.flush()
            assert caller.stdout.readline() == "submitting\n"
            caller.kill()
            caller.wait()
    run = stack.client.runs.submit(location="team", job="all", request_id="once")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    assert stack.marks("team") == ["only"]
    assert [one.run_id for one in stack.client.runs.list()] == [run.run_id]
