"""The wall clock is set back by an hour while steps run: nothing times out, hangs or runs twice (A7)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.stack import Stack

#: Takes an hour off what the C library says of the wall clock, from when a file is there.
SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long back(void) {
    const char *sign = getenv("CLOCK_BACK");
    return sign != NULL && access(sign, F_OK) == 0 ? 3600 : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) real = dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec -= back();
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    int result = clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return result;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept != NULL) *kept = now.tv_sec;
    return now.tv_sec;
}
"""

TEAM = """
    @rs.Asset
    def first() -> float:
        mark("first")
        before, is_back = time.time(), os.path.exists("back")
        while not os.path.exists("back"):
            time.sleep(0.02)
        assert is_back or time.time() < before - 3000, "the clock of this test does not go back"
        return before
    @rs.Asset(retry=rs.RetryPolicy(max_retries=1, backoff=rs.Backoff.constant(0.2)))
    def second(first: float) -> int:
        mark("second")
        if not os.path.exists("retried"):
            open("retried", "w").close()
            raise ValueError("once")
        return 2
    repo = rs.CodeRepository(assets=[first, second], jobs=[rs.Job("all", [first, second])])
"""


@pytest.fixture
def turned_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that sets the clock of all programs of a test back when it is made."""
    compiler = shutil.which("cc")
    if compiler is None:
        if os.environ.get("CI") == "true":
            pytest.fail("a clock that can be set back needs a C compiler: apt-get install gcc libc6-dev")
        pytest.skip("a clock that can be set back needs a C compiler")
    source, shim = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(shim), str(source), "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("CLOCK_BACK", str(tmp_path / "back"))
    return tmp_path / "back"


def test_A7_a_wall_clock_that_is_set_back_an_hour_times_nothing_out(
    turned_back: Path, tmp_path: Path, database: str | None
) -> None:
    with Stack(tmp_path, database) as stack:
        stack.start_scheduler("--beat-interval", "0.2", "--max-concurrent-runs", "1")
        stack.start_location("team", TEAM, options=("--step-lease", "3"))
        run = stack.client.runs.submit(location="team", job="all")
        waiting = stack.client.runs.submit(location="team", job="all")
        stack.until(lambda: stack.marks("team"), "the first body")
        turned_back.touch()
        assert run.wait(timeout=30).state.name == "SUCCEEDED"
        assert waiting.wait(timeout=30).state.name == "SUCCEEDED"
        assert stack.marks("team") == ["first", "second", "second", "first", "second"]
        times = [event.at for event in run.events()]
        assert (max(times) - min(times)).total_seconds() > 3000, "it was set back"
        assert [event.seq for event in run.events()] == list(range(1, len(times) + 1))
        stack.kill_scheduler()
        stack.start_scheduler("--beat-interval", "0.2")
        stack.await_location("team")
        assert [one.run_id for one in stack.client.runs.list()] == [waiting.run_id, run.run_id]
        assert stack.scheduler is not None
        assert "session_dropped" not in stack.scheduler.stderr()
