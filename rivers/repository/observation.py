"""What `observe` returns."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, KeysView, Mapping, ValuesView
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from rivers.definitions.metadata import MetadataValue
from rivers.definitions.metadata_entries import restore
from rivers.lifecycle.states import EventType
from rivers.repository.run_result import RunResult
from rivers.storage import events
from rivers.storage.database import Database
from rivers.wire.values import decode_value

Seen = dict[str, MetadataValue]


@dataclass(frozen=True, slots=True, init=False, repr=False)
class ObservationResult(RunResult):
    """A run's result that is a mapping, too: asset name to the metadata of its observation, `None` for none."""

    _seen: Mapping[str, Seen | None]

    def __getitem__(self, name: str) -> Seen | None:
        return self._seen[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, name: object) -> bool:
        return name in self._seen

    def keys(self) -> KeysView[str]:
        """Names of the assets that were observed."""
        return self._seen.keys()

    def values(self) -> ValuesView[Seen | None]:
        """What was seen of each."""
        return self._seen.values()

    def items(self) -> ItemsView[str, Seen | None]:
        """Names with what was seen."""
        return self._seen.items()

    def get(self, name: str, default: Any = None) -> Any:
        """What was seen of an asset."""
        return self._seen.get(name, default)

    @classmethod
    def nothing(cls) -> ObservationResult:
        """Nothing was there to be observed."""
        return cls.of(success=True, run_id="", materialized_assets=[], failed_assets=[], _seen=MappingProxyType({}))


Mapping.register(ObservationResult)


def seen_in(database: Database, run_id: str) -> Mapping[str, Seen | None]:
    """What a run observed, by asset."""
    with database.read() as connection:
        found = [event for event in events.of_run(connection, run_id) if EventType(event.type) == EventType.OBSERVED]
    return MappingProxyType(
        {
            event.node: {entry.key: restore(entry.kind, decode_value(entry.value)) for entry in event.metadata} or None
            for event in found
        }
    )
