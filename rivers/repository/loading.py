"""Loads the repository that a module defines."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

from rivers.definitions.suggestion import nearest
from rivers.errors import LoadError

if TYPE_CHECKING:
    from rivers.repository.code_repository import CodeRepository


def load_repository(module: str, variable: str = "repo") -> CodeRepository:
    """Imports the module, looked for in the working directory too, and returns the repository that it defines.

    What the module itself raises passes through.
    """
    from rivers.repository.code_repository import CodeRepository

    working_directory = os.getcwd()
    if working_directory not in sys.path and "" not in sys.path:
        sys.path.insert(0, working_directory)
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(f"{error.name}.")):
            raise  # the module is there, and imports something that is not
        raise LoadError(f"module '{module}' not found", module=module) from None
    except (TypeError, ValueError) as error:
        if isinstance(module, str) and module and not module.startswith("."):
            raise
        raise LoadError(f"module '{module}' not found", module=str(module)) from error
    try:
        repository = getattr(loaded, variable)
    except AttributeError:
        candidates = [name for name, value in vars(loaded).items() if isinstance(value, CodeRepository)]
        raise LoadError(
            f"'{variable}' not found in module '{module}'",
            remedy=nearest(variable, vars(loaded)) if not candidates else f"it defines '{candidates[0]}'",
            module=module,
        ) from None
    if not isinstance(repository, CodeRepository):
        raise LoadError(f"'{variable}' is not a CodeRepository", module=module)
    repository.name_source(module, variable)
    return repository
