"""Claims that are larger than their pool: they would wait for ever."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rivers.definitions.snapshot import StepDefinition
from rivers.errors import GraphValidationError


def check_claims(steps: Iterable[StepDefinition], limits: Mapping[str, int]) -> None:
    """Raises `GraphValidationError` for a claim above its pool's limit; 0 is a brake, and a negative limit is none."""
    for step in steps:
        for output in step.outputs:
            for claim in output.pools:
                limit = limits.get(claim.pool, -1)
                if 0 < limit < claim.slots:
                    raise GraphValidationError(
                        f"asset '{output.name}' claims {claim.slots} slots of pool '{claim.pool}', which has {limit}",
                        remedy=f"raise the limit of pool '{claim.pool}', or claim at most {limit} slots",
                        asset=output.name,
                    )
