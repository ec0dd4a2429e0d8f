"""Text that a database may not hold: it is bent, never a reason to lose a run."""

from __future__ import annotations

from tests.stack import Stack


def test_zero_bytes_and_halves_of_characters_end_no_run(stack: Stack) -> None:
    stack.start_location(
        "odd",
        r"""
        import sys
        @rs.Asset
        def prints() -> int:
            sys.stdout.write("zero \0 byte\n"); sys.stdout.flush()
            os.write(1, b"\xff\xfe no text\n")
            return 1
        @rs.Asset
        def described(prints: int) -> rs.Output:
            return rs.Output(2, metadata={"zero \0 key": "zero \0 value"})
        @rs.Asset
        def raises(described: int) -> int:
            raise ValueError("zero \0 byte and half \ud800 a character")
        repo = rs.CodeRepository(assets=[prints, described, raises], jobs=[rs.Job("all", [prints, described, raises])])
        """,
    )
    ended = (run := stack.client.runs.submit("odd", job="all")).wait(timeout=30)
    assert ended.state.name == "FAILED"
    assert ended.failure is not None
    assert "byte and half" in ended.failure.message
    text = "".join(chunk.text for chunk in run.logs())
    assert "byte" in text
    assert "no text" in text
