"""Checks of what is installed: the interpreter, and every package that this version of rivers needs."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version

from rivers.cli.checkup.finding import Finding, Level

_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^]]*\])?\s*(?:>=\s*(?P<floor>[0-9.]+))?")
_OLDEST_PYTHON = (3, 11)
#: Told by name even when they are fine: whoever asks for help is asked for these.
_TOLD = ("grpcio", "protobuf", "sqlalchemy")


def check_installation() -> Iterator[Finding]:
    """Python first, then packages."""
    yield _python()
    wrong = [finding for finding in map(_package, _requirements()) if finding is not None]
    if wrong:
        yield from wrong
        return
    told = ", ".join(f"{name} {version(name)}" for name in _TOLD)
    yield Finding("packages", Level.OK, f"rivers {version('rivers')} with {told}")


def _python() -> Finding:
    told = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    if sys.version_info < _OLDEST_PYTHON:
        oldest = ".".join(map(str, _OLDEST_PYTHON))
        return Finding("python", Level.ERROR, told, f"rivers needs Python {oldest}: install it and make a new venv")
    return Finding("python", Level.OK, told)


def _requirements() -> list[str]:
    return [requirement for requirement in requires("rivers") or () if "extra ==" not in requirement]


def _package(requirement: str) -> Finding | None:
    matched = _REQUIREMENT.match(requirement)
    if matched is None:
        return None
    name, floor = matched["name"], matched["floor"] or "0"
    remedy = f"run `{sys.executable} -m pip install '{name}>={floor}'`"
    try:
        found = version(name)
    except PackageNotFoundError:
        return Finding("packages", Level.ERROR, f"{name} is not installed", remedy)
    if numbers(found) < numbers(floor):
        return Finding("packages", Level.ERROR, f"{name} {found} is older than {floor}", remedy)
    return None


def numbers(text: str) -> tuple[int, ...]:
    """A version as numbers, as far as it has any; zeros at its end say nothing."""
    found: list[int] = []
    for part in text.split("."):
        digits = re.match(r"\d+", part)
        if digits is None:
            break
        found.append(int(digits[0]))
        if digits[0] != part:
            break
    while found and not found[-1]:
        found.pop()
    return tuple(found)
