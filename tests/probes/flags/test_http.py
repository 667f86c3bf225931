"""The HTTP API of the runbooks, asked over real connections."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from readiness.config.quantity import Ratio
from readiness.errors import NotMeasured
from tests.flag_service import OFF

if TYPE_CHECKING:
    from tests.flag_service import FlagService
    from tests.probes.flags.conftest import MakeProbe


def test_a_healthy_service_is_seen_as_one(make: MakeProbe) -> None:
    """It answers, its definitions are right, its flag is there and answers."""
    probe = make()
    service = probe.service()
    assert (service.status, service.complaints, service.flags) == (200, (), 2)
    assert [each.name for each in probe.definitions(["checkout"]).definitions] == ["checkout", "search"]
    assert probe.definitions(["checkout"]).problems == ()
    assert probe.presence("checkout").is_defined
    evaluation = probe.evaluate("checkout")
    assert (evaluation.asked, evaluation.problems, evaluation.kinds) == (5, (), ("a truth value",))


@pytest.mark.parametrize("word", ["down", "DEGRADED", "unhealthy"])
def test_a_service_that_says_it_is_unwell_is_heard(make: MakeProbe, service: FlagService, word: str) -> None:
    """A 200 whose body says otherwise."""
    service.status = {"status": word}
    assert make().service().complaints == (f"/status: {word}",)


@pytest.mark.parametrize(
    "listed",
    [{"checkout": {}}, ["checkout"], [{"name": "checkout"}], None, "checkout"],
    ids=["map", "names", "objects", "none", "text"],
)
def test_the_required_flags_are_read_however_the_status_lists_flags(
    make: MakeProbe, service: FlagService, listed: object
) -> None:
    """Runbooks tell no form of the status: what is required is read whatever it lists."""
    service.status = {"flags": listed}
    assert [each.name for each in make().definitions(["checkout"]).definitions] == ["checkout"]


def test_names_are_escaped_in_paths(make: MakeProbe, service: FlagService) -> None:
    """A flag's name is one segment of the path, whatever is in it."""
    name = "check/out ?#%"
    service.flags[name] = OFF
    probe = make(required=[name])
    assert ("GET", f"/feature-flags/{name}", None) not in service.requests
    assert not probe.presence("no such").is_defined
    probe.definitions([name])
    assert any(path.endswith("?#%") for _, path, _ in service.requests)


def test_a_sample_is_taken_once(make: MakeProbe, service: FlagService) -> None:
    """However many checks ask for it."""
    probe = make()
    assert probe.sample("checkout") is probe.sample("checkout")
    asked = [body["user_id"] for method, _, body in service.requests if method == "POST"]
    assert len(asked) == 200 + 200
    assert len(set(asked)) == 200
    assert set(asked) == {f"readiness-{number}" for number in range(1, 201)}


def test_a_sample_that_failed_is_not_taken_again(make: MakeProbe, service: FlagService) -> None:
    """A service in trouble is asked for one sample, and each check says the same of it."""
    service.fails_every = 3
    probe = make()
    for _ in range(3):
        with pytest.raises(NotMeasured, match="evaluations failed"):
            probe.sample("checkout")
    assert sum(method == "POST" for method, *_ in service.requests) < 100


def test_a_flag_that_is_changed_meanwhile_is_not_judged(make: MakeProbe, service: FlagService) -> None:
    """Half a sample at one percentage and half at another is none."""

    def change(_name: str, flag: dict[str, dict[str, float]]) -> None:
        flag["rollout"]["percentage"] = 25

    service.reached = change
    with pytest.raises(NotMeasured, match="was changed by somebody while"):
        make().sample("checkout")


@pytest.mark.parametrize(
    ("flag", "reached", "percentage"), [("search", 200, 100), ("off", 0, 0)], ids=["everybody", "nobody"]
)
def test_all_and_none_are_exact(
    make: MakeProbe, service: FlagService, flag: str, reached: int, percentage: float
) -> None:
    """A flag for everybody reaches each user, one that is off none."""
    service.flags["off"] = OFF
    seen = make(required=[flag]).sample(flag).reached()
    assert (seen.reached, seen.percentage) == (reached, percentage)
    assert (seen.allowed.least, seen.allowed.most) == (reached, reached)


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    percentage=st.floats(1, 99),
    name=st.text("abcdefgh-_.", min_size=1, max_size=12).filter(lambda text: text.strip(".")),
)
def test_an_honest_service_keeps_every_property(
    make: MakeProbe, service: FlagService, percentage: float, name: str
) -> None:
    """Sticky, monotonic, killed by its switch and as it was found; the share is right but for one case in 10,000."""
    found = {
        "enabled": True,
        "kill_switch": False,
        "rollout": {"strategy": "gradual", "percentage": percentage, "user_segments": ["beta"]},
        "stages": [100],
        "opt_in_segments": ["beta"],
    }
    service.flags = {name: dict(found)}
    probe = make(required=[name])
    sample = probe.sample(name)
    assert sample.changed == ()
    assert sample.reached().reached in sample.reached().allowed
    raised = probe.raised(name)
    assert (raised.lost, raised.read_back) == ((), raised.high)
    assert raised.gained > 0 or not raised.must_gain
    killed = probe.killed(name)
    assert (killed.still_on, killed.read_back, killed.after) == ((), True, killed.before)
    assert service.flags == {name: found}


def test_percentages_of_the_configuration_come_first(make: MakeProbe) -> None:
    """What the release wants is not what the service happens to have."""
    seen = make(percentages={"checkout": Ratio.parse("25%")}).sample("checkout").reached()
    assert seen.percentage == 25
    assert "percentages" in seen.said_by
    assert seen.reached not in seen.allowed


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_refusal_says_what_to_do(make: MakeProbe, service: FlagService, status: int) -> None:
    """Who may not ask learns nothing about the flag."""
    service.answers = status
    with pytest.raises(NotMeasured, match=f"answered {status}") as caught:
        make().sample("checkout")
    assert caught.value.remedy
