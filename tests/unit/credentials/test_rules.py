"""The table of RPCs: every one has an entry, and it says what it should."""

from __future__ import annotations

import pytest

from rivers.credentials.role import Role
from rivers.credentials.rules import RULES, rule_of
from rivers.errors import InvalidRequestError
from tests.contract import OURS, path

ROLES = ("viewer", "operator", "admin", "scheduler", "location:team")
READERS = {"viewer", "operator", "admin"}
OPERATORS = {"operator", "admin"}
WRITES = {"SubmitRun", "BatchSubmitRuns", "CancelRun"}


def methods() -> list[str]:
    """Every RPC of the contract."""
    return [path(method) for method in OURS]


def test_every_method_of_the_contract_has_a_rule() -> None:
    missing = [method for method in methods() if method not in RULES]
    assert not missing, f"say in rivers/credentials/rules.py who may call {missing}"


def test_no_rule_is_of_a_method_that_is_gone() -> None:
    assert {method for method in RULES if method.startswith("/rivers.")} <= set(methods())


@pytest.mark.parametrize("method", methods())
def test_who_may_call_it(method: str) -> None:
    service, name = method.split("/")[1:]
    expected = {
        "rivers.v1.LocationService": {"location:team"},
        "rivers.v1.DefinitionService": {"scheduler"},
        "rivers.v1.StepService": {"scheduler"},
    }.get(
        service, OPERATORS if name in WRITES or not name.startswith(("Get", "List", "Watch", "Forecast")) else READERS
    )
    admitted = {role for role in ROLES if rule_of(method).admits(Role.parse(role))}
    assert admitted <= expected if expected == OPERATORS else admitted == expected
    assert "admin" in admitted or expected in ({"location:team"}, {"scheduler"})
    assert rule_of(method).as_itself == (expected == {"location:team"})
    assert not rule_of(method).is_public


def test_an_unknown_method_is_for_nobody() -> None:
    assert not any(rule_of("/rivers.v1.RunService/New").admits(Role.parse(role)) for role in ROLES)


@pytest.mark.parametrize("text", ["", "root", "location", "location:", "viewer:x", "Viewer", "location:a\nb"])
def test_what_is_no_role_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError, match="is no role"):
        Role.parse(text)
