"""Launch documents: the two accepted shapes and what is refused."""

import pytest

from rivers.definitions.kinds import ExecutorKind
from rivers.exceptions import ConfigurationError
from rivers.planning.launch_document import executor_of, normalised

NAMES = {"a", "b", "both"}
RUNNING = {"a": "a", "both": "x", "x": "x"}


def document(config, **options):
    return normalised(config, names=NAMES, running=RUNNING, resources={"db"}, **options)


def test_the_short_form_becomes_a_document():
    assert document({"a": {"rows": 3}}) == {"assets": {"a": {"config": {"rows": 3}}}}
    assert document({"both": {"rows": 3}}) == {"assets": {"x": {"config": {"rows": 3}}}}


def test_the_short_form_passes_over_names_that_are_unknown_or_not_run():
    assert document({"b": {"rows": 3}, "zzz": {}}) is None
    assert document({}) is None
    assert document(None) is None


def test_a_document_stays_what_it_is():
    given = {
        "assets": {"a": {"config": {"rows": 3}, "metadata": {"k": "v"}}},
        "resources": {"db": {"url": "x"}},
        "execution": {"executor": "parallel", "max_workers": 2},
    }
    assert document(given) == given


def test_an_asset_called_like_a_section_is_an_asset():
    found = normalised({"assets": {"rows": 3}}, names={"assets"}, running={"assets": "assets"})
    assert found == {"assets": {"assets": {"config": {"rows": 3}}}}


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"assets": {"b": {}}}, "config names 'b', which this launch does not run"),
        ({"resources": {"dbb": {}}}, "config names 'dbb', which this launch does not run"),
        (
            {"assets": {}, "resource": {}},
            "config has no section 'resource'; sections are assets, resources and execution",
        ),
        ({"assets": {"a": {"conf": {}}}}, "config of 'a' has no section 'conf'; sections are config and metadata"),
        (
            {"execution": {"executor": "dask"}},
            "Unknown executor in config: 'dask'. Valid values: 'in_process', 'parallel'",
        ),
        ({"execution": {"workers": 2}}, "config section 'execution' has no field 'workers'"),
        ({"execution": {"max_workers": 0}}, "max_workers in config must be an int of at least 1, got 0"),
    ],
)
def test_a_wrong_document_is_refused(config, text):
    with pytest.raises(ConfigurationError) as caught:
        document(config)
    assert str(caught.value) == text


@pytest.mark.parametrize("config", [[], {"a": 3}, {"assets": 3}, {"assets": {"a": 3}}, {3: {}}])
def test_what_is_no_dict_is_refused(config):
    with pytest.raises(TypeError):
        document(config)


def test_the_executor_of_a_launch():
    assert executor_of(None) is None
    assert executor_of({"assets": {}}) is None
    assert executor_of({"execution": {"executor": "in_process"}}).kind == ExecutorKind.IN_PROCESS
    assert executor_of({"execution": {"max_workers": 3}}).max_workers == 3
