"""Commands as tasks: what they are told, what becomes of their output, how they fail."""

from __future__ import annotations

import errno
import os
import select
import signal
import threading

import pytest

import rivers as rs
from rivers.exceptions import TaskDefinitionError
from rivers.lifecycle.states import AttemptOutcome


def test_a_text_is_told_to_a_shell_and_a_list_is_run_without_one():
    assert rs.BashTask("t", "echo a; echo $((1 + 2))")() == "a\n3"
    assert rs.BashTask("t", ["echo", "a; b", "$HOME"])() == "a; b $HOME"


def test_the_environment_is_added_to(monkeypatch):
    monkeypatch.setenv("INHERITED", "1")
    task = rs.BashTask(name="greet", command="echo $WHO $INHERITED", env={"WHO": "you"})
    assert task() == "you 1"
    assert (task.name, task.command, task.env, task.cwd, task.tags) == (
        "greet",
        "echo $WHO $INHERITED",
        {"WHO": "you"},
        None,
        None,
    )


def test_the_directory_is_inherited_or_named(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path)
    assert rs.BashTask("t", ["pwd"])() == str(tmp_path)
    assert rs.BashTask("t", "pwd", cwd=str(tmp_path / "here"))() == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("command", "value"),
    [
        (r"printf 'a\nb\n\n\n'", "a\nb"),
        (r"printf 'a \n'", "a "),
        (r"printf 'a\r\n'", "a\r"),
        (r"printf '\n\n'", ""),
        (r"printf 'a\377b'", "a\ufffdb"),
        ("", ""),
        ("cat", ""),
        ("echo seen; echo unseen >&2", "seen"),
    ],
)
def test_standard_output_is_the_value(command, value):
    assert rs.BashTask("t", command)("arguments", are="ignored") == value


def test_more_output_than_pipes_hold():
    flood = "head -c 1000000 /dev/zero | tr '\\0' {}"
    assert len(rs.BashTask("t", f"{flood.format('a')}; {flood.format('b')} >&2")()) == 1_000_000


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("exit 3", "Command failed with exit status: 3: "),
        ("echo ' oh no ' >&2; exit 1", "Command failed with exit status: 1: oh no"),
        ("echo oops >&2; kill -9 $$", "Command failed with signal: 9 (SIGKILL): oops"),
        ("kill -TERM $$", "Command failed with signal: 15 (SIGTERM): "),
    ],
)
def test_a_command_that_fails_is_an_os_error(command, text):
    with pytest.raises(OSError, match="Command failed") as caught:
        rs.BashTask("t", command)()
    assert str(caught.value) == text


@pytest.mark.parametrize("options", [{"command": ["no-such-program"]}, {"command": "true", "cwd": "/no/such/place"}])
def test_what_is_not_there_is_an_os_error(options):
    with pytest.raises(OSError, match="No such file") as caught:
        rs.BashTask("t", **options)()
    assert caught.value.errno == errno.ENOENT


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"command": []}, TaskDefinitionError, "command list must not be empty"),
        ({"command": 3}, TypeError, "command must be a str or a list of str, not int"),
        ({"command": ["a", 3]}, TypeError, "command must be a str or a list of str, not list"),
        ({"command": "a", "env": {"A": 1}}, TypeError, "env must be a dict[str, str] or None"),
        ({"command": "a", "cwd": 3}, TypeError, "cwd must be a str or None, not int"),
        ({"command": "a", "name": None}, TypeError, "name must be a str, not NoneType"),
        ({"command": "a", "retry": 3}, TypeError, "retry must be a RetryPolicy, a str or None, not int"),
    ],
)
def test_wrong_commands_are_refused_at_once(options, error, text):
    with pytest.raises(error) as caught:
        rs.BashTask(**{"name": "t", **options})
    assert str(caught.value) == text


def test_it_is_a_step_like_any_task(bench):
    down = rs.Asset(name="down")(lambda greet: greet.upper())
    greet = rs.BashTask("greet", ["echo", "you"], tags=["shell"])
    bench.bind(down, tasks=[greet])
    assert bench.run("greet").outcome == AttemptOutcome.SUCCEEDED
    assert bench.run("down").outcome == AttemptOutcome.SUCCEEDED
    assert bench.stored("down") == "YOU"
    assert repr(greet) == "BashTask('greet')"


class Interrupted(BaseException):
    """What the signal handler raises."""


def test_an_interrupted_command_is_killed_with_all_that_it_started(tmp_path):
    fifo, pids = tmp_path / "pids", []
    os.mkfifo(fifo)

    def interrupt():
        with fifo.open() as lines:
            pids.extend(map(int, lines.read().split()))
        os.kill(os.getpid(), signal.SIGUSR1)

    def interrupted(*_):
        raise Interrupted

    previous = signal.signal(signal.SIGUSR1, interrupted)
    watcher = threading.Thread(target=interrupt)
    watcher.start()
    try:
        with pytest.raises(Interrupted):
            rs.BashTask("t", f"sleep 600 & echo $$ $! > {fifo}; wait")()
    finally:
        watcher.join()
        signal.signal(signal.SIGUSR1, previous)
    assert len(pids) == 2
    for pid in pids:
        assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Waits until the process is dead; one that only waits to be reaped is."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([process], [], [], 10)[0])
    finally:
        os.close(process)
