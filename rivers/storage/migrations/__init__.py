"""Migrations: one file under `versions` for each schema. Loaded only to migrate."""
