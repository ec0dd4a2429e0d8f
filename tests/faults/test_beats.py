"""What beats say of a real location agrees with the rows, however busy it is."""

from __future__ import annotations

from pathlib import Path

from tests.stack import Stack


def test_beats_of_a_busy_location_close_no_session(tmp_path: Path) -> None:
    with Stack(tmp_path) as stack:
        stack.start_scheduler("--beat-interval", "0.05")
        stack.start_location(
            "busy",
            """
            @rs.Asset
            def slow() -> int:
                time.sleep(1.0); return 1
            many = [rs.Asset(name=f"quick_{n}")(lambda: print("x" * 10_000)) for n in range(60)]
            repo = rs.CodeRepository(assets=[slow, *many], jobs=[rs.Job("all", [slow, *many])])
            """,
        )
        runs = [stack.client.runs.submit(location="busy", job="all") for _ in range(3)]
        for run in runs:
            assert run.wait(timeout=60).state.name == "SUCCEEDED"
        assert stack.scheduler is not None
        assert "session_dropped" not in stack.scheduler.stderr()
