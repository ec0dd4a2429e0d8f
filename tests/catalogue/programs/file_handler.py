"""A handler of one's own keeps values in files, where every process finds them."""

import ast

import rivers as rs
from tests.catalogue.outcome import Outcome, scratch


class TextFiles(rs.BaseIOHandler):
    suffix: str = ".txt"

    def handle_output(self, context: rs.OutputContext, obj: object) -> None:
        (scratch() / f"{context.asset_name}{self.suffix}").write_text(repr(obj))
        context.add_output_metadata({"characters": len(repr(obj))})

    def load_input(self, context: rs.InputContext) -> object:
        return ast.literal_eval((scratch() / f"{context.asset_name}{self.suffix}").read_text())


@rs.Asset(io_handler=TextFiles())
def in_a_file() -> list[int]:
    return [1, 2]


@rs.Asset(io_handler="catalogue_files")
def in_another(in_a_file: list[int]) -> list[int]:
    return [*in_a_file, 3]


@rs.Asset
def from_files(in_a_file: list[int], in_another: list[int]) -> int:
    return len(in_a_file) + len(in_another)


ASSETS = [in_a_file, in_another, from_files]
RESOURCES = {"catalogue_files": TextFiles(suffix=".other")}
EXPECTED = Outcome(
    materialized=["in_a_file", "in_another", "from_files"],
    values={"in_a_file": [1, 2], "in_another": [1, 2, 3], "from_files": 5},
    metadata={"in_a_file": {"characters": 6}, "in_another": {"characters": 9}},
)
