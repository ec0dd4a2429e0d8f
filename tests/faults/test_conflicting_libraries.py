"""Two locations whose environments hold versions of one library that exclude each other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stack import Stack

PROJECT = """
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "shade"
version = "{version}"
[tool.setuptools]
py-modules = ["shade"]
"""

#: What one version offers the other has not.
SOURCES = {
    "1.0": "def darken(color):\n    return f'dark {color}'\n",
    "2.0": "class Shade:\n    def __init__(self, color):\n        self.name = f'shade of {color}'\n",
}

FIRST = """
    import shade
    from importlib.metadata import version
    @rs.Asset
    def old() -> str:
        mark(f"{version('shade')} {shade.darken('red')} {hasattr(shade, 'Shade')}")
        return shade.darken("red")
    repo = rs.CodeRepository(assets=[old], jobs=[rs.Job("all", [old])])
"""

SECOND = """
    from importlib.metadata import version
    import shade
    @rs.Asset
    def made() -> shade.Shade:
        return shade.Shade("red")
    @rs.Asset
    def new(made: shade.Shade) -> str:
        mark(f"{version('shade')} {made.name} {hasattr(shade, 'darken')}")
        return made.name
    repo = rs.CodeRepository(assets=[made, new], jobs=[rs.Job("all", [made, new])])
"""


def install(directory: Path, version: str) -> Path:
    """Installs a version of the library into a directory of its own; nothing is fetched."""
    source, target = directory / f"source-{version}", directory / f"libraries-{version}"
    source.mkdir()
    (source / "pyproject.toml").write_text(PROJECT.format(version=version))
    (source / "shade.py").write_text(SOURCES[version])
    options = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)],
        check=True,
        capture_output=True,
    )
    return target


def test_two_locations_with_conflicting_versions_of_a_library_serve_side_by_side(stack: Stack, tmp_path: Path) -> None:
    stack.start_location("first", FIRST, libraries=(install(tmp_path, "1.0"),))
    stack.start_location("second", SECOND, libraries=(install(tmp_path, "2.0"),))
    runs = [stack.client.runs.submit(location=name, job="all") for name in ("first", "second") * 2]
    assert {run.wait(timeout=30).state.name for run in runs} == {"SUCCEEDED"}
    assert stack.marks("first") == ["1.0 dark red False"] * 2
    assert stack.marks("second") == ["2.0 shade of red False"] * 2


def test_a_library_that_lacks_what_a_module_needs_breaks_that_location_alone(stack: Stack, tmp_path: Path) -> None:
    old = install(tmp_path, "1.0")
    stack.start_location("first", FIRST, libraries=(old,))
    stack.start_location("second", SECOND, libraries=(old,), await_ready=False)
    stack.await_location("second", "LOAD_FAILED")
    broken = next(one for one in stack.client.locations.list() if one.name == "second")
    assert "module 'shade' has no attribute 'Shade'" in broken.message
    assert stack.client.runs.submit(location="first", job="all").wait(timeout=30).state.name == "SUCCEEDED"
