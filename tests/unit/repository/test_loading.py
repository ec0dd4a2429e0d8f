"""Loading a repository from a module."""

import sys

import pytest

from rivers.exceptions import LoadError
from rivers.repository.loading import load_repository

SOURCE = """
import rivers as rs

@rs.Asset
def a(): return 1

repo = rs.CodeRepository(assets=[a])
something = 3
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory that is not on the path; modules of it are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    yield tmp_path
    for name in ("here", "raises", "imports"):
        sys.modules.pop(name, None)


def refused(text, *args):
    with pytest.raises(LoadError) as caught:
        load_repository(*args)
    assert str(caught.value) == text
    return caught.value


def test_a_module_of_the_working_directory_is_found(place):
    (place / "here.py").write_text(SOURCE)
    repo = load_repository("here")
    assert list(repo.assets) == ["a"]
    assert (repo.bound.snapshot.module, repo.bound.snapshot.repository) == ("here", "repo")


def test_what_is_not_there_is_named(place):
    (place / "here.py").write_text(SOURCE)
    refused("module 'nowhere' not found", "nowhere")
    refused("module 'here.deeper' not found", "here.deeper")
    refused("module '' not found", "")
    error = refused("'rep' not found in module 'here'", "here", "rep")
    assert error.remedy == "it defines 'repo'"
    refused("'something' is not a CodeRepository", "here", "something")


def test_what_the_module_raises_passes_through(place):
    (place / "raises.py").write_text("raise ValueError('boom')")
    (place / "imports.py").write_text("import nothing_of_this_name")
    with pytest.raises(ValueError, match="boom"):
        load_repository("raises")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        load_repository("imports")
