"""Revision n makes schema n; `rivers.storage.stamp` says which one this build needs."""
