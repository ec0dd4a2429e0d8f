"""Automation conditions as authors write them: labels, descriptions, trees."""

import math
import pickle

import pytest

import rivers as rs
from rivers.exceptions import GraphValidationError

C = rs.AutomationCondition
IN_FLIGHT = "(in_progress | backfill_in_progress)"
TICK = "cron_tick_passed('0 0 * * *')"
ZONED = "cron_tick_passed('0 0 * * *', tz='UTC')"


@pytest.mark.parametrize(
    ("made", "label", "description"),
    [
        (
            C.eager(),
            "eager",
            "((missing.newly_true() | any_deps_updated).since_last_handled() & ~any_deps_missing & "
            f"~any_deps_in_progress & ~{IN_FLIGHT} & ~execution_failed)",
        ),
        (
            C.on_missing(),
            "on_missing",
            "(missing.newly_true().since_last_handled() & ~any_deps_missing & ~execution_failed)",
        ),
        (
            C.on_cron("0 0 * * *"),
            "on_cron('0 0 * * *')",
            f"({TICK}.since(((newly_requested | newly_updated) & ~{TICK})) & "
            f"all_deps_updated_since_cron & ~{IN_FLIGHT})",
        ),
        (
            C.on_cron("0 0 * * *", "UTC"),
            "on_cron('0 0 * * *', tz='UTC')",
            f"({ZONED}.since(((newly_requested | newly_updated) & ~{ZONED})) & "
            f"all_deps_updated_since_cron & ~{IN_FLIGHT})",
        ),
        (C.missing(), "missing", "missing"),
        (C.in_progress(), "in_progress", "in_progress"),
        (C.execution_failed(), "execution_failed", "execution_failed"),
        (C.newly_updated(), "newly_updated", "newly_updated"),
        (C.newly_requested(), "newly_requested", "newly_requested"),
        (C.code_version_changed(), "code_version_changed", "code_version_changed"),
        (C.data_version_changed(), "data_version_changed", "data_version_changed"),
        (C.cron_tick_passed("0 0 * * *"), TICK, TICK),
        (C.cron_tick_passed("0 0 * * *", timezone="UTC"), ZONED, ZONED),
        (C.in_latest_time_window(), "in_latest_time_window", "in_latest_time_window"),
        (C.in_latest_time_window(3600), None, "in_latest_time_window(lookback=3600)"),
        (C.in_latest_time_window(0.5), None, "in_latest_time_window(lookback=0.5)"),
        (C.initial_evaluation(), "initial_evaluation", "initial_evaluation"),
        (C.backfill_in_progress(), "backfill_in_progress", "backfill_in_progress"),
        (C.in_flight(), "in_flight", IN_FLIGHT),
        (C.will_be_requested(), "will_be_requested", "will_be_requested"),
        (C.last_run_includes_target(), "last_run_includes_target", "last_run_includes_target"),
        (C.last_executed_with_tags(tag_keys=["a"]), None, "last_executed_with_tags(a)"),
        (C.has_run_with_tags(tag_keys=["a"]), None, "has_run_with_tags(a)"),
        (C.all_runs_have_tags(tag_keys=["a"], tag_values=[("b", "c")]), None, "all_runs_have_tags(a, b=c)"),
        (C.any_deps_missing(), "any_deps_missing", "any_deps_missing"),
        (C.any_deps_in_progress(), "any_deps_in_progress", "any_deps_in_progress"),
        (C.any_deps_updated(), "any_deps_updated", "any_deps_updated"),
        (C.all_deps_updated_since_cron("@daily"), "all_deps_updated_since_cron", "all_deps_updated_since_cron"),
        (C.any_deps_match(C.missing()), None, "any_deps_match(missing)"),
        (C.all_deps_match(~C.missing()), None, "all_deps_match(~missing)"),
        (C.missing() & C.in_progress(), None, "(missing & in_progress)"),
        (C.missing() | C.in_progress(), None, "(missing | in_progress)"),
        (~C.missing(), None, "~missing"),
        (~(C.missing() & C.in_progress()), None, "~(missing & in_progress)"),
        (C.missing().newly_true(), None, "missing.newly_true()"),
        (C.missing().since(C.newly_updated()), None, "missing.since(newly_updated)"),
        (C.missing().since_last_handled(), None, "missing.since_last_handled()"),
        (C.missing().on_selected("x"), None, "asset_matches('x', missing)"),
        (C.missing().on_selected(["x"]), None, "asset_matches(['x'], missing)"),
        (C.missing().on_selected(["x", "y"]), None, "asset_matches(['x', 'y'], missing)"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_labels_and_descriptions(made, label, description):
    assert made.description == description
    if label is not None:
        assert made.label == label
    unpickled = pickle.loads(pickle.dumps(made))
    assert (unpickled.label, unpickled.description) == (made.label, made.description)
    assert unpickled.definition == made.definition


@pytest.mark.parametrize(
    "composed",
    [
        C.missing() & C.in_progress(),
        C.missing() | C.in_progress(),
        ~C.missing(),
        C.missing().newly_true(),
        C.missing().since(C.in_progress()),
        C.missing().since_last_handled(),
        C.any_deps_match(C.missing()),
        C.missing().on_selected("x"),
    ],
)
def test_compositions_have_no_label_of_their_own(composed):
    assert composed.label is None


def shown(conditions):
    return [one.description for one in conditions]


@pytest.mark.parametrize(
    ("made", "children"),
    [
        (C.missing(), []),
        (C.missing() & C.in_progress() & C.newly_updated(), ["missing", "in_progress", "newly_updated"]),
        (C.missing() & (C.in_progress() & C.newly_updated()), ["missing", "in_progress", "newly_updated"]),
        (C.missing() & C.on_missing(), ["missing", C.on_missing().description]),
        (C.missing() | C.in_progress(), ["missing", "in_progress"]),
        (~C.missing(), ["missing"]),
        (C.missing().since(C.in_progress()), ["missing", "in_progress"]),
        (C.missing().newly_true(), ["missing"]),
        (C.any_deps_missing(), ["(missing & ~will_be_requested)"]),
        (C.any_deps_in_progress(), ["in_progress"]),
        (C.any_deps_updated(), ["((newly_updated & ~last_run_includes_target) | will_be_requested)"]),
        (
            C.all_deps_updated_since_cron("@daily"),
            ["(newly_updated.since(cron_tick_passed('@daily')) | will_be_requested)"],
        ),
        (C.in_flight(), ["in_progress", "backfill_in_progress"]),
        (C.missing().on_selected(["x", "y"]), ["missing"]),
    ],
)
def test_children(made, children):
    assert shown(made.children) == children


def test_presets_can_be_taken_further():
    made = C.eager() & ~C.in_latest_time_window()
    assert len(made.children) == 6
    assert made.label is None
    assert made.children[-1].description == "~in_latest_time_window"


def test_equality_is_identity():
    made = C.missing()
    assert made == made
    assert C.missing() != C.missing()
    assert len({C.missing(), C.missing()}) == 2


def test_conditions_are_immutable():
    with pytest.raises(AttributeError, match="read-only"):
        C.missing().label = "x"
    with pytest.raises(TypeError, match="has no constructor"):
        C()


def test_a_label_changes_nothing_else():
    made = C.eager().with_label("mine")
    assert made.label == "mine"
    assert made.description == C.eager().description
    assert C.eager().label == "eager"
    assert made.definition == C.eager().definition


@pytest.mark.parametrize(
    ("before", "old", "after"),
    [
        (C.missing(), "missing", "in_progress"),
        (C.missing() & ~C.missing(), C.missing(), "(in_progress & ~in_progress)"),
        (C.missing() | C.newly_updated(), "newly_updated", "(missing | in_progress)"),
        (C.missing().since(C.newly_updated()), "newly_updated", "missing.since(in_progress)"),
        (C.any_deps_match(C.missing()), "missing", "any_deps_match(in_progress)"),
        ((C.missing() & C.newly_updated()).with_label("x") | C.missing(), "x", "(in_progress | missing)"),
        (~C.in_flight() & C.missing(), C.in_progress() | C.backfill_in_progress(), "(~in_progress & missing)"),
        (~C.in_flight() & C.missing(), "in_flight", "(~in_progress & missing)"),
        (C.missing() & ~C.any_deps_missing(), "any_deps_missing", "(missing & ~in_progress)"),
        (
            C.any_deps_updated(),
            "newly_updated",
            "any_deps_match(((in_progress & ~last_run_includes_target) | will_be_requested))",
        ),
        (C.missing().on_selected("a"), C.missing(), "asset_matches('a', in_progress)"),
    ],
)
def test_replacing(before, old, after):
    assert before.replace(old, C.in_progress()).description == after


def test_replacing_keeps_what_does_not_match():
    made = C.eager()
    assert made.replace("nothing", C.missing()) is made
    assert made.replace(C.newly_requested(), C.missing()) is made
    replaced = made.replace("execution_failed", C.newly_requested())
    assert replaced.label == "eager"
    assert replaced.children[-1].description == "~newly_requested"
    assert made.children[-1].description == "~execution_failed"


@pytest.mark.parametrize(
    ("before", "leave_out", "after"),
    [
        (C.missing() & C.in_progress() & C.newly_updated(), C.in_progress(), "(missing & newly_updated)"),
        (C.missing() & ~C.in_progress(), ~C.in_progress(), "(missing)"),
        (C.missing() & ~C.in_progress(), "~in_progress", "(missing)"),
        (C.missing() & ~C.in_flight(), "~in_flight", "(missing)"),
        (C.missing() & ~C.in_flight(), f"~{IN_FLIGHT}", "(missing)"),
        (C.missing() & C.in_progress().with_label("busy"), "busy", "(missing)"),
        (C.missing() & ~C.any_deps_missing(), "any_deps_missing", "(missing & ~any_deps_missing)"),
        (C.missing() & ~C.any_deps_missing(), "~any_deps_missing", "(missing)"),
        (C.missing() & C.newly_updated(), "nothing", "(missing & newly_updated)"),
        (C.missing() | C.newly_updated(), "missing", "(missing | newly_updated)"),
        (C.missing(), "missing", "missing"),
    ],
)
def test_leaving_out(before, leave_out, after):
    left = before.without(leave_out)
    assert left.description == after
    if after == before.description:
        assert left is before


def test_leaving_a_guard_out_of_a_preset():
    left = C.eager().without("~any_deps_in_progress")
    assert len(left.children) == 4
    assert left.description == C.eager().without(~C.any_deps_in_progress()).description
    assert C.eager().without("any_deps_in_progress").description == C.eager().description


@pytest.mark.parametrize("make", [C.cron_tick_passed, C.on_cron, C.all_deps_updated_since_cron])
def test_crons_and_zones_are_checked(make):
    with pytest.raises(ValueError, match='invalid cron schedule "60 \\* \\* \\* \\*": '):
        make("60 * * * *")
    with pytest.raises(ValueError, match='invalid timezone "Mars/Olympus": '):
        make("@daily", "Mars/Olympus")
    with pytest.raises(TypeError):
        make(3)


@pytest.mark.parametrize("delta", [0, -1, 0.0, math.nan, math.inf, -math.inf])
def test_a_lookback_is_a_positive_number(delta):
    with pytest.raises(ValueError, match="lookback_delta must be a positive number of seconds, got ") as caught:
        C.in_latest_time_window(delta)
    assert str(delta) in str(caught.value)


@pytest.mark.parametrize("make", [C.last_executed_with_tags, C.has_run_with_tags, C.all_runs_have_tags])
def test_a_tag_condition_needs_a_tag(make):
    for arguments in ({}, {"tag_keys": []}, {"tag_keys": [], "tag_values": []}):
        with pytest.raises(ValueError, match="tag condition requires at least one tag_key or tag_value "):
            make(**arguments)
    with pytest.raises(TypeError):
        make(["a"])
    with pytest.raises(TypeError, match=r"tag_values must be a list of \(str, str\) pairs"):
        make(tag_values=["ab"])


@pytest.mark.parametrize(
    "make",
    [
        lambda: C.missing() & "missing",
        lambda: C.missing() | None,
        lambda: C.missing().since("x"),
        lambda: C.any_deps_match("missing"),
        lambda: C.missing().replace("missing", "x"),
        lambda: C.missing().replace(1, C.missing()),
        lambda: (C.missing() & C.missing()).without(1),
        lambda: C.missing().on_selected(1),
        lambda: C.missing().with_label(None),
        lambda: C.in_latest_time_window("1h"),
    ],
)
def test_wrong_types_are_refused(make):
    with pytest.raises(TypeError):
        make()


def test_selecting_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one asset key"):
        C.missing().on_selected([])


def test_assets_carry_their_condition():
    made = C.eager()

    @rs.Asset(automation_condition=made)
    def a() -> int:
        return 1

    @rs.Asset.from_multi(output_defs=[rs.AssetDef("x"), rs.AssetDef("y")], automation_condition=made)
    def both():
        return 1, 2

    @rs.Asset
    def plain() -> int:
        return 1

    assert a.automation_condition is made
    assert both.automation_condition is made
    assert plain.automation_condition is None
    snapshot = rs.CodeRepository([a, both, plain]).bound.snapshot
    assert {step.key: step.automation for step in snapshot.steps} == {
        "a": made.definition,
        "x": made.definition,
        "plain": None,
    }
    assert snapshot.digest != rs.CodeRepository([plain]).bound.snapshot.digest


def test_an_asset_refuses_something_else():
    for condition in ("eager", True, C.eager):
        with pytest.raises(TypeError, match="automation_condition must be an AutomationCondition or None"):
            rs.Asset(automation_condition=condition)


def test_selected_assets_have_to_exist():
    asset = rs.Asset(name="a", automation_condition=~C.missing().on_selected(["a", "gone"]))(lambda: 1)
    with pytest.raises(GraphValidationError, match="Asset 'a': its automation condition names unknown asset 'gone'"):
        rs.CodeRepository([asset]).validate()
