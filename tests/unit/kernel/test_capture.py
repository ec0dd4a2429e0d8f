"""Captured output: whose text it is, and that the console still shows it."""

from __future__ import annotations

import logging
import sys
import threading

import pytest

from rivers.kernel import capture
from rivers.kernel.step_logger import step_logger
from rivers.lifecycle.states import LogStream


@pytest.fixture
def target():
    target = capture.Capture()
    with capture.installed():
        token = capture.begin(target)
        try:
            yield target
        finally:
            capture.end(target, token)


def test_streams_are_captured_and_shown(capsys):
    target = capture.Capture()
    with capture.installed():
        print("before")
        token = capture.begin(target)
        print("within")
        print("trouble", file=sys.stderr)
        capture.end(target, token)
        print("after")
    assert dict(target.take()) == {LogStream.STDOUT: "within\n", LogStream.STDERR: "trouble\n"}
    assert target.take() == []
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("before\nwithin\nafter\n", "trouble\n")


def test_the_streams_are_put_back():
    before = sys.stdout, sys.stderr
    with capture.installed():
        with capture.installed():
            assert sys.stdout is not before[0]
        assert sys.stdout is not before[0]
    assert (sys.stdout, sys.stderr) == before


def test_records_of_any_logger_are_captured(target, caplog):
    logging.getLogger("elsewhere").warning("careful %d", 3)
    logging.getLogger("elsewhere").info("not enabled")
    ((stream, text),) = target.take()
    assert stream == LogStream.LOGGING
    assert text.endswith("WARNING elsewhere: careful 3\n")
    assert "careful 3" in caplog.text


def test_records_that_do_not_propagate_are_captured(target):
    quiet = logging.getLogger("quiet")
    quiet.propagate = False
    quiet.addHandler(logging.NullHandler())
    try:
        quiet.error("seen")
    finally:
        quiet.propagate = True
        quiet.handlers.clear()
    assert "seen" in dict(target.take())[LogStream.LOGGING]


def test_a_steps_own_logger_is_captured_from_info_on(target, caplog):
    log = step_logger("rivers.assets", "capture_test")
    assert log is logging.getLogger("rivers.assets.capture_test")
    log.info("hello")
    log.debug("too much")
    text = dict(target.take())[LogStream.LOGGING]
    assert "INFO rivers.assets.capture_test: hello" in text
    assert "too much" not in text
    assert "hello" not in caplog.text  # the program's threshold is WARNING


def test_a_steps_own_logger_without_a_capture_is_like_any_other():
    log = step_logger("rivers.assets", "capture_test")
    assert not log.isEnabledFor(logging.INFO)
    assert log.isEnabledFor(logging.WARNING)


def test_a_record_that_cannot_be_formatted_does_not_break_the_step(target, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("broken").handlers.append(logging.NullHandler())
    logging.getLogger("broken").propagate = False
    try:
        logging.getLogger("broken").warning("%d apples", "many")
    finally:
        logging.getLogger("broken").handlers.clear()
        logging.getLogger("broken").propagate = True
    assert dict(target.take())[LogStream.LOGGING] == "%d apples\n"


@pytest.fixture
def alone(monkeypatch):
    """No step runs that another test has left behind."""
    monkeypatch.setattr(capture, "_open", [])


def test_threads_of_the_only_running_step_are_captured(alone, target):
    with capture.installed():  # pytest puts its own stream back between a fixture and its test
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()
    assert dict(target.take()) == {LogStream.STDOUT: "from a thread\n"}
