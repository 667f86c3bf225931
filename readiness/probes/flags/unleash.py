"""Flags of Unleash, read by its client API and evaluated here as each of its clients does.

Source: https://github.com/Unleash/client-specification. What needs more than a user is not guessed: a strategy with
constraints, or of a kind that is not in the specification, leaves the flag unmeasured.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.probes.documents import schema_errors
from readiness.probes.flags.interface import (
    Answer,
    Definition,
    DefinitionsObservation,
    Evaluate,
    PresenceObservation,
    ServiceObservation,
    User,
)
from readiness.probes.flags.murmur import place
from readiness.probes.flags.naming import nearest
from readiness.probes.flags.replies import admitted, answered, document_of, read

if TYPE_CHECKING:
    from readiness.probes.http import HttpProbe

FEATURES = "/api/client/features"
SCHEMA = Path(__file__).with_name("unleash.schema.json")
REMEDY = 'Judge this flag where the service evaluates it, over source = "http" or "ofrep", or take it out of required.'
_STICKY = ("default", "userId", "sessionId")
"""What a sample user has: an id, which is its session too."""


class UnleashSource:
    """Reads the features that a token of a client may see.

    Args:
        http: where Unleash is, with its `Authorization` header.
        features: path of the features.
        address: of Unleash, as messages show it.
    """

    in_flight = 1  # nothing is sent

    def __init__(self, http: HttpProbe, *, features: str | None = None, address: str = "") -> None:
        self._http = http
        self._address = address
        self._path = features or FEATURES

    def reach(self) -> None:
        """The service can be reached."""
        self._http.reach()

    def service(self) -> ServiceObservation:
        """Returns how the client API answers."""
        reply = admitted(self._http.get(self._path))
        if reply.status != HTTPStatus.OK:
            return ServiceObservation(reply.where, reply.status, (answered(reply),), 0)
        document = document_of(reply)
        complaints = [] if "version" in document else ["/version: there is none"]
        features = document.get("features")
        complaints += [] if isinstance(features, list) else ["/features: there is no list of them"]
        return ServiceObservation(
            reply.where, reply.status, tuple(complaints), len(features) if isinstance(features, list) else 0
        )

    def definitions(self, required: Sequence[str]) -> DefinitionsObservation:  # noqa: ARG002 - all are in one answer
        """Returns every feature."""
        features, where = self._read()
        found = tuple(_definition(name, where, feature) for name, feature in features.items())
        if not found:
            raise NotMeasured(f"{where} lists no feature", "Check what project and environment the token is for.")
        return DefinitionsObservation(found)

    def definition(self, flag: str) -> Definition | None:
        """Returns the feature; None where there is none of that name."""
        features, where = self._read()
        return _definition(flag, where, features[flag]) if flag in features else None

    def presence(self, flag: str) -> PresenceObservation:
        """Returns whether there is such a feature."""
        features, where = self._read()
        return PresenceObservation(flag in features, where, "" if flag in features else nearest(flag, features))

    def evaluator(self, flag: str) -> Evaluate:
        """Returns what evaluates the feature as it is now."""
        features, where = self._read()
        if flag not in features:
            raise NotMeasured(f"{where} has no feature {flag}: {nearest(flag, features)}", "Define it, or rename it.")
        feature = features[flag]
        if problems := schema_errors(feature, SCHEMA):
            raise NotMeasured(f"{flag} at {where} cannot be evaluated: {problems[0]}", "Mend the feature.")
        if feature.get("dependencies"):
            raise NotMeasured(f"{flag} depends on another feature, which is not followed", REMEDY)
        rules = [_rule(flag, strategy) for strategy in feature.get("strategies", [])]
        is_enabled = feature["enabled"]

        def evaluate(user: User) -> Answer:
            return Answer(is_enabled and (not rules or any(rule(user.id) for rule in rules)))

        return evaluate

    def place(self, flag: str) -> str:  # noqa: ARG002 - all are in one answer
        """Returns where the features are read."""
        return f"GET {self._address}{self._path}, evaluated as Unleash's clients do"

    def _read(self) -> tuple[dict[str, Any], str]:
        reply = self._http.get(self._path)
        features = read(reply).get("features")
        if not isinstance(features, list):
            raise NotMeasured(f"{reply.where} answered without a list of features", "Correct the path `flag`.")
        named = [each for each in features if isinstance(each, dict) and isinstance(each.get("name"), str)]
        return {each["name"]: each for each in named}, reply.where


def _definition(name: str, where: str, feature: Any) -> Definition:
    problems = tuple(schema_errors(feature, SCHEMA))
    return Definition(name, where, feature, problems, None if problems else _percentage(feature))


# --- strategies ---------------------------------------------------------------------------------------------------

Rule = Callable[[str], bool]
"""Whether a strategy reaches a user."""


def _rule(flag: str, strategy: Mapping[str, Any]) -> Rule:
    name, given = strategy["name"], strategy.get("parameters") or {}
    for key in ("constraints", "segments"):
        if strategy.get(key):
            raise NotMeasured(
                f"{flag}: the strategy {name} has {key} ({_first(strategy[key])}), which need more than a user", REMEDY
            )
    if name == "default":
        return lambda _user: True
    if name == "userWithId":
        listed = {each.strip() for each in str(given.get("userIds", "")).split(",")}
        return lambda user: user in listed
    if name not in _GRADUAL:
        raise NotMeasured(f"{flag}: the strategy {name} is not one that a user alone decides", REMEDY)
    share, group, stickiness = _gradual(flag, strategy)
    if stickiness == "random":
        return lambda _user: random.randint(1, 100) <= share  # noqa: S311 - as Unleash's clients do
    if stickiness not in _STICKY:
        raise NotMeasured(
            f"{flag}: the strategy {name} sticks to {stickiness}, which a sample user does not have", REMEDY
        )
    return lambda user: share > 0 and place(user, group) <= share


_GRADUAL = {
    "flexibleRollout": ("rollout", ""),
    "gradualRolloutUserId": ("percentage", "userId"),
    "gradualRolloutSessionId": ("percentage", "sessionId"),
    "gradualRolloutRandom": ("percentage", "random"),
}
"""Strategy to its parameter with the percentage, and what it sticks to; empty where another parameter says so."""


def _gradual(flag: str, strategy: Mapping[str, Any]) -> tuple[float, str, str]:
    """Returns percentage, group and stickiness of a gradual strategy."""
    key, stickiness = _GRADUAL[strategy["name"]]
    given = strategy.get("parameters") or {}
    own_group = flag if strategy["name"] == "flexibleRollout" else ""
    return (
        float(given.get(key, 0)),
        given.get("groupId") or own_group,
        stickiness or given.get("stickiness") or "default",
    )


def _first(values: Sequence[Any]) -> str:
    first = values[0]
    if isinstance(first, dict):
        return f"{first.get('contextName')} {first.get('operator')}"
    return str(first)


def _percentage(feature: Mapping[str, Any]) -> float | None:
    """Returns the share of sample users that the strategies reach together; None where one needs more than a user.

    Strategies are alternatives. Those of one group reach the same users first; those of different groups, and those
    that draw lots, reach users independently of each other.
    """
    if not feature["enabled"]:
        return 0.0
    strategies = feature.get("strategies", [])
    if not strategies or any(each["name"] == "default" for each in strategies):
        is_open = all(not each.get("constraints") and not each.get("segments") for each in strategies)
        return 100.0 if is_open else None
    groups: dict[object, float] = {}
    for index, each in enumerate(strategies):
        if each.get("constraints") or each.get("segments") or each["name"] not in {*_GRADUAL, "userWithId"}:
            return None
        if each["name"] in _GRADUAL:
            share, group, stickiness = _gradual(feature["name"], each)
            key = index if stickiness == "random" else group
            groups[key] = max(groups.get(key, 0.0), share)
    missed = 1.0
    for share in groups.values():
        missed *= 1 - share / 100
    return round(100 * (1 - missed), 9)
