"""Both servers answer a generic gRPC client: reflection, health, and calls."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.grpc_tools import Buf, Grpcurl, tool
from tests.acceptance.teams import Teams

pytestmark = [pytest.mark.grpc_tools, pytest.mark.parametrize("kind", [Grpcurl, Buf])]

SCHEDULER = [
    "rivers.v1.CatalogService",
    "rivers.v1.LocationService",
    "rivers.v1.PartitionService",
    "rivers.v1.RunService",
]
LOCATION = ["rivers.v1.DefinitionService", "rivers.v1.StepService"]


def run_id_of(run: dict[str, str]) -> str:
    """One tool writes fields as the contract does, the other as JSON does."""
    return run.get("run_id") or run["runId"]


def test_the_scheduler_lists_its_services(teams: Teams, kind: type[Grpcurl] | type[Buf]) -> None:
    services = tool(kind).services(teams.scheduler)
    assert {*SCHEDULER, "grpc.health.v1.Health"} <= set(services)
    assert not set(LOCATION) & set(services)


def test_a_location_lists_its_services(teams: Teams, kind: type[Grpcurl] | type[Buf]) -> None:
    services = tool(kind).services(teams.weather)
    assert {*LOCATION, "grpc.health.v1.Health"} <= set(services)
    assert not set(SCHEDULER) & set(services)


def test_a_service_is_described(teams: Teams, kind: type[Grpcurl] | type[Buf]) -> None:
    methods = tool(kind).methods(teams.scheduler, "rivers.v1.RunService")
    assert {"SubmitRun", "GetRun", "ListRuns", "CancelRun", "WatchRun", "ListRunEvents"} <= {
        name.rsplit(".", 1)[1] for name in methods
    }
    assert tool(kind).methods(teams.weather, "rivers.v1.StepService") == ["rivers.v1.StepService.Attach"]


def test_health_is_known_for_each_service(teams: Teams, kind: type[Grpcurl] | type[Buf]) -> None:
    for address, services in ((teams.scheduler, SCHEDULER), (teams.weather, LOCATION), (teams.markets, LOCATION)):
        for service in ["", *services]:
            answer = tool(kind).call(address, "grpc.health.v1.Health/Check", json.dumps({"service": service}))
            assert json.loads(answer) == {"status": "SERVING"}, (address, service)


def test_a_run_is_submitted_and_read(teams: Teams, kind: type[Grpcurl] | type[Buf]) -> None:
    body = json.dumps({"location": "weather", "job": "refresh_days"})
    submitted = tool(kind).call(teams.scheduler, "rivers.v1.RunService/SubmitRun", body)
    run_id = run_id_of(json.loads(submitted)["run"])
    watched = tool(kind).call(teams.scheduler, "rivers.v1.RunService/WatchRun", json.dumps({"run_id": run_id}))
    assert "EVENT_TYPE_RUN_SUCCEEDED" in watched
    answer = json.loads(tool(kind).call(teams.scheduler, "rivers.v1.RunService/GetRun", json.dumps({"run_id": run_id})))
    assert answer["run"]["state"] == "RUN_STATE_SUCCEEDED"
    assert [step["key"] for step in answer["steps"]] == ["daily_weather", "clean_weather"]


def test_locations_are_listed(teams: Teams, kind: type[Grpcurl] | type[Buf]) -> None:
    answer = json.loads(tool(kind).call(teams.scheduler, "rivers.v1.CatalogService/ListLocations"))
    assert {one["name"]: one["state"] for one in answer["locations"]} == {
        "markets": "LOCATION_STATE_READY",
        "weather": "LOCATION_STATE_READY",
    }
