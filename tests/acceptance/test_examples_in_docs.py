"""Each program in the pages for users runs as it stands and prints what stands under it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.teams import ROOT

PAGES = [ROOT / "docs" / "getting-started.md", *sorted((ROOT / "docs" / "concepts").glob("*.md"))]
EXAMPLE = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)


def _examples() -> Iterator[object]:
    for page in PAGES:
        for number, (program, output) in enumerate(EXAMPLE.findall(page.read_text()), start=1):
            yield pytest.param(program, output, id=f"{page.stem}-{number}")


@pytest.mark.parametrize(("program", "output"), [*_examples()])
def test_an_example_does_what_its_page_says(program: str, output: str, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(program)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == output


def test_every_page_is_in_the_table_and_has_an_example() -> None:
    index = PAGES[0].read_text()
    for page in PAGES[1:]:
        assert f"(concepts/{page.name})" in index
        assert EXAMPLE.search(page.read_text()), page.name
    assert all((PAGES[0].parent / link).exists() for link in re.findall(r"\((concepts/[^)]+)\)", index))
