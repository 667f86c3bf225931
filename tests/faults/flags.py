"""Ways to break a flag service."""

from __future__ import annotations

import copy
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.faults import service
from tests.faults.entry import Fault, failed, unmeasured
from tests.flag_service import CHECKOUT, TOKEN, merged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets

OFREP = {"flags.source": "ofrep"}
UNLEASH = {"flags.source": "unleash", "headers.Authorization": TOKEN}


def behaving(told: Changes | None = None, **how: object) -> Break:
    """The service behaves like this; see `FlagService`.

    Args:
        told: what the run is told otherwise, such as the protocol.
        how: attributes of the service.
    """

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        before = {name: getattr(targets.flags, name) for name in how}
        for name, value in how.items():
            setattr(targets.flags, name, value)
        try:
            yield told or {}
        finally:
            for name, value in before.items():
                setattr(targets.flags, name, value)

    return breaks


def defined(change: dict[str, Any], told: Changes | None = None) -> Break:
    """The flag `checkout` is defined otherwise."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        before = copy.deepcopy(targets.flags.flags)
        targets.flags.flags["checkout"] = merged(before["checkout"], change)
        try:
            yield told or {}
        finally:
            targets.flags.flags = before

    return breaks


def missing(told: Changes | None = None) -> Break:
    """The flag `checkout` was never defined there."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        before = dict(targets.flags.flags)
        del targets.flags.flags["checkout"]
        try:
            yield told or {}
        finally:
            targets.flags.flags = before

    return breaks


def written(text: str, told: Changes | None = None) -> Break:
    """The file of the definitions holds something else."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        file = targets.flags_file
        before = file.read_text()
        file.write_text(text)
        try:
            yield told or {}
        finally:
            file.write_text(before)

    return breaks


# --- the faults ---------------------------------------------------------------------------------------------------

SERVICE, DEFINITIONS = "flags/service", "flags/definitions"
REQUIRED, EVALUATES, STICKY, SHARE, MONOTONIC, KILL_SWITCH = (
    f"flags/{name}[checkout]" for name in ("required", "evaluates", "sticky", "share", "monotonic", "kill-switch")
)
SAMPLED = ("flags/sticky", "flags/share", "flags/monotonic", "flags/kill-switch")
ASKED = ("flags/required", "flags/evaluates", *SAMPLED)
CHANGED = ("flags/monotonic", "flags/kill-switch")
WITHOUT_KILL_SWITCH = {"flags": {"checkout": {key: CHECKOUT[key] for key in CHECKOUT if key != "kill_switch"}}}
CONSTRAINED = {
    "name": "checkout",
    "enabled": True,
    "strategies": [
        {
            "name": "flexibleRollout",
            "parameters": {"rollout": "10", "stickiness": "default", "groupId": "checkout"},
            "constraints": [{"contextName": "country", "operator": "IN", "values": ["NO"]}],
        }
    ],
}

FAULTS: tuple[Fault, ...] = (
    failed(SERVICE, "500", behaving(answers=500), "status: observed 500, expected exactly 200", "flags/*"),
    failed(SERVICE, "says it is down", behaving(status={"status": "down"}), "/status: down"),
    failed(SERVICE, "500 over OFREP", behaving(OFREP, answers=500), "observed 500", *ASKED),
    unmeasured(SERVICE, "token revoked at Unleash", behaving({"flags.source": "unleash"}), "answered 401", "flags/*"),
    failed(SERVICE, "file gone", written("", {"flags.source": "file"}), "is not JSON", "flags/*"),
    unmeasured(SERVICE, "nothing listens", service.gone, "refused the connection", "flags/*"),
    failed(
        DEFINITIONS,
        "150 %",
        defined({"rollout": {"percentage": 150}}),
        "checkout /rollout/percentage: 150 is greater than the maximum of 100",
        "flags/share",
        *CHANGED,
    ),
    failed(DEFINITIONS, "stages fall", defined({"stages": [25, 10, 100]}), "/stages: [25, 10, 100] do not rise"),
    failed(DEFINITIONS, "stages end early", defined({"stages": [10, 50]}), "/stages: [10, 50] end at 50, not 100"),
    failed(
        DEFINITIONS,
        "segment twice",
        defined({"opt_in_segments": ["beta", "beta"]}),
        "non-unique",
        "flags/share",
        *CHANGED,
    ),
    failed(
        DEFINITIONS,
        "full at 10 %",
        defined({"rollout": {"strategy": "full"}}),
        "the strategy is full and the percentage 10, not 100",
        "flags/share",
    ),
    failed(
        DEFINITIONS,
        "no kill switch in the file",
        written(json.dumps(WITHOUT_KILL_SWITCH)),
        "'kill_switch' is a required property",
    ),
    failed(
        DEFINITIONS,
        "150 % at Unleash",
        defined({"rollout": {"percentage": 150}}, UNLEASH),
        "/strategies/0/parameters/rollout: '150' is not valid",
        "flags/evaluates",
        *SAMPLED,
    ),
    failed(REQUIRED, "never defined", missing(), "no flag checkout", "flags/evaluates", *SAMPLED),
    failed(REQUIRED, "never defined, OFREP", missing(OFREP), "FLAG_NOT_FOUND", "flags/evaluates", *SAMPLED),
    failed(REQUIRED, "never defined, Unleash", missing(UNLEASH), "defined are: search", "flags/evaluates", *SAMPLED),
    failed(EVALUATES, "every other one fails", behaving(fails_every=2), "answered 500", *SAMPLED),
    failed(EVALUATES, "all fail, OFREP", behaving(OFREP, fails_every=1), "answered 500", *ASKED),
    unmeasured(
        EVALUATES,
        "a constraint at Unleash",
        behaving(UNLEASH, features=[CONSTRAINED]),
        "has constraints (country IN)",
        *SAMPLED,
    ),
    failed(STICKY, "drifts", behaving(drifts=True), "then false", "flags/monotonic"),
    failed(STICKY, "drifts, OFREP", behaving(OFREP, drifts=True), "users with another answer: observed"),
    failed(
        STICKY, "sticks to chance at Unleash", behaving(UNLEASH, drifts=True), "users with another answer: observed"
    ),
    failed(SHARE, "twice the users", behaving(bias=2.0), "users reached: observed"),
    failed(SHARE, "half the users, OFREP", behaving(OFREP, bias=0.4), "users reached: observed"),
    unmeasured(STICKY, "one in 400 fails", behaving(fails_every=400), "1 of 500 evaluations failed", *SAMPLED),
    failed(MONOTONIC, "draws all users anew", behaving(rehashes=True), "users taken out: observed"),
    failed(
        MONOTONIC,
        "forgets",
        behaving(forgets=True),
        "percentage read back: observed 10 %, expected exactly 25 %",
        *CHANGED,
    ),
    failed(KILL_SWITCH, "ignored", behaving(ignores_kill_switch=True), "users still reached: observed"),
    failed(KILL_SWITCH, "beaten by a segment", behaving(segment_beats_kill_switch=True), "of segment beta"),
)
