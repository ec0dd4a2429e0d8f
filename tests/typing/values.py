"""What is loaded and observed has the type that was asked for."""

from typing import Any, assert_type

import rivers as rs


class Text(rs.BaseIOHandler):
    folder: str

    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        assert_type(context.output_metadata, dict[str, rs.MetadataValue] | None)
        context.add_output_metadata({"bytes": 3})

    def load_input(self, context: rs.InputContext) -> str:
        assert_type(context.downstream_asset, str)
        return context.asset_name


class Half(rs.BaseIOHandler):
    def load_input(self, context: rs.InputContext) -> str:
        return ""


Half()  # E: abstract


@rs.Asset.external(io_handler=Text(folder="."))
def source(context: rs.AssetExecutionContext) -> rs.Observation:
    return rs.Observation(metadata={"rows": 3}, data_version="1")


plain = rs.Asset.external(name="plain", io_handler="store")
assert_type(source, rs.ExternalAsset)
assert_type(plain, rs.ExternalAsset)

greet = rs.BashTask("greet", ["echo", "you"], env={"A": "b"})
assert_type(greet(), str)
assert_type(greet.command, str | list[str])
rs.BashTask("greet", 3)  # E: arg-type
rs.BashTask("greet")  # E: call-arg

repo = rs.CodeRepository(assets=[source, plain], tasks=[greet])
assert_type(repo.load_node("source"), Any)
assert_type(repo.load_node("source", type_hint=int), int)
assert_type(repo.load_node("source", type_hint=list[str]), list[str])
repo.load_node("source", int)  # E: call-overload
repo.load_node(3)  # E: call-overload

seen = repo.observe()
assert_type(seen.success, bool)
assert_type(seen["source"], dict[str, rs.MetadataValue] | None)
repo.observe("source")  # E: arg-type

assert_type(rs.Schema.from_ipc(b"").names, list[str])
rs.Schema(3)  # E: arg-type
rs.SingleAsset(print)
