"""The location that a command is about, as people name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rivers.errors import InvalidRequestError

if TYPE_CHECKING:
    from rivers_client import Client


def located(client: Client, given: str | None) -> str:
    """The location of this name, or the one that serves this module; without either, the only one that there is.

    What is neither is left to the scheduler, which says what there is.
    """
    locations = list(client.locations.list())
    names = [location.name for location in locations]
    if given is None:
        if len(names) == 1:
            return names[0]
        known = f"there are {', '.join(names)}; name one of them" if names else "the scheduler knows none yet"
        raise InvalidRequestError(f"location is missing: {known}", field="location")
    if given in names:
        return given
    serving = [location.name for location in locations if location.module == given]
    if len(serving) > 1:
        raise InvalidRequestError(
            f"module '{given}' is served by {', '.join(serving)}; name one of these locations", field="location"
        )
    return serving[0] if serving else given
