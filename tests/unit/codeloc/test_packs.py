"""Small values of a run in one file."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codeloc import packs as module
from codeloc.packs import Packs


@pytest.fixture
def run(tmp_path: Path) -> str:
    return str(tmp_path / "values" / "run")


def test_each_writer_has_a_pack_of_its_own_and_reads_all(run: str) -> None:
    writers = [Packs() for _ in range(3)]
    for token in range(30):
        writers[token % 3].append(run, token, "node", b"%d" % token)
        reader = writers[(token + 1) % 3]
        assert [reader.load(run, known, "node") for known in range(token + 1)] == [b"%d" % n for n in range(token + 1)]
    assert len(os.listdir(run)) == 3


def test_a_value_is_of_a_node_and_of_an_attempt(run: str) -> None:
    packs = Packs()
    packs.append(run, 1, "left", b"l")
    packs.append(run, 1, "right", b"")
    assert [packs.load(run, 1, "left"), packs.load(run, 1, "right")] == [b"l", b""]
    assert [packs.load(run, 2, "left"), packs.load(run, 1, "other")] == [None, None]
    assert packs.load(f"{run}-of-nobody", 1, "left") is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_torn_end_hides_nothing_before_it(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    run = str(tmp_path_factory.mktemp("torn"))
    values = data.draw(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
    dead = Packs()
    ends = [place.offset + place.size for place in (dead.append(run, n, "n", v) for n, v in enumerate(values))]
    (pack,) = Path(run).iterdir()
    cut = data.draw(st.integers(0, ends[-1]))
    os.truncate(pack, cut)
    alive = Packs()
    alive.append(run, 99, "n", b"of another writer")
    whole = [value if end <= cut else None for value, end in zip(values, ends, strict=True)]
    assert [alive.load(run, n, "n") for n in range(len(values))] == whole
    assert alive.load(run, 99, "n") == b"of another writer"


@pytest.fixture
def small_files() -> Iterator[int]:
    """No file of this process may grow past so many bytes."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    yield 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_what_does_not_fit_leaves_nothing(run: str, small_files: int) -> None:
    packs = Packs()
    packs.append(run, 1, "n", b"first")
    with pytest.raises(OSError, match="too large"):
        packs.append(run, 2, "n", b"x" * small_files)
    packs.append(run, 3, "n", b"third")
    assert [Packs().load(run, token, "n") for token in (1, 2, 3)] == [b"first", None, b"third"]


def test_packs_of_runs_that_were_not_asked_for_lately_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    packs = Packs()
    runs = [str(tmp_path / str(number)) for number in range(4)]
    for token, run in enumerate(runs):
        packs.append(run, token, "n", b"%d" % token)
    for _ in range(2):
        assert [packs.load(run, token, "n") for token, run in enumerate(runs)] == [b"0", b"1", b"2", b"3"]
    assert len(packs._indexes) == 2
