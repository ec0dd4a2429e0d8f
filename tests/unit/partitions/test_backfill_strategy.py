"""Backfill strategies as values."""

import pickle

import pytest

import rivers as rs
from rivers.exceptions import PartitionDefinitionError

Strategy = rs.BackfillStrategy


@pytest.mark.parametrize(
    ("strategy", "variant", "text"),
    [
        (Strategy.multi_run(), Strategy.MultiRun, "BackfillStrategy.multi_run()"),
        (Strategy.single_run(), Strategy.SingleRun, "BackfillStrategy.single_run()"),
        (
            Strategy.per_dimension(multi_run=["date"], single_run=["region"]),
            Strategy.PerDimension,
            "BackfillStrategy.per_dimension(multi_run=['date'], single_run=['region'])",
        ),
    ],
)
def test_strategies_compare_by_value_and_travel(strategy, variant, text):
    assert isinstance(strategy, variant)
    assert isinstance(strategy, Strategy)
    assert repr(strategy) == text
    assert pickle.loads(pickle.dumps(strategy)) == strategy == eval(text, {"BackfillStrategy": Strategy})
    with pytest.raises(TypeError):
        hash(strategy)
    with pytest.raises(AttributeError):
        strategy.x = 1


def test_the_names_of_the_lists_are_factories_on_the_class():
    strategy = Strategy.per_dimension(["date"], ["region", "kind"])
    assert (strategy.multi_run, strategy.single_run) == (["date"], ["region", "kind"])
    assert (strategy.multi_run_dims, strategy.single_run_dims) == (["date"], ["region", "kind"])
    assert Strategy.PerDimension.multi_run() == Strategy.multi_run()
    match strategy:
        case Strategy.PerDimension(many, one):
            assert (many, one) == (["date"], ["region", "kind"])
    assert strategy == Strategy.PerDimension(["date"], ["region", "kind"])
    assert strategy != Strategy.per_dimension(["date"], ["region"])
    assert Strategy.multi_run() != Strategy.single_run()


@pytest.mark.parametrize(
    ("many", "one", "text"),
    [
        ([], ["a"], "multi_run must contain at least one dimension"),
        (["a"], [], "single_run must contain at least one dimension"),
        (["a", "b"], ["b"], "dimension 'b' cannot be in both multi_run and single_run"),
    ],
)
def test_dimensions_are_split(many, one, text):
    with pytest.raises(PartitionDefinitionError) as caught:
        Strategy.per_dimension(many, one)
    assert str(caught.value) == text
