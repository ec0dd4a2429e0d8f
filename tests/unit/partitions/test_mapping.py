"""Partition mappings: values, the rules at resolve, and what a step loads."""

import pickle
from datetime import datetime

import pytest

import rivers as rs
from rivers.exceptions import PartitionDefinitionError, PartitionValidationError
from rivers.partitions.mapping_image import NOTHING, WHOLE, Dependency, Image, image, names_read
from rivers.partitions.mapping_rules import check

Defs, Map, Range = rs.PartitionsDefinition, rs.PartitionMapping, rs.PartitionKeyRange
key, multi = rs.PartitionKey.single, rs.PartitionKey.multi
NOW = datetime(2024, 1, 10, 12).astimezone()
JAN = datetime(2024, 1, 1)

ABC, AB, XY = Defs.static_(["a", "b", "c"]), Defs.static_(["b", "a"]), Defs.static_(["x", "y"])
DAYS, OPEN_DAYS = Defs.daily(JAN, end=datetime(2024, 1, 6)), Defs.daily(JAN)
GRID = Defs.multi({"date": DAYS, "region": AB})
AREAS = Defs.multi({"date": DAYS, "area": AB})

VALUES = [
    (Map.identity(), Map.Identity, (), "identity()"),
    (Map.all_partitions(), Map.AllPartitions, (), "all_partitions()"),
    (Map.static_({"a": "1"}), Map.Static, ({"a": "1"},), "static_({'a': '1'})"),
    (Map.time_window(-1), Map.TimeWindow, (-1,), "time_window(-1)"),
    (
        Map.multi({"d": Map.identity(), "r": ("area", Map.static_({"u": "v"}))}),
        Map.Multi,
        ({"d": ("d", Map.identity()), "r": ("area", Map.static_({"u": "v"}))},),
        "multi({'d': ('d', PartitionMapping.identity()), 'r': ('area', PartitionMapping.static_({'u': 'v'}))})",
    ),
    (
        Map.multi_to_single("d"),
        Map.MultiToSingle,
        ("d", Map.identity()),
        "multi_to_single('d', PartitionMapping.identity())",
    ),
    (Map.specific_partitions(["a", "b"]), Map.SpecificPartitions, (["a", "b"],), "specific_partitions(['a', 'b'])"),
    (
        Map.for_keys([key("a"), Range.single("a", "b")]),
        Map.ForKeys,
        ([key("a"), Range.single("a", "b")],),
        'for_keys([PartitionKey("a"), PartitionKeyRange.single("a", "b")])',
    ),
    (Map.subset(), Map.Subset, (), "subset()"),
]


@pytest.mark.parametrize(("mapping", "variant", "fields", "text"), VALUES, ids=lambda value: None)
def test_mappings_compare_by_structure_and_travel(mapping, variant, fields, text):
    assert isinstance(mapping, variant)
    assert isinstance(mapping, Map)
    assert variant(*fields) == mapping
    assert pickle.loads(pickle.dumps(mapping)) == mapping
    assert repr(mapping) == f"PartitionMapping.{text}"
    assert tuple(getattr(mapping, name) for name in variant.__match_args__) == fields
    assert sum(mapping == other for other, *_ in VALUES) == 1
    with pytest.raises(TypeError):
        hash(mapping)
    with pytest.raises(AttributeError):
        mapping.offset = 3


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (Map, TypeError),
        (lambda: Map.static_({"a": 1}), TypeError),
        (lambda: Map.time_window("1"), TypeError),
        (lambda: Map.multi({"d": "e"}), TypeError),
        (lambda: Map.multi_to_single(3), TypeError),
        (lambda: Map.multi_to_single("d", "e"), TypeError),
        (lambda: Map.specific_partitions("a"), TypeError),
        (lambda: Map.specific_partitions([]), PartitionDefinitionError),
        (lambda: Map.for_keys(["a"]), TypeError),
    ],
)
def test_bad_mappings_are_refused(make, error):
    with pytest.raises(error):
        make()


REQUIRED = "a partition_mapping (e.g. AllPartitions or SpecificPartitions) is required"
WHOLE_ONLY = "only AllPartitions, ForKeys, or no mapping is valid when upstream has no partitions"
NEITHER = "partition_mapping specified but neither asset has partitions"


@pytest.mark.parametrize(
    ("mapping", "downstream", "upstream", "trouble"),
    [
        (None, None, None, ""),
        (None, AB, ABC, ""),
        (None, AB, AB, ""),
        (None, AB, None, ""),
        (None, None, AB, REQUIRED),
        (None, ABC, AB, "Identity mapping requires every downstream key to exist upstream; missing upstream: c"),
        (None, DAYS, OPEN_DAYS, ""),
        (
            Map.identity(),
            OPEN_DAYS,
            DAYS,
            "Identity mapping requires every downstream key to exist upstream; "
            "missing upstream: 2024-01-06, 2024-01-07, 2024-01-08, 2024-01-09, 2024-01-10",
        ),
        (Map.identity(), AB, ABC, ""),
        (Map.identity(), ABC, XY, "missing upstream: a, b, c"),
        (
            Map.identity(),
            DAYS,
            Defs.daily(JAN, fmt="%Y%m%d"),
            "Identity mapping requires matching key formats: downstream fmt '%Y-%m-%d' != upstream fmt '%Y%m%d'",
        ),
        (Map.identity(), DAYS, Defs.time_window(JAN, interval_seconds=86400, fmt="%Y-%m-%d"), ""),
        (
            Map.identity(),
            Defs.daily(datetime(2023, 12, 30), end=datetime(2024, 1, 2)),
            DAYS,
            "missing upstream: 2023-12-30, 2023-12-31",
        ),
        (Map.identity(), GRID, GRID, ""),
        (Map.identity(), GRID, AREAS, "missing upstream: date=2024-01-01|region=b"),
        (Map.identity(), AB, GRID, "missing upstream: b, a"),
        (Map.identity(), Defs.dynamic("n"), Defs.dynamic("n"), ""),
        (Map.identity(), None, None, NEITHER),
        (Map.identity(), AB, None, WHOLE_ONLY),
        (Map.identity(), None, AB, REQUIRED),
        (Map.all_partitions(), None, None, NEITHER),
        (Map.all_partitions(), None, AB, ""),
        (Map.all_partitions(), AB, None, ""),
        (Map.all_partitions(), ABC, XY, ""),
        (Map.static_({"a": "x"}), ABC, XY, ""),
        (Map.static_({"a": "z"}), ABC, XY, "Static mapping target 'z' is not a valid partition key for upstream"),
        (Map.static_({"a": "x"}), ABC, None, WHOLE_ONLY),
        (Map.static_({"a": "x"}), None, XY, REQUIRED),
        (Map.specific_partitions(["a", "c"]), None, ABC, ""),
        (Map.specific_partitions(["z"]), None, ABC, "SpecificPartitions key 'z' is not a valid partition key"),
        (
            Map.specific_partitions(["a"]),
            AB,
            ABC,
            "SpecificPartitions mapping is only valid when downstream is unpartitioned. ",
        ),
        (Map.specific_partitions(["a"]), AB, None, WHOLE_ONLY),
        (Map.specific_partitions(["a"]), None, None, NEITHER),
        (Map.time_window(-1), DAYS, OPEN_DAYS, ""),
        (
            Map.time_window(-1),
            AB,
            DAYS,
            "TimeWindow mapping requires TimeWindow partitions on downstream, but found Static",
        ),
        (
            Map.time_window(-1),
            DAYS,
            GRID,
            "TimeWindow mapping requires TimeWindow partitions on upstream, but found Multi",
        ),
        (Map.time_window(1), None, DAYS, "TimeWindow mapping requires TimeWindow partitions on downstream, but found"),
        (Map.for_keys([key("a")]), AB, None, ""),
        (Map.for_keys([key("a")]), AB, ABC, "ForKeys mapping is only valid when upstream is unpartitioned"),
        (Map.for_keys([key("a")]), None, None, NEITHER),
        (Map.for_keys([Range.single("a", "z")]), AB, None, "Range endpoint 'z' is not a partition key"),
        (Map.subset(), ABC, AB, ""),
        (
            Map.subset(),
            AB,
            ABC,
            "Subset mapping requires every upstream key to exist downstream; missing downstream: c",
        ),
        (Map.subset(), AB, DAYS, "Subset mapping requires the same kind of partitions on both sides"),
        (Map.subset(), OPEN_DAYS, DAYS, ""),
        (Map.subset(), AB, None, WHOLE_ONLY),
        (Map.multi({"date": Map.identity(), "region": ("area", Map.identity())}), AREAS, GRID, ""),
        (Map.multi({"date": Map.identity()}), AREAS, GRID, "Multi mapping is missing upstream dimension 'region'"),
        (
            Map.multi({"date": Map.identity(), "region": Map.identity()}),
            AREAS,
            GRID,
            "Multi mapping refers to downstream dimension 'region', which does not exist (available: date, area)",
        ),
        (
            Map.multi({"date": Map.identity(), "region": Map.all_partitions(), "x": Map.identity()}),
            GRID,
            GRID,
            "Multi mapping dimension 'x' does not exist in the upstream Multi partitions (available: date, region)",
        ),
        (Map.multi({"date": Map.identity(), "region": Map.all_partitions()}), DAYS, GRID, ""),
        (
            Map.multi({"a": Map.identity()}),
            AB,
            AB,
            "Multi mapping requires Multi partitions on upstream, but found Static",
        ),
        (
            Map.multi({"date": Map.time_window(-1), "region": Map.static_({"a": "zz"})}),
            GRID,
            GRID,
            "dimension 'region': Static mapping target 'zz' is not a valid partition key for upstream",
        ),
        (Map.multi_to_single("date"), DAYS, GRID, ""),
        (Map.multi_to_single("region", Map.static_({"x": "a", "y": "b"})), XY, GRID, ""),
        (
            Map.multi_to_single("day"),
            DAYS,
            GRID,
            "MultiToSingle dimension 'day' does not exist in the upstream Multi partitions (available: date, region)",
        ),
        (Map.multi_to_single("region"), XY, GRID, "missing upstream: x, y"),
        (Map.multi_to_single("a"), AB, AB, "MultiToSingle mapping requires Multi partitions on upstream"),
    ],
)
def test_the_rules_of_a_dependency(mapping, downstream, upstream, trouble):
    dependency = Dependency("down", "up", downstream, upstream, mapping)
    if not trouble:
        check(dependency, NOW)
        return
    with pytest.raises(PartitionValidationError) as caught:
        check(dependency, NOW)
    assert str(caught.value).startswith("Asset 'down' depends on 'up': ")
    assert trouble in str(caught.value)


def test_missing_windows_of_the_same_grid_are_found_by_arithmetic():
    seconds = Defs.time_window(datetime(1900, 1, 1), "* * * * * *", end=datetime(2024, 1, 1))
    fewer = Defs.time_window(datetime(1900, 1, 2), "* * * * * *", end=datetime(2024, 1, 1))
    check(Dependency("down", "up", fewer, seconds), NOW)
    with pytest.raises(PartitionValidationError, match=r"1900-01-01T00:00:00, .* and 86390 more"):
        check(Dependency("down", "up", seconds, fewer), NOW)


@pytest.mark.parametrize(
    ("mapping", "downstream", "upstream", "keys", "loaded"),
    [
        (None, AB, ABC, [key("a")], Image((key("a"),))),
        (None, AB, ABC, [key("a"), key("b")], Image((key("a"), key("b")))),
        (None, None, None, [], WHOLE),
        (None, AB, ABC, [], WHOLE),
        (Map.identity(), GRID, GRID, [multi({"date": "2024-01-01", "region": "a"})],
         Image((multi({"date": "2024-01-01", "region": "a"}),))),
        (Map.all_partitions(), None, AB, [], WHOLE),
        (Map.all_partitions(), XY, AB, [key("x")], Image((key("x"),))),
        (Map.static_({"a": "x"}), ABC, XY, [key("a")], Image((key("x"),))),
        (Map.static_({"a": "x"}), ABC, XY, [key("b")], Image((key("b"),))),
        (Map.static_({"a": "x", "b": "x", "c": "y"}), ABC, XY, [key("a"), key("b"), key("c")],
         Image((key("x"), key("y")))),
        (Map.specific_partitions(["a", "c"]), None, ABC, [], Image((key(["a", "c"]),))),
        (Map.time_window(-1), DAYS, DAYS, [key("2024-01-02")], Image((key("2024-01-01"),))),
        (Map.time_window(2), DAYS, OPEN_DAYS, [key("2024-01-02")], Image((key("2024-01-04"),))),
        (Map.time_window(0), Defs.hourly(JAN), DAYS, [key("2024-01-02T13:00")], Image((key("2024-01-02"),))),
        (Map.time_window(-1), DAYS, DAYS, [key("2024-01-02"), key("2024-01-03")],
         Image((key("2024-01-01"), key("2024-01-02")))),
        (Map.for_keys([key("a")]), ABC, None, [key("a")], WHOLE),
        (Map.for_keys([key("a")]), ABC, None, [key("b")], NOTHING),
        (Map.for_keys([Range.single("b", "c")]), ABC, None, [key("c")], WHOLE),
        (Map.for_keys([Range.single("b", "c")]), ABC, None, [key("a")], NOTHING),
        (Map.for_keys([key(["a", "b"])]), ABC, None, [key("b")], WHOLE),
        (Map.for_keys([Range.multi({"region": ["a"]})]), GRID, None,
         [multi({"date": "2024-01-03", "region": "a"})], WHOLE),
        (Map.subset(), ABC, AB, [key("a")], Image((key("a"),))),
        (Map.subset(), ABC, AB, [key("c")], NOTHING),
        (Map.subset(), ABC, AB, [key("a"), key("c")], NOTHING),
        (Map.multi({"date": Map.time_window(-1), "region": ("area", Map.static_({"a": "b"}))}), AREAS, GRID,
         [multi({"date": "2024-01-02", "area": "a"})], Image((multi({"date": "2024-01-01", "region": "b"}),))),
        (Map.multi({"date": Map.identity(), "region": Map.all_partitions()}), DAYS, GRID,
         [key("2024-01-02")], Image((multi({"date": "2024-01-02", "region": ["b", "a"]}),))),
        (Map.multi({"date": Map.specific_partitions(["2024-01-01"]), "region": Map.all_partitions()}), None, GRID,
         [], Image((multi({"date": "2024-01-01", "region": ["b", "a"]}),))),
        (Map.multi_to_single("date"), DAYS, GRID, [key("2024-01-02")],
         Image((multi({"date": "2024-01-02", "region": ["b", "a"]}),))),
        (Map.multi_to_single("region", Map.static_({"x": "a"})), XY, Defs.multi({"region": AB, "k": XY}), [key("x")],
         Image((multi({"region": "a", "k": ["x", "y"]}),))),
        (Map.multi({"date": Map.identity(), "region": ("k", Map.subset())}), Defs.multi({"date": DAYS, "k": ABC}), GRID,
         [multi({"date": "2024-01-02", "k": "a"})], Image((multi({"date": "2024-01-02", "region": "a"}),))),
        (Map.multi({"date": Map.identity(), "region": ("k", Map.subset())}), Defs.multi({"date": DAYS, "k": ABC}), GRID,
         [multi({"date": "2024-01-02", "k": "c"})], NOTHING),
        (Map.multi_to_single("region", Map.subset()), ABC, GRID, [key("c")], NOTHING),
    ],
)  # fmt: skip
def test_what_a_step_loads(mapping, downstream, upstream, keys, loaded):
    assert image(Dependency("down", "up", downstream, upstream, mapping), keys, NOW) == loaded


@pytest.mark.parametrize("mapping", [None, Map.all_partitions()])
def test_an_upstream_without_partitions_cannot_be_loaded_for_a_key(mapping):
    with pytest.raises(PartitionValidationError) as caught:
        image(Dependency("down", "up", AB, None, mapping), [key("a")], NOW)
    assert str(caught.value) == "Node 'up' is not partitioned, but a partition_key was provided"


@pytest.mark.parametrize(
    ("upstream", "given", "offset", "span"),
    [
        (DAYS, "2024-01-01", -1, "[2024-01-01T00:00:00, 2024-01-06T00:00:00)"),
        (DAYS, "2024-01-05", 1, "[2024-01-01T00:00:00, 2024-01-06T00:00:00)"),
        (OPEN_DAYS, "2024-01-10", 1, "[2024-01-01T00:00:00, 2024-01-10T12:00:00)"),
    ],
)
def test_a_window_outside_the_range_is_refused_when_the_step_runs(upstream, given, offset, span):
    dependency = Dependency("down", "up", OPEN_DAYS, upstream, Map.time_window(offset))
    with pytest.raises(PartitionValidationError) as caught:
        image(dependency, [key(given)], NOW)
    assert str(caught.value) == (
        f"Asset 'down' depends on 'up': time_window(offset={offset}) maps '{given}' outside the partition range {span}"
    )


def test_all_keys_of_a_dynamic_dimension_are_those_registered():
    upstream = Defs.multi({"date": DAYS, "customer": Defs.dynamic("customers")})
    dependency = Dependency("down", "up", DAYS, upstream, Map.multi_to_single("date"))
    assert image(dependency, [key("2024-01-02")], NOW, {"customers": ["x", "y"]}) == Image(
        (multi({"date": "2024-01-02", "customer": ["x", "y"]}),)
    )
    with pytest.raises(PartitionValidationError, match="the keys of its dynamic dimension 'customer' are not known"):
        image(dependency, [key("2024-01-02")], NOW)


SHOPS, GOODS = Defs.dynamic("shops"), Defs.dynamic("goods")
STOCK = Defs.multi({"shop": SHOPS, "good": GOODS})


@pytest.mark.parametrize(
    ("mapping", "downstream", "upstream", "names"),
    [
        (None, SHOPS, SHOPS, []),
        (Map.identity(), SHOPS, SHOPS, []),
        (Map.all_partitions(), None, SHOPS, []),
        (Map.subset(), SHOPS, GOODS, ["goods"]),
        (Map.subset(), AB, AB, []),
        (Map.for_keys([key("a")]), SHOPS, None, []),
        (Map.for_keys([key("a"), Range.single("a", "b")]), SHOPS, None, ["shops"]),
        (Map.multi_to_single("shop"), SHOPS, STOCK, ["goods"]),
        (Map.multi_to_single("shop", Map.all_partitions()), AB, STOCK, ["shops", "goods"]),
        (Map.multi({"shop": Map.identity(), "good": Map.identity()}), STOCK, STOCK, []),
        (Map.multi({"shop": Map.identity(), "good": Map.all_partitions()}), STOCK, STOCK, ["goods"]),
    ],
)
def test_the_dynamic_keys_that_a_mapping_has_to_know(mapping, downstream, upstream, names):
    assert list(names_read(Dependency("down", "up", downstream, upstream, mapping))) == names
