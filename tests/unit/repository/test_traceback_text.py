"""Printed tracebacks, taken apart."""

import json
import traceback

from rivers.repository.storage.traceback_text import to_json


def printed(function):
    try:
        function()
    except Exception as error:
        return "".join(traceback.format_exception(error))


def test_a_chain_from_the_oldest_on():
    def chain():
        try:
            int("x")
        except ValueError as error:
            raise KeyError("k\nsecond line") from error

    text = printed(chain)
    found = json.loads(to_json(text))
    assert found["text"] == text
    first, second = found["exceptions"]
    assert (first["type"], first["message"]) == ("ValueError", "invalid literal for int() with base 10: 'x'")
    assert [frame["function"] for frame in first["frames"]] == ["chain"]
    assert first["frames"][0]["code"] == 'int("x")'
    assert second["type"] == "KeyError"
    assert [frame["function"] for frame in second["frames"]] == ["printed", "chain"]
    assert {frame["file"] for frame in second["frames"]} == {__file__}


def test_an_exception_while_another_was_handled():
    def chain():
        try:
            int("x")
        except ValueError:
            raise RuntimeError("line\n\nother: line")  # noqa: B904 - the chain is what is tested

    first, second = json.loads(to_json(printed(chain)))["exceptions"]
    assert (first["type"], second["type"]) == ("ValueError", "RuntimeError")
    assert second["message"] == "line\n\nother: line"


def test_text_that_is_no_traceback():
    assert json.loads(to_json("SystemExit: 3\n"))["exceptions"] == [
        {"type": "SystemExit", "message": "3", "frames": []}
    ]
