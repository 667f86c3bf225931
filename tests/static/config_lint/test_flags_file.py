"""Rules about the flags file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.static.config_lint.cases import Cases, lint, one, rules_in

PATH = "feature_flags/flags.json"
EXAMPLE = Path(__file__).parents[3] / "examples/compliance-kit/feature_flags/flags.json"


def flag(**change: Any) -> str:
    """Returns a flags file with one sound flag, changed; `rollout_x` changes what is in its rollout."""
    rollout: dict[str, Any] = {"strategy": "canary", "percentage": 25, "user_segments": ["canary", "beta"]}
    whole: dict[str, Any] = {"enabled": True, "kill_switch": False, "rollout": rollout, "stages": [10, 25, 50, 100]}
    for key, value in change.items():
        holder = rollout if key.startswith("rollout_") else whole
        holder[key.removeprefix("rollout_")] = value
    return json.dumps({"flags": {"reports": whole}})


TABLE = {
    "flag-contradiction": Cases(
        one(PATH, flag(rollout_strategy="full", rollout_percentage=50), flag(rollout_strategy="off"))
        + one(PATH, flag(enabled=False), flag(rollout_strategy="kill_switch", rollout_percentage=0), flag(rollout_percentage=120)),
        one(PATH, flag(), flag(rollout_strategy="full", rollout_percentage=100), flag(rollout_strategy="off", rollout_percentage=0))
        + one(PATH, flag(enabled=False, rollout_percentage=0), flag(rollout_percentage="25")),
    ),
    "flag-stages": Cases(
        one(PATH, flag(stages=[10, 50, 25, 100]), flag(stages=[25, 50]), flag(stages=None)),
        one(PATH, flag(), flag(rollout_strategy="off", rollout_percentage=0, stages=None), flag(stages=[])),
    ),
    "flag-between-stages": Cases(
        one(PATH, flag(rollout_percentage=30), flag(rollout_percentage=5, rollout_user_segments=["internal"])),
        one(PATH, flag(), flag(rollout_percentage=0), flag(rollout_strategy="full", rollout_percentage=100, stages=[100])),
    ),
    "flag-segment": Cases(
        one(PATH, flag(rollout_user_segments=["all"]), flag(rollout_user_segments=[])),
        one(PATH, flag(rollout_percentage=100, rollout_user_segments=["all"]), flag(rollout_strategy="off", rollout_percentage=0, rollout_user_segments=["all"])),
    ),
    "flag-environment": Cases(
        one(PATH, flag(environments=[]), flag(environments=[], rollout_strategy="full", rollout_percentage=100)),
        one(PATH, flag(environments=["production"]), flag(environments=[], enabled=False, rollout_percentage=0), flag()),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.finds])
def test_rule_finds(rule: str, files: dict[str, str]) -> None:
    """What the rule is there for is found."""
    assert rule in rules_in(files)


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.passes])
def test_rule_passes(rule: str, files: dict[str, str]) -> None:
    """What only looks like it is not."""
    assert rule not in rules_in(files)


def test_example_is_sound() -> None:
    """The flags file of the example service contradicts itself nowhere."""
    assert rules_in({PATH: EXAMPLE.read_text("utf-8")}) == set()


def test_flag_of_another_environment_is_missed() -> None:
    """A flag that staging's file has and production's lacks is named there."""
    whole = {"a": {"rollout": {"percentage": 0}}, "b": {"rollout": {"percentage": 0}}}
    files = {"flags.staging.json": {"flags": whole | {"c": {"rollout": {}}}}, "flags.production.json": {"flags": whole}}
    ((path, hit),) = [
        (path, hit)
        for path, hit in lint({path: json.dumps(text) for path, text in files.items()})
        if hit.rule == "config-lint/drift-key"
    ]
    assert (path, hit.text) == ("flags.production.json", "flags.c is missing, which flags.staging.json has")


@pytest.mark.parametrize(
    "value", [[1], {"a": 1}, {"a": {"rollout": {"percentage": [1], "strategy": {}}, "stages": "x"}}]
)
def test_wrong_shapes_do_not_crash(value: Any) -> None:
    """Flags whose values have the wrong types are the schema's business, not a crash."""
    lint({PATH: json.dumps({"flags": value})})
