"""A program with all defaults simply works through a scheduler (S-10)."""

from __future__ import annotations

from tests.stack import Stack


def test_S10_all_defaults_through_a_scheduler(stack: Stack) -> None:
    stack.start_location(
        "plain",
        """
        @rs.Asset
        def numbers() -> list:
            return [1, 2, 3]
        @rs.Asset
        def total(numbers: list) -> int:
            print("summing", numbers)
            return sum(numbers)
        @rs.Asset
        def alone() -> str:
            return "independent"
        @rs.Asset
        async def later(total: int) -> int:
            return total * 2
        repo = rs.CodeRepository(assets=[numbers, total, alone, later])
        """,
    )
    run = stack.client.runs.submit(location="plain")
    assert run.wait(timeout=30).state.name == "SUCCEEDED"
    stored = [event.node for event in run.events() if event.type.name == "MATERIALIZED"]
    assert sorted(stored) == ["alone", "later", "numbers", "total"]
    assert "summing [1, 2, 3]" in "".join(chunk.text for chunk in run.logs())
