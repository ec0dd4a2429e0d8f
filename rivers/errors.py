"""The error tree.

    RiversError
    ├── DefinitionError            the author: what was declared is wrong
    │   ├── AssetDefinitionError, TaskDefinitionError, ScheduleDefinitionError, SensorDefinitionError,
    │   │   PartitionDefinitionError, ResultDefinitionError, InvalidMetadataError, ConfigurationError
    │   ├── GraphValidationError
    │   │   └── UnresolvedInputError    a `ConfigurationError` too: a resource of that name would do
    │   └── LoadError              a module that cannot be loaded
    ├── RequestError               the caller: what was asked for is wrong
    │   ├── AssetNotFoundError, NodeNotFoundError, JobNotFoundError, LocationNotFoundError, RunNotFoundError,
    │   │   BackfillNotFoundError
    │   ├── PartitionValidationError, ExecutionError, AssetOutputValidationError
    │   ├── InvalidRequestError, ConflictError
    │   ├── UnauthenticatedError, PermissionDeniedError    who asks, and what that one may ask for
    │   └── StorageError
    │       └── SchemaMigrationNeededError
    └── UnavailableError           try again: nothing is wrong with the request
        ├── LocationUnavailableError
        ├── SchedulerUnavailableError
        ├── OverloadedError
        └── StorageUnavailableError    a `StorageError` too

Every class has a stable `code` and the gRPC `status` that it travels as; the client raises the class that the server
raised. Keyword arguments of the constructor become `ids` and attributes: `RunNotFoundError(run_id="x").run_id`.
"""

from __future__ import annotations

from typing import ClassVar


class RiversError(Exception):
    """An error of rivers."""

    code: ClassVar[str] = "rivers_error"
    status: ClassVar[str] = "UNKNOWN"

    def __init__(self, message: str = "", *, field: str = "", remedy: str = "", **ids: str) -> None:
        self.ids = ids
        self.field = field
        self.remedy = remedy
        super().__init__(message or (self.__doc__ or "").format_map(ids))
        if remedy:
            self.add_note(remedy)  # shown below a traceback; the message stays what it is

    def __getattr__(self, name: str) -> str:
        if name == "ids":  # before __init__ ran, as when unpickling
            raise AttributeError(name)
        try:
            return self.ids[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), str(self), self.field, self.remedy, self.ids))


def _rebuild(cls: type[RiversError], message: str, field: str, remedy: str, ids: dict[str, str]) -> RiversError:
    return cls(message, field=field, remedy=remedy, **ids)


class DefinitionError(RiversError):
    """What was declared is wrong."""

    code = "definition_error"
    status = "FAILED_PRECONDITION"


class AssetDefinitionError(DefinitionError):
    """An asset was declared in a way that cannot work."""

    code = "asset_definition_error"


class TaskDefinitionError(DefinitionError):
    """A task was declared in a way that cannot work."""

    code = "task_definition_error"


class ScheduleDefinitionError(DefinitionError):
    """A schedule was declared in a way that cannot work."""

    code = "schedule_definition_error"


class SensorDefinitionError(DefinitionError):
    """A sensor was declared in a way that cannot work."""

    code = "sensor_definition_error"


class PartitionDefinitionError(DefinitionError):
    """A partitions definition or key was declared in a way that cannot work."""

    code = "partition_definition_error"


class ResultDefinitionError(DefinitionError, ValueError):
    """A result contradicts itself."""

    code = "result_definition_error"


class InvalidMetadataError(DefinitionError):
    """A metadata value is not what its type asks for."""

    code = "invalid_metadata"


class ConfigurationError(DefinitionError):
    """A resource, named policy, launch document or setting is wrong."""

    code = "configuration_error"


class GraphValidationError(DefinitionError):
    """The graph of assets and tasks does not hold together."""

    code = "graph_validation_error"


class UnresolvedInputError(GraphValidationError, ConfigurationError):
    """A parameter or dependency that no asset, task or resource is called like."""

    code = "unresolved_input"


class LoadError(DefinitionError):
    """Module {module!r} could not be loaded."""

    code = "load_error"


class RequestError(RiversError):
    """What was asked for is wrong."""

    code = "request_error"
    status = "INVALID_ARGUMENT"


class InvalidRequestError(RequestError):
    """A field of the request is wrong."""

    code = "invalid_request"


class AssetNotFoundError(RequestError):
    """Selection contains unknown asset: {asset!r}."""

    code = "asset_not_found"
    status = "NOT_FOUND"


class NodeNotFoundError(RequestError):
    """Node {node!r} not found in repository."""

    code = "node_not_found"
    status = "NOT_FOUND"


class JobNotFoundError(NodeNotFoundError, ValueError):
    """Job {job!r} not found; `rivers jobs list` shows what there is."""

    code = "job_not_found"


class LocationNotFoundError(RequestError):
    """Location {location!r} not found; `rivers locations list` shows what there is."""

    code = "location_not_found"
    status = "NOT_FOUND"


class RunNotFoundError(RequestError):
    """Run {run_id!r} not found; `rivers runs list` shows what there is."""

    code = "run_not_found"
    status = "NOT_FOUND"


class BackfillNotFoundError(RequestError):
    """Backfill {backfill_id!r} not found; `rivers backfills list` shows what there is."""

    code = "backfill_not_found"
    status = "NOT_FOUND"


class PartitionValidationError(RequestError):
    """A partition key or mapping does not fit."""

    code = "partition_validation_error"


class ExecutionError(RequestError):
    """A run cannot be executed as asked."""

    code = "execution_error"
    status = "FAILED_PRECONDITION"


class AssetOutputValidationError(RequestError):
    """An asset returned something else than it declares."""

    code = "asset_output_validation_error"
    status = "FAILED_PRECONDITION"


class ConflictError(RequestError):
    """Somebody else was first, or holds the name."""

    code = "conflict"
    status = "ALREADY_EXISTS"


class UnauthenticatedError(RequestError):
    """The server does not know who asks; give a valid token with --token-file or RIVERS_TOKEN."""

    code = "unauthenticated"
    status = "UNAUTHENTICATED"


class PermissionDeniedError(RequestError):
    """The caller may not do that; ask for a token with another role."""

    code = "permission_denied"
    status = "PERMISSION_DENIED"


class StorageError(RequestError):
    """The storage refuses."""

    code = "storage_error"
    status = "FAILED_PRECONDITION"


class SchemaMigrationNeededError(StorageError):
    """The database was made by an older version; run `rivers db migrate`."""

    code = "schema_migration_needed"


class UnavailableError(RiversError):
    """Not possible right now; try again."""

    code = "unavailable"
    status = "UNAVAILABLE"


class LocationUnavailableError(UnavailableError):
    """Location {location!r} is not connected; the request is not wrong, try again when it is."""

    code = "location_unavailable"


class SchedulerUnavailableError(UnavailableError):
    """No scheduler answers at {address}; start one with `rivers scheduler`."""

    code = "scheduler_unavailable"


class OverloadedError(UnavailableError):
    """All places for {limit} are taken; try again when some are free."""

    code = "overloaded"
    status = "RESOURCE_EXHAUSTED"


class StorageUnavailableError(UnavailableError, StorageError):
    """Database {database} cannot be used right now: it is locked, full or gone."""

    code = "storage_unavailable"


def _walk(cls: type[RiversError]) -> list[type[RiversError]]:
    return [cls, *(found for child in cls.__subclasses__() for found in _walk(child))]


def by_code(code: str) -> type[RiversError]:
    """The class that has this code; `RiversError` for one that this version does not know."""
    return next((cls for cls in _walk(RiversError) if cls.code == code), RiversError)
