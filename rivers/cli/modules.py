"""Loading a user's module: whatever is wrong with it becomes one line."""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from rivers.errors import LoadError, RiversError

if TYPE_CHECKING:
    from rivers.repository.code_repository import CodeRepository

Module: TypeAlias = Annotated[str, typer.Argument(metavar="MODULE", help="A Python module.", show_default=False)]
RepoVar: TypeAlias = Annotated[str, typer.Option("--repo-var", help="The variable that holds the CodeRepository.")]

#: What commands of this process imported: of each command a module is read anew, as its repository keeps its store.
_imported: set[str] = set()


def load(module: str, variable: str) -> CodeRepository:
    """The repository that a module defines, checked."""
    from rivers.repository.loading import load_repository

    if module in _imported:
        sys.modules.pop(module, None)
        importlib.invalidate_caches()
    elif module not in sys.modules:
        _imported.add(module)
    try:
        repository = load_repository(module, variable)
    except RiversError:
        raise
    except (Exception, SystemExit) as error:
        raise LoadError(f"module '{module}' cannot be loaded: {_cause(error)}{_place(error)}", module=module) from error
    repository.validate()
    return repository


def require(module: str) -> None:
    """Refuses a module that does not exist. Nothing of it is imported: that is left to a process of its own."""
    path = ["", str(Path.cwd()), *sys.path]
    for part in module.split("."):
        found = PathFinder.find_spec(part, path) if part else None
        if found is None:
            raise LoadError(f"module '{module}' not found", module=module)
        path = list(found.submodule_search_locations or ())


def _cause(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"it exits with {error.code!r}"
    return f"{type(error).__name__}: {error}"


def _place(error: BaseException) -> str:
    """The innermost line outside of the import machinery and of rivers."""
    if isinstance(error, SyntaxError):
        return ""  # its text names file and line
    place = ""
    trace = error.__traceback__
    ours = str(Path(__file__).parents[1])
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if not name.startswith(("<", ours)):
            place = f" ({name}, line {trace.tb_lineno})"
        trace = trace.tb_next
    return place
