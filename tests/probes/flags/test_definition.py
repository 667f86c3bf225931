"""A definition is judged by its schema and by what it says against itself."""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.probes.flags.definition import definition_of
from tests.flag_service import CHECKOUT, EVERYBODY, OFF, merged


def problems(change: dict[str, Any], base: dict[str, Any] = CHECKOUT) -> tuple[str, ...]:
    """Returns what is wrong with a definition that was right before the change."""
    return definition_of("checkout", "here", merged(copy.deepcopy(base), change)).problems


@pytest.mark.parametrize("document", [CHECKOUT, EVERYBODY, OFF], ids=["canary", "full", "off"])
def test_what_is_right_has_no_problem(document: dict[str, Any]) -> None:
    """A canary, a flag for everybody and one that is off are each whole."""
    assert definition_of("checkout", "here", document).problems == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"enabled": "yes"}, "/enabled: 'yes' is not of type 'boolean'"),
        ({"kill_switch": None}, "/kill_switch: None is not of type 'boolean'"),
        ({"rollout": {"percentage": 100.5}}, "100.5 is greater than the maximum of 100"),
        ({"rollout": {"percentage": -1}}, "-1 is less than the minimum of 0"),
        ({"rollout": {"percentage": "10"}}, "'10' is not of type 'number'"),
        ({"rollout": {"strategy": "some"}}, "'some' is not one of"),
        ({"rollout": {"user_segments": "canary"}}, "'canary' is not of type 'array'"),
        ({"rollout": {"user_segments": ["a", "a"]}}, "non-unique"),
        ({"stages": []}, "/stages: []"),
        ({"stages": [0, 100]}, "/stages/0: 0"),
        ({"stages": [10, 10, 100]}, "/stages: [10, 10, 100] do not rise"),
        ({"stages": [100, 50]}, "/stages: [100, 50] do not rise"),
        ({"stages": [10, 75]}, "/stages: [10, 75] end at 75, not 100"),
        ({"rollout": {"strategy": "full"}}, "the strategy is full and the percentage 10, not 100"),
        ({"rollout": {"strategy": "off"}}, "the strategy is off and the percentage 10, not 0"),
        ({"rollout": {"strategy": "kill_switch", "percentage": 0}}, "it is off and the strategy is kill_switch"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], says: str) -> None:
    """Each problem says where it is and what was seen."""
    assert any(says in problem for problem in problems(change)), problems(change)


@pytest.mark.parametrize("key", ["enabled", "kill_switch", "rollout"])
def test_what_is_missing_is_named(key: str) -> None:
    """No default is made up for what decides."""
    document = {name: value for name, value in CHECKOUT.items() if name != key}
    assert definition_of("checkout", "here", document).problems == (f"the document: '{key}' is a required property",)


def test_a_rollout_without_stages_is_a_problem() -> None:
    """A percentage that nobody has planned the next step of; a flag that is off needs none."""
    without = {key: value for key, value in CHECKOUT.items() if key != "stages"}
    assert problems({}, without) == ("/stages: there are none, and the strategy is canary",)
    assert problems({}, EVERYBODY) == ()


@pytest.mark.parametrize("document", [None, [], "on", 1])
def test_what_is_no_object_is_a_problem(document: object) -> None:
    """And its percentage is unknown."""
    definition = definition_of("checkout", "here", document)
    assert definition.problems
    assert definition.percentage is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 10),
        ({"enabled": False}, 0),
        ({"kill_switch": True}, 0),
        ({"rollout": {"strategy": "off", "percentage": 0}}, 0),
        ({"rollout": {"strategy": "full", "percentage": 100}}, 100),
        ({"rollout": {"strategy": "gradual", "percentage": 33.3}}, 33.3),
    ],
)
def test_percentage_is_that_of_a_user_in_no_segment(change: dict[str, Any], expected: float) -> None:
    """Off, killed and disabled reach nobody, whatever the percentage says."""
    assert definition_of("checkout", "here", merged(CHECKOUT, change)).percentage == expected


@given(stages=st.lists(st.floats(0.1, 100), min_size=1, max_size=6))
def test_stages_have_to_rise_to_100(stages: list[float]) -> None:
    """Exactly the lists that rise strictly and end at 100 have no problem."""
    rises = all(low < high for low, high in pairwise(stages))
    assert (problems({"stages": stages}) == ()) == (rises and stages[-1] == 100)
