"""How much one request may ask for, and how many may ask at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rivers.errors import ConfigurationError
from rivers.limit_options import check_positive, parse

#: A launch document in its short form gains two levels, and the wire takes 24.
DEEPEST_CONFIG = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What is over a limit is refused before anything of it is stored; `docs/limits.md` says what each one is for."""

    message_bytes: int = 4 << 20
    calls: int = 5_000
    calls_per_connection: int = 1_000
    watchers: int = 2_000
    watchers_per_connection: int = 500
    batch: int = 1_000
    page: int = 1_000
    nodes: int = 10_000
    tags: int = 200
    partition_values: int = 10_000
    partition_depth: int = 4
    name_characters: int = 500
    tag_key_characters: int = 200
    tag_value_characters: int = 4_000
    request_id_characters: int = 200
    reason_characters: int = 2_000
    page_token_characters: int = 4_000
    config_bytes: int = 1 << 20
    config_depth: int = DEEPEST_CONFIG
    locations: int = 1_000

    def __post_init__(self) -> None:
        check_positive(self)
        if self.config_depth > DEEPEST_CONFIG:
            raise ConfigurationError(
                f"limit config_depth must be at most {DEEPEST_CONFIG}, got {self.config_depth}", field="config_depth"
            )

    @classmethod
    def parse(cls, given: Iterable[str]) -> Limits:
        """Limits with those changed that are given as NAME=NUMBER."""
        return parse(cls, given)
