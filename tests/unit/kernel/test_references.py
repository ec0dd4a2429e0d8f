"""Functions on their way to another process."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

import pytest

from rivers.kernel.references import Reference, StaleModuleError, dumps, dumps_by_name, loads, reference_of, resolve

SOURCE = """
from rivers.definitions.asset import Asset
from rivers.definitions.task import Task

def plain():
    return {answer}

@Asset
def asset():
    return {answer}

@Asset(name="other")
def renamed():
    return {answer}

@Task
def task():
    return {answer}

class Group:
    @staticmethod
    def inner():
        return {answer}

called = Asset(plain)
nameless = Asset(name="nameless")(lambda: {answer})

def make():
    def local():
        return {answer}
    return local
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A function that imports the module anew, with another answer."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(answer):
        (tmp_path / "referred_to.py").write_text(SOURCE.format(answer=answer) + f"# {'x' * answer}\n")
        sys.modules.pop("referred_to", None)
        importlib.invalidate_caches()
        return importlib.import_module("referred_to")

    yield make
    sys.modules.pop("referred_to", None)


@pytest.mark.parametrize(
    ("find", "qualname"),
    [
        (lambda m: m.plain, "plain"),
        (lambda m: m.asset.function, "asset"),
        (lambda m: m.renamed.function, "renamed"),
        (lambda m: m.task.function, "task"),
        (lambda m: m.Group.inner, "Group.inner"),
        (lambda m: m.called.function, "plain"),
    ],
)
def test_a_name_that_leads_back(module, find, qualname):
    function = find(module(1))
    reference = reference_of(function)
    assert reference == Reference("referred_to", qualname)
    assert resolve(reference) is function
    assert loads(dumps(function)) is function


@pytest.mark.parametrize(
    "find", [lambda m: m.nameless.function, lambda m: m.make(), lambda m: len.__call__, lambda m: 3]
)
def test_no_name_leads_back(module, find):
    assert reference_of(find(module(1))) is None


def test_closures_travel_as_code(module):
    function = module(7).make()
    copy = loads(dumps(function))
    assert copy is not function
    assert copy() == 7


def test_a_name_that_leads_elsewhere_now(module):
    first = module(1)
    old, function = first.asset, first.asset.function
    second = module(2)
    assert reference_of(function) is None, "the module's attribute is another asset's"
    assert loads(dumps(function))() == 1
    assert second.asset is not old


def test_other_code_under_the_same_name_is_noticed(module):
    data = dumps(module(1).asset.function)
    module(2)
    with pytest.raises(StaleModuleError, match="module 'referred_to' holds other code under the name 'asset'"):
        loads(data)


def test_a_name_that_came_later_is_noticed(module):
    made = module(1)
    data = dumps(made.asset.function)
    del made.asset
    with pytest.raises(StaleModuleError, match="module 'referred_to' holds other code under the name 'asset'"):
        loads(data)


class Coded(Exception):
    def __init__(self, name, *, code):
        super().__init__(f"no {name}")
        self.code = code


class Missing(FileNotFoundError):
    def __init__(self, path):
        super().__init__(2, "gone", path)


class ReArgued(UnicodeDecodeError):
    def __init__(self):
        super().__init__("utf-8", b"x", 0, 1, "why")
        self.args = ("replaced",)


@dataclass(frozen=True)
class Frozen(Exception):
    number: int


class Slotted(ValueError):
    __slots__ = ("kept",)


def chained():
    error = Coded("two", code=2)
    error.__cause__ = Coded("one", code=1)
    return error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (Coded("a", code=3), ("no a", {"code": 3})),
        (Missing("there"), ("[Errno 2] gone: 'there'", {})),
        (ReArgued(), ("", {})),
        (Frozen(4), ("4", {"number": 4})),
        (Slotted("s"), ("s", {})),
        (ImportError("no", name="n"), ("no", {})),
        (ExceptionGroup("two", [KeyError("k"), Coded("c", code=1)]), ("two (2 sub-exceptions)", {})),
        (chained(), ("no two", {"code": 2})),
    ],
    ids=lambda value: type(value).__name__,
)
def test_exceptions_arrive_as_they_were(error, told):
    arrived = loads(dumps(error))
    assert (type(arrived), repr(arrived.args)) == (type(error), repr(error.args))
    assert (str(arrived), arrived.__dict__) == told
    assert getattr(arrived, "name", None) == getattr(error, "name", None)
    assert repr(arrived.__cause__) == repr(error.__cause__)


def test_only_what_has_no_code_in_it_is_by_name(module):
    class Local:
        pass

    there = module(1)
    named = (1, there.plain, int, there.Group, Reference)
    assert loads(dumps_by_name(named)) == named
    for value in (lambda: 1, Local, Local(), [there.make()]):
        assert dumps_by_name(value) is None
