"""A step's configuration: what the launch says, and the model, filled when the step starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rivers.errors import ConfigurationError


def build_config(model: Any, overrides: Mapping[str, Any] | None) -> Any:
    """An instance of the model: overrides, then the environment for settings, then defaults; `None` without a model."""
    if model is None:
        return None
    from pydantic import BaseModel  # whoever has a model has loaded it

    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        found = model.__name__ if isinstance(model, type) else type(model).__name__
        raise ConfigurationError(f"Expected a Pydantic BaseModel/BaseSettings subclass, got {found}")
    return model(**overrides) if overrides else model()


def launched(
    document: Mapping[str, Any] | None, step: str
) -> tuple[Mapping[str, Any] | None, Mapping[str, str] | None]:
    """What a launch document says of a step: fields of its model, and entries of its static metadata."""
    part = ((document or {}).get("assets") or {}).get(step)
    return (part.get("config"), part.get("metadata")) if part else (None, None)
