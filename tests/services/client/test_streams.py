"""Watching runs: in order, without gaps or repeats, over cuts and restarts."""

import contextlib
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from rivers.errors import RunNotFoundError, SchedulerUnavailableError
from rivers.lifecycle.states import EventType, RunState

ALL = [
    EventType.RUN_QUEUED,
    EventType.RUN_STARTED,
    EventType.STEP_STARTED,
    EventType.STEP_SUCCEEDED,
    EventType.RUN_SUCCEEDED,
]


def test_events_come_to_the_end_of_the_run(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    events = run.events()
    assert next(events).type == EventType.RUN_QUEUED
    scheduler.finish(run.run_id)
    rest = list(events)
    assert [event.type for event in rest] == ALL[1:]
    assert [event.seq for event in rest] == [2, 3, 4, 5]
    assert rest[1].step_key == "temperatures"


@pytest.mark.parametrize("cut_after", [1, 2, 3, 4, 5])
def test_events_go_on_after_a_cut(client, scheduler, cut_after):
    run = client.runs.submit("weather", job="daily")
    scheduler.finish(run.run_id)
    scheduler.cut_after = cut_after
    assert [event.type for event in run.events()] == ALL
    assert scheduler.calls.count("WatchRun") >= 2


def test_events_start_after_a_sequence_number(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    scheduler.finish(run.run_id)
    assert [event.seq for event in run.events(after=3)] == [4, 5]
    assert list(run.events(after=5)) == []


def test_events_go_on_when_the_scheduler_restarts(connect, scheduler):
    client = connect(scheduler.address, patience=30)
    run = client.runs.submit("weather", job="daily")
    events = run.events()
    assert next(events).type == EventType.RUN_QUEUED
    scheduler.stop()
    restarted = threading.Timer(0.3, scheduler.start)
    restarted.start()
    again = threading.Thread(target=lambda: (restarted.join(), scheduler.finish(run.run_id)))
    again.start()
    assert [event.type for event in events] == ALL[1:]
    again.join(10)


def test_events_end_with_the_error_when_nobody_comes_back(connect, scheduler):
    client = connect(scheduler.address, patience=0.3)
    events = client.runs.submit("weather", job="daily").events()
    next(events)
    scheduler.stop()
    with pytest.raises(SchedulerUnavailableError, match=f"No scheduler answers at {scheduler.address}"):
        next(events)


def test_events_of_an_unknown_run_are_an_error(client, scheduler):
    run = client.runs.submit("weather")
    scheduler.runs.clear()
    with pytest.raises(RunNotFoundError):
        next(run.events())


def test_waiting_returns_the_run_as_it_ended(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    threading.Timer(0.05, scheduler.finish, [run.run_id, EventType.RUN_FAILED]).start()
    ended = run.wait(timeout=20)
    assert (ended.state, ended.steps[0].failure.message) == (RunState.FAILED, "ValueError: boom")
    assert run.run is ended


def test_waiting_for_a_run_that_is_over_asks_once(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    scheduler.finish(run.run_id)
    run.wait()
    scheduler.calls.clear()
    assert run.wait(timeout=5).succeeded
    assert scheduler.calls == ["GetRun"]


def test_waiting_ends_after_its_time(client):
    with pytest.raises(TimeoutError, match=r"not over after 0\.1 seconds"):
        client.runs.submit("weather").wait(timeout=0.1)


def test_waiting_outlasts_a_cut(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    scheduler.cut_after = 2
    threading.Timer(0.05, scheduler.finish, [run.run_id]).start()
    assert run.wait(timeout=20).succeeded


def test_output_is_followed_to_the_end(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    scheduler.write(run.run_id, "one\n")
    output = run.logs()
    assert next(output).text == "one\n"
    scheduler.finish(run.run_id)
    assert [chunk.text for chunk in output] == ["reading\n"]


def test_output_that_is_there_is_read_without_waiting(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    for text in ("one\n", "two\n"):
        scheduler.write(run.run_id, text)
    assert [chunk.text for chunk in run.logs(follow=False)] == ["one\n", "two\n"]
    assert [chunk.seq for chunk in run.logs(after=1, follow=False)] == [2]


def test_a_stream_that_is_left_is_closed(client, scheduler):
    run = client.runs.submit("weather", job="daily")
    for event in run.events():
        assert event.seq == 1
        break
    assert client.runs.get(run.run_id).run.run_id == run.run_id


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_an_open_stream_does_not_keep_the_process(scheduler, kind):
    program = {
        "sync": """
            import rivers_client
            client = rivers_client.Client("ADDRESS")
            events = client.runs.submit("weather", job="daily").events()
            print(next(events).seq)
        """,
        "async": """
            import asyncio, rivers_client
            async def main():
                client = rivers_client.AsyncClient("ADDRESS")
                events = (await client.runs.submit("weather", job="daily")).events()
                print((await anext(events)).seq)
            asyncio.run(main())
        """,
    }[kind]
    code = textwrap.dedent(program).replace("ADDRESS", scheduler.address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_an_interrupt_ends_a_wait(scheduler):
    code = f"import rivers_client; rivers_client.Client({scheduler.address!r}).runs.submit('weather').wait()"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert scheduler.watching.wait(20)
    errors = ""
    for _ in range(30):  # one that arrives within a callback of the interpreter is dropped by it
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, errors = process.communicate(timeout=1)
            break
    assert "KeyboardInterrupt" in errors
