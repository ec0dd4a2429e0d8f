"""Who may call what. An RPC that is not named here may be called by nobody who has to show a token."""

from __future__ import annotations

from dataclasses import dataclass

from rivers.credentials.role import LOCATION, PEOPLE, SCHEDULER, Role


@dataclass(frozen=True, slots=True)
class Rule:
    """Kinds of roles that may make a call. `as_itself`: a location, and only for the location that it is.

    `is_public` calls need nothing at all where only this machine can call.
    """

    kinds: frozenset[str]
    as_itself: bool = False
    is_public: bool = False

    def admits(self, role: Role) -> bool:
        """Whether a role is one of them."""
        return role.kind in self.kinds


def _least(kind: str) -> Rule:
    return Rule(frozenset(PEOPLE[PEOPLE.index(kind) :]))


_READ, _OPERATE = _least("viewer"), _least("operator")
_SELF = Rule(frozenset({LOCATION}), as_itself=True)
_DRIVE = Rule(frozenset({SCHEDULER}))
_LOOK = Rule(frozenset({*PEOPLE, SCHEDULER, LOCATION}), is_public=True)

RULES: dict[str, Rule] = {
    "/rivers.v1.CatalogService/ListLocations": _READ,
    "/rivers.v1.CatalogService/ListAssets": _READ,
    "/rivers.v1.CatalogService/ListJobs": _READ,
    "/rivers.v1.CatalogService/ForgetLocation": _OPERATE,
    "/rivers.v1.PartitionService/AddDynamicPartitions": _OPERATE,
    "/rivers.v1.PartitionService/RemoveDynamicPartitions": _OPERATE,
    "/rivers.v1.PartitionService/ListDynamicPartitions": _READ,
    "/rivers.v1.PartitionService/ListPartitions": _READ,
    "/rivers.v1.RunService/SubmitRun": _OPERATE,
    "/rivers.v1.RunService/BatchSubmitRuns": _OPERATE,
    "/rivers.v1.RunService/GetRun": _READ,
    "/rivers.v1.RunService/ListRuns": _READ,
    "/rivers.v1.RunService/CancelRun": _OPERATE,
    "/rivers.v1.RunService/WatchRun": _READ,
    "/rivers.v1.RunService/ListRunEvents": _READ,
    "/rivers.v1.RunService/WatchRunLogs": _READ,
    "/rivers.v1.BackfillService/CreateBackfill": _OPERATE,
    "/rivers.v1.BackfillService/CreateBackfillFromKeys": _OPERATE,
    "/rivers.v1.BackfillService/ForecastBackfill": _READ,
    "/rivers.v1.BackfillService/GetBackfill": _READ,
    "/rivers.v1.BackfillService/ListBackfills": _READ,
    "/rivers.v1.BackfillService/WatchBackfill": _READ,
    "/rivers.v1.BackfillService/ListBackfillPartitions": _READ,
    "/rivers.v1.BackfillService/CancelBackfill": _OPERATE,
    "/rivers.v1.BackfillService/PauseBackfill": _OPERATE,
    "/rivers.v1.BackfillService/ResumeBackfill": _OPERATE,
    "/rivers.v1.BackfillService/RerunBackfill": _OPERATE,
    "/rivers.v1.LocationService/Register": _SELF,
    "/rivers.v1.LocationService/Deregister": _SELF,
    "/rivers.v1.DefinitionService/GetSnapshot": _DRIVE,
    "/rivers.v1.StepService/Attach": _DRIVE,
    "/grpc.health.v1.Health/Check": _LOOK,
    "/grpc.health.v1.Health/List": _LOOK,
    "/grpc.health.v1.Health/Watch": _LOOK,
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo": _LOOK,
}
_NOBODY = Rule(frozenset())


def rule_of(method: str) -> Rule:
    """The rule of an RPC, by its full name."""
    return RULES.get(method, _NOBODY)
