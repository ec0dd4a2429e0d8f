"""A version that is given beats one that is registered, and that beats a new one."""

import rivers as rs
from tests.catalogue.outcome import Outcome


@rs.Asset
def given_version(context: rs.AssetExecutionContext) -> rs.Output:
    context.register_data_version("registered")
    return rs.Output(1, data_version="given")


@rs.Asset
def registered_version(context: rs.AssetExecutionContext) -> int:
    context.register_data_version("registered")
    return 1


@rs.Asset
def new_version() -> int:
    return 1


ASSETS = [given_version, registered_version, new_version]
EXPECTED = Outcome(
    materialized=["given_version", "registered_version", "new_version"],
    versions={"given_version": "given", "registered_version": "registered", "new_version": "a new one"},
)
