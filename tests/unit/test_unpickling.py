"""Nothing that came over the network is run or unpickled.

An import contract keeps the modules that unpickle away from programs that listen; here is the rest.
"""

from __future__ import annotations

import ast
from pathlib import Path

import grimp
import pytest

from codeloc.values import StoredValue

ROOT = Path(__file__).parents[2]
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"load", "loads", "Unpickler"}


def reachable(module: str) -> set[str]:
    """Every module of ours that this one imports, however indirectly."""
    ours = ("rivers", "rivers_server", "rivers_client", "codeloc")
    graph = grimp.build_graph(*ours, exclude_type_checking_imports=True)
    inside = {one for one in graph.modules if one == module or one.startswith(f"{module}.")}
    return inside | {found for one in inside for found in graph.find_upstream_modules(one)}


def source(module: str) -> ast.Module:
    path = ROOT / module.replace(".", "/")
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text())


def calls(tree: ast.Module) -> set[str]:
    """The names of all that is called."""
    found = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return {one.id for one in found if isinstance(one, ast.Name)} | {
        ast.unparse(one) for one in found if isinstance(one, ast.Attribute)
    }


@pytest.mark.parametrize("program", ["rivers_server", "rivers_client", "codeloc.app"])
def test_nothing_that_speaks_to_the_network_runs_text(program: str) -> None:
    modules = reachable(program)
    assert len(modules) > 20
    assert {module: called for module in modules if (called := calls(source(module)) & RUNS_TEXT)} == {}


def test_a_location_unpickles_in_one_place_what_its_own_directory_holds() -> None:
    unpickling = {
        path.stem
        for path in (ROOT / "codeloc").glob("*.py")
        if calls(source(f"codeloc.{path.stem}")) & {f"pickle.{name}" for name in UNPICKLES}
    }
    assert unpickling == {"values"}


@pytest.mark.parametrize("run_id", ["../../evil", "/etc", "a/../../b", "~root", "x" * 5_000, "\ud800", "%2e%2e"])
@pytest.mark.parametrize("node", ["../../../passwd", "/etc/passwd", "../", "a\0b", "n" * 5_000])
def test_no_name_leads_out_of_the_directory(tmp_path: Path, run_id: str, node: str) -> None:
    values = tmp_path / "values"
    path = Path(StoredValue(values, run_id, 7)._path(node))
    assert path.resolve().is_relative_to(values.resolve())
    assert path.parent.parent == values


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_that_is_a_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot be part of a path"):
        StoredValue(tmp_path, name, 7)._path("node")
