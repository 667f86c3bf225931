"""Each rule finds what it is for, and leaves its near misses alone."""

from __future__ import annotations

from typing import get_args

import pytest

from readiness.config import static_tables
from readiness.static.interface import Rule
from readiness.static.placeholders import RULES
from readiness.static.placeholders.options import Options
from readiness.static.placeholders.rules import GATE, OFF_BY_DEFAULT
from tests.static.placeholders import cases
from tests.static.placeholders.audits import rules_in
from tests.static.placeholders.cases import Case

FOUND = [(rule, case) for rule, (found, _) in cases.CASES.items() for case in found]
MISSED = [(rule, case) for rule, (_, missed) in cases.CASES.items() for case in missed]
ENABLED = Options(enabled=OFF_BY_DEFAULT)
SEVERAL_FILES = {"work-marker-budget", "work-marker-age"}
"""Rules of which `test_markers.py` has the examples."""


@pytest.mark.parametrize(("rule", "case"), FOUND)
def test_finds(rule: str, case: Case) -> None:
    """What the rule is for is found, and nothing else is said of it."""
    assert rule in rules_in(case.path, case.text)


@pytest.mark.parametrize(("rule", "case"), MISSED)
def test_leaves_alone(rule: str, case: Case) -> None:
    """A near miss is not found."""
    assert rule not in rules_in(case.path, case.text)


@pytest.mark.parametrize("rule", cases.OFF_BY_DEFAULT)
def test_is_off_by_default(rule: str) -> None:
    """Rules that find more samples than mistakes find theirs only where they are switched on."""
    found, missed = cases.OFF_BY_DEFAULT[rule]
    assert all(rule not in rules_in(case.path, case.text) for case in found)
    assert all(rule in rules_in(case.path, case.text, ENABLED) for case in found)
    assert all(rule not in rules_in(case.path, case.text, ENABLED) for case in missed)


def test_every_rule_has_examples() -> None:
    """Each rule has two texts that it must find and two that it must not."""
    table = cases.CASES | cases.OFF_BY_DEFAULT
    assert {f"{GATE}/{name}" for name in table.keys() | SEVERAL_FILES} == {rule.id for rule in RULES}
    assert all(len(found) > 1 and len(missed) > 1 for found, missed in table.values())


def test_the_configuration_knows_the_rules() -> None:
    """What `allow` and `enable` accept are the rules that there are."""
    ids = {rule.id for rule in RULES}
    assert set(get_args(static_tables.SampleRule)) == OFF_BY_DEFAULT
    allowable = ids - {f"{GATE}/{name}" for name in OFF_BY_DEFAULT | SEVERAL_FILES | {"unlisted"}}
    assert set(get_args(static_tables.PlaceholderRule)) == allowable


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_is_documented(rule: Rule) -> None:
    """Each rule says what holds, why it matters and what to do, for `readiness explain`."""
    assert all((rule.title, rule.why, rule.remedy))
    assert rule.check in (f"{GATE}/critical", f"{GATE}/warning")
