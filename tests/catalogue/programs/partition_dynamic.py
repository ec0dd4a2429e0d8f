"""Mappings that have to know which keys a dynamic definition has."""

import rivers as rs
from tests.catalogue.outcome import Launch, Outcome


class Told(rs.BaseIOHandler):
    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        pass

    def load_input(self, context: rs.InputContext) -> object:
        return context.partition.key if context.partition is None else str(context.partition.key)


SHOPS, OPEN_SHOPS = rs.PartitionsDefinition.dynamic("dynamic_shops"), rs.PartitionsDefinition.dynamic("dynamic_open")
GOODS = rs.PartitionsDefinition.dynamic("dynamic_goods")


@rs.Asset(partitions_def=rs.PartitionsDefinition.multi({"shop": SHOPS, "good": GOODS}), io_handler=Told())
def shop_stock() -> int:
    return 1


@rs.Asset(partitions_def=OPEN_SHOPS, io_handler=Told())
def shop_sales() -> int:
    return 1


@rs.Asset(io_handler=Told())
def shop_prices() -> int:
    return 1


FIRST = rs.PartitionMapping.for_keys([rs.PartitionKeyRange.single("a", "b")])


@rs.Asset(
    partitions_def=SHOPS,
    deps=[
        rs.AssetDef.input("shop_stock", partition_mapping=rs.PartitionMapping.multi_to_single("shop")),
        rs.AssetDef.input("shop_sales", partition_mapping=rs.PartitionMapping.subset()),
        rs.AssetDef.input("shop_prices", partition_mapping=FIRST),
    ],
)
def shop_balance(shop_stock: str, shop_sales: str | None, shop_prices: str | None) -> list[str | None]:
    return [shop_stock, shop_sales, shop_prices]


DYNAMIC = {"dynamic_shops": ["a", "b", "c"], "dynamic_open": ["a", "b"], "dynamic_goods": ["pear", "apple", "ü"]}
ASSETS = [shop_stock, shop_sales, shop_prices, shop_balance]
LAUNCH = Launch(select=["shop_balance"], partition_key="c")
EXPECTED = Outcome(materialized=["shop_balance"], values={"shop_balance": ["good=apple,pear,ü|shop=c", None, None]})
