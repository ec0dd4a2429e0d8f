"""`import rivers`: cheap, and the same names for people, programs and type checkers."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rivers

HEAVY = ["grpc", "sqlalchemy", "kubernetes", "loky", "pydantic", "asyncio", "google.protobuf", "typing"]


def test_every_name_resolves():
    for name in rivers.__all__:
        assert getattr(rivers, name) is not None
        assert name in dir(rivers)


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(rivers.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname or alias.name for node in block.body for alias in node.names}
    assert seen == set(rivers.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'rivers' has no attribute 'Nope'"):
        _ = rivers.Nope


@pytest.mark.parametrize("name", ["action", "AssetAction", "Outcome"])
def test_what_this_version_does_not_have_says_so(name):
    with pytest.raises(AttributeError, match=f"rivers.{name}: asset actions are not available in this version"):
        getattr(rivers, name)


def test_importing_rivers_loads_nothing_heavy():
    program = f"import sys, rivers; print([name for name in {HEAVY!r} if name in sys.modules])"
    shown = subprocess.run(
        [sys.executable, "-S", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(rivers.__file__).parents[1],
    )
    assert shown.stdout.strip() == "[]", shown.stderr


def test_declaring_assets_loads_neither_storage_nor_pydantic():
    program = (
        "import sys, rivers as rs\n"
        "@rs.Asset\ndef a(): return 1\n"
        "rs.CodeRepository(assets=[a]).validate()\n"
        "print([name for name in ['grpc', 'sqlalchemy', 'loky', 'pydantic', 'asyncio'] if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
