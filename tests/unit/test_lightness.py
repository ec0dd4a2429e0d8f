"""What an import may load: `import rivers` is cheap, and a worker has no database."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "grpc",
    "sqlalchemy",
    "alembic",
    "kubernetes",
    "loky",
    "pydantic",
    "psycopg",
    "obstore",
    "structlog",
    "rich",
    "typer",
}
AUTHORING = """
import rivers as rs
@rs.Asset
def a() -> int:
    return 1
@rs.Asset
def b(a: int) -> int:
    return a + 1
repo = rs.CodeRepository(assets=[a, b], jobs=[rs.Job("j", [a, b])])
"""


@pytest.mark.parametrize(
    ("program", "unwanted"),
    [
        pytest.param("import rivers", HEAVY, id="rivers"),
        pytest.param(AUTHORING, HEAVY, id="a user's module"),
        pytest.param("import rivers.lifecycle.progress, rivers.planning.plan", HEAVY, id="the pure core"),
        pytest.param("import rivers_client", HEAVY - {"grpc", "pydantic"}, id="the client"),
        pytest.param("import codeloc.worker", HEAVY - {"pydantic"}, id="a worker"),
        pytest.param(
            "import rivers_server.app", {"rivers.repository", "rivers.kernel", "rivers.driver"}, id="scheduler"
        ),
    ],
)
def test_an_import_loads_only_what_it_needs(program: str, unwanted: set[str]) -> None:
    ask = f"{program}\nimport sys\nprint(*sorted(set(sys.modules) & {unwanted!r}))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
