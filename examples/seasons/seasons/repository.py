"""What the seasons team offers to run."""

import rivers as rs

from .days import day
from .months import month

repo = rs.CodeRepository(assets=[day, month])
