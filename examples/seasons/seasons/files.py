"""Where a partition's value is kept: a JSON file each."""

import json
from pathlib import Path
from typing import Any

from pydantic_settings import SettingsConfigDict

import rivers as rs


class PartitionFiles(rs.BaseIOHandler):
    """`directory/asset/key.json`; SEASONS_DIRECTORY says where. What reads several partitions gets a list."""

    model_config = SettingsConfigDict(env_prefix="SEASONS_")

    directory: str = ".seasons"

    def handle_output(self, context: rs.OutputContext, obj: Any) -> None:
        path = self._path(context.asset_name, str(context.partition.key))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(obj))

    def load_input(self, context: rs.InputContext) -> list[Any]:
        keys = [key for some in context.partition.keys for key in some.expand()]
        return [json.loads(self._path(context.asset_name, str(key)).read_text()) for key in keys]

    def _path(self, asset: str, key: str) -> Path:
        return Path(self.directory, asset, f"{key}.json")
