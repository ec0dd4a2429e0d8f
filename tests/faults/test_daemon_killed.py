"""A process with a daemon is killed whenever; what its sensor asked for has been launched once when all is over."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import rivers as rs

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys, time
import rivers as rs

LAST = 60

@rs.Asset
def a() -> int:
    return 1

@rs.Sensor(job_name="j", minimum_interval="5ms", default_status=rs.SensorStatus.Running)
def counts(context: rs.SensorEvaluationContext):
    n = int(context.cursor or 0)
    if n == LAST:
        return rs.SkipReason("done")
    return rs.SensorResult([rs.RunRequest(run_key=str(n)), rs.RunRequest(run_key=f"{n} too")], cursor=str(n + 1))

repo = rs.CodeRepository([a], jobs=[rs.Job("j", [a])], sensors=[counts], default_executor=rs.Executor.in_process())
storage = rs.Storage.embedded(sys.argv[1])
daemon = rs.AutomationDaemon(repo, storage, max_ticks_retained=None)
daemon.start()
print("up", flush=True)
while [tick.cursor for tick in storage.get_ticks("counts", limit=1)] != [str(LAST)]:
    time.sleep(0.01)
daemon.stop()
"""


def test_each_key_is_launched_once_whenever_the_process_is_killed(tmp_path):
    dice = random.Random(7)
    place = str(tmp_path / "store")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    for kill in range(100):
        process = subprocess.Popen(
            [sys.executable, str(program), place], cwd=ROOT, stdout=subprocess.PIPE, env={"PYTHONPATH": str(ROOT)}
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        if kill < 5:
            threading.Event().wait(dice.uniform(0.02, 0.25))
            process.kill()
        code = process.wait(timeout=60)
        process.stdout.close()
        if code == 0:
            break
    else:
        raise AssertionError("it never came to the end")
    assert kill >= 1, "it was never killed"
    storage = rs.Storage.embedded(place)
    keys = [run.run_id for run in storage.get_runs(limit=1000)]
    assert len(keys) == 120
    ticks = storage.get_ticks("counts", limit=10_000)[::-1]
    cursors = [int(tick.cursor) for tick in ticks if tick.status == "Success"]
    assert cursors == list(range(1, 61))
    named = [run_id for tick in ticks for run_id in tick.run_ids]
    assert len(named) == len(set(named))
    assert set(named) <= set(keys)
