"""`rs.Storage`: what runs left, read and written by name."""

from rivers.definitions.run_status import RunStatus
from rivers.repository.storage.facade import Storage
from rivers.repository.storage.statuses import StorageType

__all__ = ["RunStatus", "Storage", "StorageType"]
