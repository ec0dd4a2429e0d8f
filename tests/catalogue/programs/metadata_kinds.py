"""Metadata of every kind that a value can have."""

import rivers as rs
from tests.catalogue.outcome import Outcome

KINDS = {
    "text": rs.MetadataValue.text("t"),
    "int": rs.MetadataValue.int(1),
    "float": rs.MetadataValue.float_(1.5),
    "bool": rs.MetadataValue.bool_(False),
    "path": rs.MetadataValue.path("/a/b"),
    "json": rs.MetadataValue.json('{"a": [1]}'),
    "md": rs.MetadataValue.md("# a"),
    "null": rs.MetadataValue.null(),
    "bytes": rs.MetadataValue.bytes(1024),
    "percentage": rs.MetadataValue.percentage(12.5),
    "sql": rs.MetadataValue.sql("select 1", "sqlite"),
    "code": rs.MetadataValue.code_block("x = 1", "python"),
}


@rs.Asset
def described() -> rs.Output:
    return rs.Output(1, metadata=KINDS)


@rs.Asset
def kinds_known(described: int) -> int:
    return described + len(KINDS)


ASSETS = [described, kinds_known]
EXPECTED = Outcome(materialized=["described", "kinds_known"], values={"kinds_known": 13})
