"""Partition keys."""

from __future__ import annotations


class PartitionKey:
    """One partition key, or several that are handled together."""
