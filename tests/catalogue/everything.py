"""All programs of the catalogue as one repository, for a location to serve."""

import os

import rivers as rs
from tests.catalogue.outcome import programs, repository_of

repo = repository_of(programs(), getattr(rs.Executor, os.environ["CATALOGUE_EXECUTOR"])())
