"""The IO handler that pickles values into an object store."""

from __future__ import annotations

import pickle
from time import perf_counter
from typing import Any

from pydantic import field_validator
from pydantic_settings import SettingsConfigDict

from rivers.io_handlers.handler import BaseIOHandler
from rivers.io_handlers.local_files import write_small
from rivers.kernel.io_contexts import InputContext, OutputContext
from rivers.partitions.suffix import partition_suffix


class PickleIOHandler(BaseIOHandler):
    """Pickles values as `[prefix/]asset.pkl`, partitioned ones as `[prefix/]asset/partition/data.pkl`.

    `store` is an obstore store, an object with the same `put` and `get`, or an fsspec file system. What is not there is
    the store's error. Values in an obstore `MemoryStore` live in one process.
    """

    model_config = SettingsConfigDict(env_prefix="RIVERS_PICKLE_")

    store: Any
    prefix: str = ""

    @field_validator("store")
    @classmethod
    def _check_store(cls, store: Any) -> Any:
        if not (callable(getattr(store, "put", None)) and callable(getattr(store, "get", None))):
            raise ValueError(f"store must be an obstore store such as LocalStore(path), got {type(store).__name__}")
        return store

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        path = self._path(context)
        data = pickle.dumps(obj, protocol=pickle.HIGHEST_PROTOCOL)
        started = perf_counter()
        self._write(path, data)
        context.add_output_metadata(
            {
                "path": path,
                "serializer": "pickle",
                "size_bytes": len(data),
                "write_duration_s": round(perf_counter() - started, 6),
            }
        )

    def load_input(self, context: InputContext) -> Any:
        return pickle.loads(self._read(self._path(context)))

    def _write(self, path: str, data: bytes) -> None:
        if write_small(self.store, path, data):
            return
        if not _is_file_system(self.store):
            self.store.put(path, data)
            return
        if "/" in path:
            self.store.makedirs(path.rpartition("/")[0], exist_ok=True)
        self.store.pipe_file(path, data)

    def _read(self, path: str) -> bytes:
        if _is_file_system(self.store):
            return bytes(self.store.cat_file(path))
        return bytes(self.store.get(path).bytes())

    def _path(self, context: InputContext | OutputContext) -> str:
        suffix = partition_suffix(context.partition)
        path = f"{context.asset_name}.pkl" if suffix is None else f"{context.asset_name}/{suffix}/data.pkl"
        prefix = self.prefix.strip("/")
        return f"{prefix}/{path}" if prefix else path


def _is_file_system(store: Any) -> bool:
    """Whether it is one of fsspec, whose `put` and `get` copy files."""
    return hasattr(store, "pipe_file") and hasattr(store, "cat_file")
