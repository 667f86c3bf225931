"""The rules of all static gates in one place: complete, documented, and found without loading what they need to run."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from readiness.gate import builtin_gates
from readiness.static import rules
from readiness.static.interface import Rule

PACKAGE = Path(rules.__file__).parent
HEAVY = ("bandit", "jsonschema", "jsonschema_rs", "pathspec", "promql_parser", "re2", "yaml", "yaml_rs")


def _exporting() -> list[str]:
    """Returns the modules of this package in which a table `RULES` is made."""
    found = []
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            if any(isinstance(target, ast.Name) and target.id == "RULES" for target in targets):
                parts = file.relative_to(PACKAGE.parent.parent).with_suffix("").parts
                found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


@pytest.mark.parametrize("module", _exporting())
def test_every_table_is_collected(module: str) -> None:
    """A rule that a finding can name can be explained."""
    made = importlib.import_module(module).RULES
    known = set(rules.all_rules())
    missing = [rule.id for rule in made if isinstance(rule, Rule) and rule not in known]
    assert not missing


@pytest.mark.parametrize("rule", rules.all_rules(), ids=lambda rule: rule.id)
def test_every_rule_says_all_that_a_user_needs(rule: Rule) -> None:
    """Its gate and check exist, and it says what holds, why, and what to do."""
    gate = rule.id.partition("/")[0]
    assert gate in {each.name for each in builtin_gates()}
    assert rule.check.partition("/")[0] == gate
    for text in (rule.title, rule.why, rule.remedy):
        assert text.strip() == text != ""
        assert "\n" not in text
    assert rules.rule(rule.id) is rule


def test_ids_are_unique() -> None:
    """Two tables that make a rule of one id would hide one of them."""
    made = [rule for module in rules.modules() for rule in getattr(importlib.import_module(module), "RULES", ())]
    assert len({rule.id for rule in made}) == len(set(made))


def test_other_ids_are_no_rules() -> None:
    """The number of an advisory is none, nor is a check."""
    assert rules.rule("CVE-2026-1234") is None
    assert rules.rule("redis/ping") is None
    assert rules.documented(["CVE-2026-1234", "redis/ping"]) == ()


def test_documented_rules_come_once_and_in_order() -> None:
    """As the findings name them."""
    last, first = rules.all_rules()[-1], rules.all_rules()[0]
    assert rules.documented([last.id, first.id, last.id]) == (last, first)


def test_explaining_loads_no_engine() -> None:
    """What is written of a rule can be read without the packages that apply it."""
    script = f"import sys; from readiness.static.rules import all_rules; all_rules(); print(sorted(set(sys.modules) & {set(HEAVY)!r}))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
