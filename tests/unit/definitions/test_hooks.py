"""Hooks as they are declared."""

import pytest

import rivers as rs


def page(context): ...


def page_all():
    return {}


@pytest.mark.parametrize(
    ("factory", "kind", "word"),
    [(rs.Hook.success, rs.Hook.Success, "success"), (rs.Hook.failure, rs.Hook.Failure, "failure")],
)
def test_a_hook_is_of_one_type(factory, kind, word):
    for hook, name in ((factory(page), "page"), (factory(page, name="p"), "p"), (factory(name="p")(page), "p")):
        assert isinstance(hook, kind)
        assert isinstance(hook, rs.Hook)
        assert hook.name == name
        assert repr(hook) == f"Hook.{word.title()}(name='{name}')"
        assert hook.__wrapped__ is page


def test_without_a_function_it_decorates_many():
    failed = rs.Hook.failure()
    assert [failed(one).name for one in (page, print)] == ["page", "print"]


def test_an_asset_keeps_its_hooks_in_their_order():
    hooks = [rs.Hook.success(page), rs.Hook.failure(page)]
    assert rs.Asset(hooks=hooks)(lambda: 1).hooks == hooks
    assert rs.Asset.from_multi(page_all, [rs.AssetDef("x")], hooks=hooks).hooks == hooks
    assert rs.Asset(hooks=[])(lambda: 1).hooks == []


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: rs.Asset(hooks=[page]), "hooks must be Hook instances, not function"),
        (lambda: rs.Asset.from_multi(dict, [], hooks=[3]), "hooks must be Hook instances, not int"),
        (lambda: rs.Asset(hooks=rs.Hook.success(page)), "hooks must be a list of Hook or None, not Success"),
        (lambda: rs.Asset(hooks=[rs.Hook.success(name="p")]), "Hook.Success(name='p') wraps no function"),
        (lambda: rs.Hook.success(3), "Hook.success wraps a function, not int"),
        (lambda: rs.Hook.failure(rs.Hook.success(page)), "Hook.failure wraps a function, not Success"),
        (lambda: rs.Hook.success(page, name=3), "name must be a str or None, not int"),
        (rs.Hook, "Hook has no constructor"),
        (rs.HookContext, "HookContext has no constructor"),
        (lambda: rs.Task(hooks=[]), "hooks"),
        (lambda: rs.BashTask("t", "true", hooks=[]), "hooks"),
    ],
)
def test_wrong_hooks_are_refused_at_once(make, text):
    with pytest.raises(TypeError) as caught:
        make()
    assert text in str(caught.value)


def test_a_hook_is_read_only():
    with pytest.raises(AttributeError):
        rs.Hook.success(page).name = "other"
