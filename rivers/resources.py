"""Resources: what functions are handed by name, set up once and torn down once."""

from __future__ import annotations

from pydantic_settings import BaseSettings


class Resource(BaseSettings):
    """Settings with a life: fields come from keyword arguments or environment variables."""

    def setup(self) -> None:
        """Called once, when the repository is resolved."""

    def teardown(self) -> None:
        """Called once, when the repository shuts down."""
