"""Who or what started a run."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.lifecycle.states import LaunchCause
from rivers.repository.record import Record


@dataclass(frozen=True, slots=True, init=False)
class UserRef(Record):
    """Somebody who is known by more than a name."""

    subject: str
    email: str | None
    name: str | None

    @property
    def display(self) -> str:
        """What people are shown: name, else email, else subject."""
        return self.name or self.email or self.subject


@dataclass(frozen=True, slots=True, init=False, repr=False)
class LaunchedBy(Record):
    """The origin of a run; `kind` is the name of the factory that made it."""

    kind: str
    name: str | None
    backfill_id: str | None
    user: UserRef | None

    @classmethod
    def manual(cls) -> LaunchedBy:
        """A person or a program."""
        return cls._made("manual")

    @classmethod
    def schedule(cls, name: str) -> LaunchedBy:
        """A schedule."""
        return cls._made("schedule", name=name)

    @classmethod
    def sensor(cls, name: str) -> LaunchedBy:
        """A sensor."""
        return cls._made("sensor", name=name)

    @classmethod
    def backfill(cls, backfill_id: str) -> LaunchedBy:
        """A backfill."""
        return cls._made("backfill", backfill_id=backfill_id)

    @classmethod
    def condition(cls) -> LaunchedBy:
        """An automation condition."""
        return cls._made("condition")

    @classmethod
    def by(cls, cause: LaunchCause, name: str) -> LaunchedBy:
        """The origin that a row names."""
        match cause:
            case LaunchCause.SCHEDULE:
                return cls.schedule(name)
            case LaunchCause.SENSOR:
                return cls.sensor(name)
            case LaunchCause.BACKFILL_UNIT:
                return cls.backfill(name)
            case LaunchCause.CONDITION:
                return cls.condition()
        return cls.manual()

    @classmethod
    def _made(cls, kind: str, name: str | None = None, backfill_id: str | None = None) -> LaunchedBy:
        for argument in (name, backfill_id):
            if argument is not None and not isinstance(argument, str):
                raise TypeError(f"expected str, got {type(argument).__name__}")
        return cls.of(kind=kind, name=name, backfill_id=backfill_id, user=None)

    def __repr__(self) -> str:
        argument = self.name if self.name is not None else self.backfill_id
        return f"LaunchedBy.{self.kind}({'' if argument is None else _quoted(argument)})"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
