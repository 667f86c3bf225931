"""Ids of checks: with parameters in brackets, or as names of their own."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.mark import MARK, CheckMark, check, declared_as


def marked(id_: str, **more: Any) -> CheckMark:
    """Returns the mark of a function that is decorated like this."""

    @check(id_, **more)
    def function() -> None:
        assert True

    marks: list[pytest.Mark] = function.pytestmark  # type: ignore[attr-defined] # pytest puts it there
    found: CheckMark = next(each.args[0] for each in marks if each.name == MARK)
    return found


def test_parameters_stand_in_brackets() -> None:
    """As pytest writes them in the node id."""
    mark = marked("shop/till", each="till in tills")
    assert mark.id_of(None) == "shop/till"
    assert mark.id_of("left") == "shop/till[left]"


def test_parameters_may_be_names() -> None:
    """Where the id says so in braces."""
    mark = marked("shop/{till}", each="till in tills")
    assert mark.id_of("left") == "shop/left"
    assert mark.gate == "shop"


@pytest.mark.parametrize("more", [{}, {"each": "box in tills"}])
def test_a_name_in_braces_is_the_argument_of_each(more: dict[str, str]) -> None:
    """Else nothing would give the check its name."""
    with pytest.raises(ValueError, match="is not the argument of each"):
        marked("shop/{till}", **more)


@pytest.mark.parametrize(
    "id_", ["shop", "Shop/till", "shop/till_", "shop/{till}s", "shop/{Till}", "{till}/shop", "shop/{}"]
)
def test_ids_of_another_form_are_refused(id_: str) -> None:
    """With the form that is expected."""
    with pytest.raises(ValueError, match="is not of the form 'gate/name'"):
        marked(id_, each="till in tills")


@pytest.mark.parametrize(
    ("id_", "declared"),
    [
        ("rollout/errors", "rollout/{metric}"),
        ("rollout/data", "rollout/data"),
        ("health/endpoint[/x]", "health/endpoint"),
        ("health/none", "health/none"),
    ],
)
def test_checks_are_known_by_what_they_were_declared_as(id_: str, declared: str) -> None:
    """Also those that have names of their own."""
    assert declared_as(id_, ["rollout/data", "rollout/{metric}", "health/endpoint"]) == declared
