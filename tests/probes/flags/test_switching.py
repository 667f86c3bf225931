"""A flag that is changed is put back, whatever happens in between."""

from __future__ import annotations

import contextlib
import copy
import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.flags.journal import Entry, Journal
from readiness.probes.flags.states import is_left
from tests.flag_service import CHECKOUT, EVERYBODY, OFF, Answer, FlagService, merged, serving_flags

if TYPE_CHECKING:
    from pathlib import Path

    from tests.probes.flags.conftest import MakeProbe

KILLED = {"kill_switch": True}
FOUND = {key: CHECKOUT[key] for key in ("enabled", "kill_switch", "rollout")}


class Balancer:
    """Each request goes to the next instance."""

    def __init__(self, services: list[FlagService]) -> None:
        self._next = itertools.cycle(services)
        self._lock = threading.Lock()

    def answer(self, *request: Any) -> Answer | None:
        """Returns what that instance says."""
        with self._lock:
            service = next(self._next)
        return service.answer(*request)


def entries(folder: Path) -> list[Path]:
    """Returns what the journal keeps."""
    return list((folder / "cache").rglob("*.json"))


def leave(folder: Path, url: str, *states: dict[str, Any], found: dict[str, Any] = FOUND) -> None:
    """An earlier run was killed while the flag was in the last of these states."""
    made = [merged(found, state) for state in states]
    journal = Journal(folder / "cache" / "readiness" / "flags", url, lambda: 60.0)
    journal.write(Entry(url, "checkout", found, made, "2026-11-21T13:00:00+00:00"))


# --- raising ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "steps"),
    [
        (CHECKOUT, (10, 25)),
        (EVERYBODY, (10, 50)),
        (OFF, (10, 50)),
        (merged(CHECKOUT, {"rollout": {"percentage": 0.5}}), (10, 50)),
        (merged(CHECKOUT, {"rollout": {"percentage": 80}}), (80, 90)),
        (merged(CHECKOUT, KILLED), (10, 50)),
    ],
    ids=["canary", "full", "off", "tiny", "last stage", "killed"],
)
def test_whatever_a_flag_is_it_is_raised_and_put_back(
    make: MakeProbe, service: FlagService, tmp_path: Path, found: dict[str, Any], steps: tuple[float, float]
) -> None:
    """To its next stage; by way of 10 % where it reaches nobody, or everybody."""
    service.flags["checkout"] = copy.deepcopy(found)
    seen = make().raised("checkout")
    assert (seen.low, seen.high, seen.read_back) == (*steps, steps[1])
    assert seen.lost == ()
    assert seen.gained > 0
    assert service.flags["checkout"] == found
    assert entries(tmp_path) == []


def test_users_who_are_drawn_anew_are_noticed(make: MakeProbe, service: FlagService) -> None:
    """A service that hashes the percentage too takes most of them out."""
    service.rehashes = True
    seen = make().raised("checkout")
    assert len(seen.lost) > seen.held / 2
    assert service.flags["checkout"] == CHECKOUT


def test_a_change_that_is_forgotten_is_noticed(make: MakeProbe, service: FlagService) -> None:
    """The service says what it had before, and reaches nobody else."""
    service.forgets = True
    seen = make().raised("checkout")
    assert (seen.read_back, seen.high, seen.gained, seen.must_gain) == (10, 25, 0, True)


def test_a_change_that_is_forgotten_is_noticed_on_a_flag_that_is_off(make: MakeProbe, service: FlagService) -> None:
    """Where it could not even be rolled out to a few."""
    service.forgets = True
    service.flags["checkout"] = copy.deepcopy(OFF)
    seen = make().raised("checkout")
    assert (seen.low, seen.read_back, seen.high) == (0, 0, 10)


def test_raising_what_drifts_proves_nothing(make: MakeProbe, service: FlagService) -> None:
    """Nothing is changed for it."""
    service.drifts = True
    with pytest.raises(NotMeasured, match="get other answers when they are asked again"):
        make().raised("checkout")
    assert all(method != "PUT" for method, *_ in service.requests)


# --- the kill switch --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "found", [CHECKOUT, EVERYBODY, OFF, merged(CHECKOUT, KILLED)], ids=["canary", "full", "off", "killed"]
)
def test_whatever_a_flag_is_it_is_killed_and_put_back(
    make: MakeProbe, service: FlagService, tmp_path: Path, found: dict[str, Any]
) -> None:
    """Nobody is reached meanwhile; whoever was is reached again."""
    service.flags["checkout"] = copy.deepcopy(found)
    seen = make().killed("checkout")
    assert (seen.read_back, seen.opened, seen.still_on) == (True, "accepted", ())
    assert seen.after == seen.before
    assert service.flags["checkout"] == found
    assert entries(tmp_path) == []


def test_the_feature_is_never_switched_on_for_it(make: MakeProbe, service: FlagService) -> None:
    """Every change but the one that puts it back has the kill switch on, or is below one that has."""
    service.flags["checkout"] = copy.deepcopy(OFF)
    reached: list[bool] = []
    service.reached = lambda _name, flag: reached.append(flag["kill_switch"] or not flag["enabled"])
    make().killed("checkout")
    assert all(reached)


@pytest.mark.parametrize(
    ("how", "who"),
    [("ignores_kill_switch", "readiness-1 of segment canary"), ("segment_beats_kill_switch", "of segment beta")],
)
def test_a_rule_that_beats_the_kill_switch_is_named(make: MakeProbe, service: FlagService, how: str, who: str) -> None:
    """By a user whom it reaches."""
    setattr(service, how, True)
    seen = make().killed("checkout")
    assert any(who in each for each in seen.still_on)
    assert service.flags["checkout"] == CHECKOUT


def test_a_service_may_refuse_to_open_what_is_killed(make: MakeProbe, service: FlagService) -> None:
    """That is a rule as good as any."""
    service.refuses_to_open = True
    seen = make().killed("checkout")
    assert seen.opened.startswith("refused: PUT")
    assert seen.still_on == ()
    assert service.flags["checkout"] == CHECKOUT


# --- putting back -----------------------------------------------------------------------------------------------------


def test_it_is_put_back_where_the_evaluation_fails(make: MakeProbe, service: FlagService, tmp_path: Path) -> None:
    """The check is unmeasured, and the flag as it was found."""
    probe = make()
    probe.sample("checkout")

    def fail(_name: str, flag: dict[str, Any]) -> None:
        if flag["kill_switch"]:
            service.fails_every = 1

    service.reached = fail
    with pytest.raises(NotMeasured, match="evaluations failed"):
        probe.killed("checkout")
    assert service.flags["checkout"] == CHECKOUT
    assert entries(tmp_path) == []


def test_it_is_put_back_where_the_run_has_no_time_left(make: MakeProbe, service: FlagService) -> None:
    """Putting back has time of its own."""
    probe = make()
    probe.sample("checkout")
    source = probe._switching._source  # type: ignore[union-attr] # the probe may change flags
    http = source._http

    def late(_name: str, flag: dict[str, Any]) -> None:
        if flag["kill_switch"]:
            http._budget = lambda: 0.0

    service.reached = late
    with pytest.raises(NotMeasured, match="deadline"):
        probe.killed("checkout")
    assert service.flags["checkout"] == CHECKOUT


def test_what_cannot_be_put_back_is_cried_out_and_kept(
    make: MakeProbe, service: FlagService, tmp_path: Path, url: str
) -> None:
    """It says how to do it by hand; and the next run does it."""
    service.keeps = lambda change: change.get("kill_switch") is False
    probe = make()
    with pytest.raises(NotMeasured, match="could NOT be put back") as caught:
        probe.killed("checkout")
    assert f"curl -X PUT '{url}/feature-flags/checkout'" in caught.value.remedy
    assert '"kill_switch": false' in caught.value.remedy
    assert service.flags["checkout"]["kill_switch"]
    assert len(entries(tmp_path)) == 1
    service.keeps = lambda _change: False
    assert make().sample("checkout").reached().reached > 0
    assert service.flags["checkout"] == CHECKOUT
    assert entries(tmp_path) == []


@pytest.mark.parametrize("instances", [2, 3])
def test_each_of_several_instances_is_put_back(make: MakeProbe, instances: int) -> None:
    """Flags that live in the memory of each instance: the change reaches one of them, and no instance keeps it."""
    services = [FlagService() for _ in range(instances)]
    with serving_flags(Balancer(services)) as address:
        probe = make(address=address)
        probe.sample("checkout")
        with contextlib.suppress(NotMeasured, DocumentError):
            probe.killed("checkout")
    assert [service.flags["checkout"] for service in services] == [CHECKOUT] * instances


@pytest.mark.parametrize(
    "states",
    [
        [KILLED],
        [{"rollout": {"percentage": 25}}],
        [
            KILLED,
            {
                "kill_switch": True,
                "enabled": True,
                "rollout": {"strategy": "full", "percentage": 100, "user_segments": ["beta"]},
            },
        ],
    ],
    ids=["killed", "raised", "opened"],
)
@pytest.mark.parametrize("look", ["service", "definitions", "presence", "evaluate", "sample", "killed"])
def test_whichever_check_comes_first_repairs(
    make: MakeProbe, service: FlagService, tmp_path: Path, url: str, look: str, states: list[dict[str, Any]]
) -> None:
    """Nothing is judged before what an earlier run has left is as that run found it."""
    for state in states:
        service.flags["checkout"] = merged(service.flags["checkout"], state)
    leave(tmp_path, url, *states)
    probe = make()
    arguments = {"service": (), "definitions": (["checkout"],)}.get(look, ("checkout",))
    seen = getattr(probe, look)(*arguments)
    assert service.flags["checkout"] == CHECKOUT
    assert entries(tmp_path) == []
    if look == "killed":
        assert "changed at 2026-11-21T13:00:00+00:00 by a run that was killed" in seen.repaired


@pytest.mark.parametrize("change", [{}, {"rollout": {"percentage": 50}}, {"enabled": False}])
def test_what_somebody_else_has_set_since_is_left_alone(
    make: MakeProbe, service: FlagService, tmp_path: Path, url: str, change: dict[str, Any]
) -> None:
    """A flag in none of the states that the run made is not that run's any more."""
    leave(tmp_path, url, KILLED)
    expected = service.flags["checkout"] = merged(CHECKOUT, change)
    make().presence("checkout")
    assert service.flags["checkout"] == expected
    assert all(method != "PUT" for method, *_ in service.requests)
    assert entries(tmp_path) == []


def test_another_target_is_left_alone(make: MakeProbe, service: FlagService, tmp_path: Path) -> None:
    """What was found there is not put here."""
    leave(tmp_path, "http://other.test", KILLED)
    service.flags["checkout"] = merged(CHECKOUT, KILLED)
    make().presence("checkout")
    assert service.flags["checkout"]["kill_switch"]
    assert len(entries(tmp_path)) == 1


def test_a_protected_target_is_never_written_to(
    make: MakeProbe, service: FlagService, tmp_path: Path, url: str
) -> None:
    """Not to change a flag, and not to repair one: that is said."""
    probe = make(is_protected=True)
    with pytest.raises(NotMeasured, match="not changed"):
        probe.killed("checkout")
    leave(tmp_path, url, KILLED)
    with pytest.raises(NotMeasured, match="this target is protected"):
        probe.presence("checkout")
    assert all(method != "PUT" for method, *_ in service.requests)


def test_a_service_at_an_address_of_its_own_is_never_written_to(make: MakeProbe, url: str) -> None:
    """Others may use it."""
    with pytest.raises(NotMeasured, match="not changed"):
        make(url=url).killed("checkout")


def test_nothing_is_changed_that_could_not_be_put_back_later(
    make: MakeProbe, service: FlagService, tmp_path: Path
) -> None:
    """Where the journal cannot be written, the flag stays as it is."""
    (tmp_path / "cache").write_text("no folder")
    probe = make()
    assert probe.presence("checkout").is_defined
    with pytest.raises(NotMeasured, match="cannot be written"):
        probe.killed("checkout")
    assert all(method != "PUT" for method, *_ in service.requests)


def test_a_flag_whose_definition_is_wrong_is_not_changed(make: MakeProbe, service: FlagService) -> None:
    """What to put back could not be told."""
    service.flags["checkout"] = merged(CHECKOUT, {"rollout": {"user_segments": "canary"}})
    with pytest.raises(NotMeasured, match="not changed while its definition is wrong"):
        make().killed("checkout")
    assert all(method != "PUT" for method, *_ in service.requests)


def test_a_change_that_is_refused_is_a_failure(make: MakeProbe, service: FlagService) -> None:
    """The kill switch that cannot be switched on is what the check is for."""
    service.keeps = lambda change: change == {"kill_switch": True}
    with pytest.raises(DocumentError, match="answered 500"):
        make().killed("checkout")
    assert service.flags["checkout"] == CHECKOUT


# --- who looks, and who changes ---------------------------------------------------------------------------------------


def test_nobody_samples_while_another_changes(make: MakeProbe, service: FlagService) -> None:
    """As the workers of one run do: the share is that of the flag as it was found."""
    first, second = make(), make()
    first.sample("checkout")
    killed, shares = threading.Event(), []

    def change() -> None:
        first.killed("checkout")

    def slow(_name: str, flag: dict[str, Any]) -> None:
        if flag["kill_switch"]:
            killed.set()

    service.reached = slow
    changer = threading.Thread(target=change)
    changer.start()
    assert killed.wait(20)
    shares.append(second.sample("checkout").reached())
    changer.join()
    assert shares[0].reached in shares[0].allowed


settings_ = st.builds(
    lambda enabled, killed, strategy, percentage, segments: {
        "enabled": enabled,
        "kill_switch": killed,
        "rollout": {"strategy": strategy, "percentage": percentage, "user_segments": segments},
    },
    st.booleans(),
    st.booleans(),
    st.sampled_from(["off", "canary", "full"]),
    st.sampled_from([0, 10, 25.0, 100]),
    st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
)


@given(found=settings_, states=st.lists(settings_, max_size=3), current=settings_, data=st.data())
def test_left_is_what_the_run_made_and_not_what_it_found(
    found: dict[str, Any], states: list[dict[str, Any]], current: dict[str, Any], data: st.DataObject
) -> None:
    """As it was found: nothing to repair. As the run made it: to repair, in whatever order segments come back."""
    entry = Entry("http://host", "checkout", found, states, "")
    assert not is_left(entry, found)
    if current not in states:
        same = [
            state
            for state in states
            if {**state, "rollout": {**state["rollout"], "user_segments": []}}
            == {**current, "rollout": {**current["rollout"], "user_segments": []}}
        ]
        assert is_left(entry, current) == (bool(same) and not _is_found(current, found))
    for state in states:
        segments = data.draw(st.permutations(state["rollout"]["user_segments"]))
        shuffled = {**state, "rollout": {**state["rollout"], "user_segments": segments}}
        assert is_left(entry, shuffled) is not _is_found(shuffled, found)


def _is_found(one: dict[str, Any], found: dict[str, Any]) -> bool:
    return {**one, "rollout": {**one["rollout"], "user_segments": sorted(one["rollout"]["user_segments"])}} == {
        **found,
        "rollout": {**found["rollout"], "user_segments": sorted(found["rollout"]["user_segments"])},
    }
