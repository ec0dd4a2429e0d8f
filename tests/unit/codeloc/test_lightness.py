"""What the supervisor loads: it runs no user code, has no database, and stays small."""

from __future__ import annotations

import subprocess
import sys


def test_the_supervisor_loads_no_layer_that_runs_user_code() -> None:
    code = "import sys, codeloc.app; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"sqlalchemy", "pydantic", "structlog", "rivers.kernel", "rivers.repository"}
    assert not unwanted & set(done.stdout.split())
