"""`rs.Storage`: what runs left, read and written by name."""

from rivers.repository.storage.facade import Storage
from rivers.repository.storage.statuses import RunStatus, StorageType

__all__ = ["RunStatus", "Storage", "StorageType"]
