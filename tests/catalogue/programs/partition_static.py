"""A run of one partition: assets know their key and load that partition of each other."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome

REGIONS = rs.PartitionsDefinition.static_(["eu", "us"])


@rs.Asset(partitions_def=REGIONS)
def sales(context: rs.AssetExecutionContext) -> str:
    return f"sales {context.partition_key}"


@rs.Asset(partitions_def=REGIONS)
def report_of_sales(context: rs.AssetExecutionContext, sales: str) -> str:
    return f"{sales} in {context.partition_key} {context.has_partition_key}"


ASSETS = [sales, report_of_sales]
LAUNCH = Launch(select=["sales", "report_of_sales"], partition_key="us")
EXPECTED = Outcome(
    materialized=["sales", "report_of_sales"], values={"sales": "sales us", "report_of_sales": "sales us in us True"}
)
