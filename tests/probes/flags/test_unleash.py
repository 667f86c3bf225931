"""Unleash's features, evaluated as its client specification says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.errors import NotMeasured
from readiness.probes.flags.binomial import acceptance
from readiness.probes.flags.interface import User
from readiness.probes.flags.sampling import users
from readiness.probes.flags.unleash import UnleashSource
from readiness.probes.reply import Reply
from readiness.redact import Secret
from tests.flag_service import TOKEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.flag_service import FlagService
    from tests.probes.flags.conftest import MakeProbe


class Told:
    """Answers every GET with these features, without a network."""

    def __init__(self, features: list[dict[str, Any]]) -> None:
        self._body = json.dumps({"version": 2, "features": features}).encode()

    def get(self, path: str) -> Reply:
        """Returns the answer."""
        return Reply(200, 1.0, None, {"content-type": "application/json"}, self._body, f"GET {path}", path)


def source(*strategies: dict[str, Any], enabled: bool = True, **keys: Any) -> UnleashSource:
    """Returns a source with the flag `checkout`, of these strategies."""
    feature = {"name": "checkout", "enabled": enabled, "strategies": list(strategies), **keys}
    return UnleashSource(Told([feature]))  # type: ignore[arg-type] # as much of a probe as is asked


def rollout(percentage: object, group: str | None = "checkout", stickiness: str = "default") -> dict[str, Any]:
    """Returns a flexible rollout."""
    given = {"rollout": str(percentage), "stickiness": stickiness}
    return {"name": "flexibleRollout", "parameters": given | ({"groupId": group} if group is not None else {})}


def is_on(flags: UnleashSource, user: str) -> bool:
    """Whether the user is reached."""
    return reached(flags, [User(user)]) == {user}


def reached(flags: UnleashSource, whom: Sequence[User]) -> set[str]:
    """Returns who of these users is reached."""
    evaluate = flags.evaluator("checkout")
    return {user.id for user in whom if evaluate(user).is_on}


@pytest.mark.parametrize(
    ("strategy", "user", "expected"),
    [
        (rollout(10, "Feature.flexibleRollout.10"), "174", True),
        (rollout(10, "Feature.flexibleRollout.10"), "499", False),
        (rollout(55, "Feature.flexibleRollout.userId.55", "userId"), "25", True),
        (rollout(42, "Feature.flexibleRollout.sessionId.42", "sessionId"), "147", True),
        ({"name": "gradualRolloutUserId", "parameters": {"percentage": "50", "groupId": "AB12A"}}, "122", True),
        ({"name": "gradualRolloutUserId", "parameters": {"percentage": "50", "groupId": "AB12A"}}, "155", False),
        ({"name": "gradualRolloutUserId", "parameters": {"percentage": "0", "groupId": "AB12A"}}, "122", False),
        ({"name": "userWithId", "parameters": {"userIds": "123, 222, 88"}}, "222", True),
        ({"name": "userWithId", "parameters": {"userIds": "123"}}, "22", False),
        ({"name": "default"}, "anybody", True),
    ],
)
def test_it_evaluates_as_the_specification_says(strategy: dict[str, Any], user: str, expected: bool) -> None:
    """The cases of Unleash's client specification 02, 03 and 10."""
    assert is_on(source(strategy), user) is expected


def test_strategies_are_alternatives() -> None:
    """One that reaches the user is enough; none at all reaches everybody; and a disabled feature nobody."""
    assert is_on(source(rollout(0), {"name": "default"}), "a")
    assert is_on(source(), "a")
    assert not is_on(source({"name": "default"}, enabled=False), "a")


def test_the_flag_is_the_group_where_none_is_given() -> None:
    """As Unleash's clients do for the flexible rollout."""
    named, unnamed = source(rollout(50, "checkout")), source(rollout(50, None))
    assert reached(named, users(100)) == reached(unnamed, users(100))


@settings(deadline=None)
@given(low=st.integers(0, 100), high=st.integers(0, 100), user=st.text(min_size=1))
def test_raising_takes_nobody_out(low: int, high: int, user: str) -> None:
    """Whoever is reached at a percentage is reached at each higher one, each time."""
    low, high = sorted((low, high))
    assert is_on(source(rollout(high)), user) or not is_on(source(rollout(low)), user)


@settings(deadline=None, max_examples=50)
@given(first=st.integers(0, 100), second=st.integers(0, 100), same=st.booleans(), name=st.text("abc", min_size=1))
def test_the_share_of_several_strategies_is_what_they_reach(first: int, second: int, same: bool, name: str) -> None:
    """Those of one group reach the same users first; those of two groups reach users independently."""
    flags = source(rollout(first, name), rollout(second, name if same else f"{name}-other"))
    definition = flags.definition("checkout")
    assert definition is not None
    assert definition.percentage is not None
    expected = max(first, second) if same else 100 - (100 - first) * (100 - second) / 100
    assert definition.percentage == pytest.approx(expected)
    count = len(reached(flags, users(300)))
    # Fifty samples are looked at, and places are whole percents: one in a million each, and a little room.
    allowed = acceptance(300, min(1.0, definition.percentage / 100), 1e-6)
    assert allowed.least - 3 <= count <= allowed.most + 3


@pytest.mark.parametrize(
    ("strategy", "says"),
    [
        (
            {**rollout(10), "constraints": [{"contextName": "country", "operator": "IN", "values": ["NO"]}]},
            r"has constraints \(country IN\)",
        ),
        ({**rollout(10), "segments": [7]}, r"has segments \(7\)"),
        ({"name": "remoteAddress", "parameters": {"IPs": "127.0.0.1"}}, "the strategy remoteAddress is not one"),
        ({"name": "ours"}, "the strategy ours is not one"),
        (rollout(10, stickiness="tenantId"), "sticks to tenantId"),
    ],
)
def test_what_needs_more_than_a_user_is_not_guessed(strategy: dict[str, Any], says: str) -> None:
    """It is named instead, and no percentage is made up."""
    flags = source(strategy)
    with pytest.raises(NotMeasured, match=says):
        flags.evaluator("checkout")
    definition = flags.definition("checkout")
    assert definition is not None
    assert definition.percentage in (None, 10)


def test_a_dependency_is_not_followed() -> None:
    """The flag is on only while another one is."""
    with pytest.raises(NotMeasured, match="depends on another feature"):
        source({"name": "default"}, dependencies=[{"feature": "parent"}]).evaluator("checkout")


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ({"strategies": [rollout(101)]}, "/strategies/0/parameters/rollout"),
        ({"strategies": [{"name": "flexibleRollout"}]}, "'parameters' is a required property"),
        ({"strategies": [{"parameters": {}}]}, "'name' is a required property"),
        ({"enabled": "yes"}, "'yes' is not of type 'boolean'"),
    ],
)
def test_a_feature_that_is_wrong_is_named_and_not_evaluated(feature: dict[str, Any], says: str) -> None:
    """Its percentage is unknown."""
    flags = UnleashSource(Told([{"name": "checkout", "enabled": True, **feature}]))  # type: ignore[arg-type] # as above
    definition = flags.definition("checkout")
    assert definition is not None
    assert any(says in problem for problem in definition.problems), definition.problems
    assert definition.percentage is None
    with pytest.raises(NotMeasured, match="cannot be evaluated"):
        flags.evaluator("checkout")


def test_a_token_is_sent_and_a_sample_judged(make: MakeProbe, service: FlagService) -> None:
    """Over the network: the features are read a few times, and the users are evaluated here."""
    probe = make(source="unleash", sample_users=2000)
    assert probe.service().flags == 2
    sample = probe.sample("checkout")
    assert sample.changed == ()
    assert sample.reached().reached in sample.reached().allowed
    assert len(service.requests) < 10


def test_chance_is_not_sticky(make: MakeProbe, service: FlagService) -> None:
    """A rollout that sticks to nothing tells users something else the second time."""
    service.drifts = True
    assert make(source="unleash").sample("checkout").changed


def test_a_flag_service_of_its_own_gets_its_own_headers(make: MakeProbe, url: str) -> None:
    """The environment's credentials go to the service alone."""
    assert make(source="unleash").service().status == 200
    with pytest.raises(NotMeasured, match="answered 401"):
        make(source="unleash", url=url).service()
    own = {"Authorization": Secret(TOKEN)}
    assert make(source="unleash", url=url, headers=own).service().status == 200
