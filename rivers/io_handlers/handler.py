"""What every IO handler is: settings, and two methods that store and load a node's value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from rivers.kernel.io_contexts import InputContext, OutputContext


class BaseIOHandler(BaseSettings, ABC):
    """Stores and loads the values of nodes.

    Fields come from constructor arguments, then environment variables, then `.env`, then defaults. An instance may be
    sent to another process by its class and fields, so nothing that matters may live elsewhere.
    """

    model_config = SettingsConfigDict(env_file=".env", arbitrary_types_allowed=True)

    @abstractmethod
    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Stores a value. Metadata and data version added to the context go into the materialization."""

    @abstractmethod
    def load_input(self, context: InputContext) -> Any:
        """Loads what `handle_output` stored; raises when it is not there."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        if isinstance(dotenv_settings, DotEnvSettingsSource):
            dotenv_settings = _OwnLines(settings_cls, dotenv_settings.env_file, dotenv_settings.env_file_encoding)
        return init_settings, env_settings, dotenv_settings, file_secret_settings


class _OwnLines(DotEnvSettingsSource):
    """A `.env` file, of which other programs' lines are nobody's error here."""

    def __call__(self) -> dict[str, Any]:
        return EnvSettingsSource.__call__(self)
