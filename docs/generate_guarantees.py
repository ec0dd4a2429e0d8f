"""Writes the list of tests in `docs/guarantees.md` from their names; `--check` fails when it is stale."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

PAGE = Path(__file__).with_name("guarantees.md")
ROOT = PAGE.parent.parent
MARK = "This part is written by `make docs`.\n"
TEST = re.compile(r"^\s*(?:async )?def test_([A-Z])(\d+)_(\w+)", re.MULTILINE)
PROMISES = "SLQPF"


def page() -> str:
    """The page with today's tests below the mark."""
    head = PAGE.read_text().partition(MARK)[0]
    rows = [
        f"| {identifier(letter, number)} | {what.replace('_', ' ')} | `{path}` |"
        for letter, number, what, path in sorted(tests())
    ]
    return "\n".join([head + MARK, "| id | test | in |", "| --- | --- | --- |", *rows, ""])


def tests() -> set[tuple[str, int, str, str]]:
    """Letter, number, the rest of the name and the file of every test that names an id."""
    return {
        (letter, int(number), what, str(path.relative_to(ROOT)))
        for path in (ROOT / "tests").rglob("test_*.py")
        for letter, number, what in TEST.findall(path.read_text())
    }


def identifier(letter: str, number: int) -> str:
    """S-01 for a promise, A10 for a rule."""
    return f"{letter}-{number:02}" if letter in PROMISES else f"{letter}{number}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    if not parser.parse_args().check:
        PAGE.write_text(page())
    elif PAGE.read_text() != page():
        raise SystemExit("docs/guarantees.md is stale: run `make docs`")


if __name__ == "__main__":
    main()
