"""Small values of a `LocalStore` are written past it, to the same effect."""

from __future__ import annotations

import os
import stat

import pytest
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore

from rivers.io_handlers import PickleIOHandler
from rivers.io_handlers.local_files import write_small
from rivers.kernel.io_contexts import InputContext, OutputContext


def files(root):
    return {
        str(path.relative_to(root)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("path", ["a.pkl", "a_b-c.pkl", "x/a.pkl", "a/d=1/b=x/data.pkl", "A9", "-a.", "_/..a"])
def test_what_is_there_is_what_the_store_writes(tmp_path, path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for data in (b"first", b""):
        for root in (ours, theirs):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
        is_written = write_small(LocalStore(ours), path, data)
        assert is_written == (".." not in path)
        if is_written:
            LocalStore(theirs).put(path, data)
            assert files(ours) == files(theirs)


@pytest.mark.parametrize(
    "path", ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", ".a", "a#1", "a b", "a%20b", "\u00e4", "a\n"]
)
def test_paths_that_need_parsing_are_the_stores(tmp_path, path):
    assert not write_small(LocalStore(tmp_path), path, b"x")
    assert files(tmp_path) == {}


class Counting(LocalStore):
    """A store of an author's own."""


@pytest.mark.parametrize("store", [MemoryStore, LocalStore, lambda: Counting("."), object])
def test_other_stores_write_themselves(store):
    assert not write_small(store(), "a", b"x")


def test_large_values_are_the_stores(tmp_path):
    assert write_small(LocalStore(tmp_path), "a", bytes(1 << 16))
    assert not write_small(LocalStore(tmp_path), "b", bytes(1 + (1 << 16)))


def test_what_cannot_be_written_here_is_the_stores_to_say(tmp_path):
    (tmp_path / "p.pkl").mkdir()
    handler = PickleIOHandler(store=LocalStore(tmp_path))
    with pytest.raises((BaseError, OSError)):
        handler.handle_output(OutputContext("p"), 1)
    assert os.listdir(tmp_path) == ["p.pkl"]


def test_beside_another_writer_of_the_same_value_the_store_finds_a_way(tmp_path):
    (tmp_path / "p.pkl#1").touch()
    handler = PickleIOHandler(store=LocalStore(tmp_path))
    handler.handle_output(OutputContext("p"), 1)
    assert handler.load_input(InputContext("p", "q")) == 1


def test_directories_are_made(tmp_path):
    handler = PickleIOHandler(store=LocalStore(tmp_path), prefix="x/y")
    for value in (1, 2):
        handler.handle_output(OutputContext("p"), value)
        assert handler.load_input(InputContext("p", "q")) == value
    assert list(files(tmp_path)) == ["x/y/p.pkl"]
