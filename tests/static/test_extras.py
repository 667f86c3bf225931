"""A static gate whose extra is not installed: all that is missing is said at once, before the run."""

from __future__ import annotations

from typing import Any

import pytest

from readiness.config.security_tables import Bandit
from readiness.config.static_tables import ConfigLint, PlaceholderAudit, SecretsScan, SecurityScan
from readiness.errors import UsageError
from readiness.static.analysers import EXTRAS
from readiness.static.extras import NEEDED, refuse_missing

LINT, AUDIT = ConfigLint(paths=["."]), PlaceholderAudit(paths=["."])
SECRETS = SecurityScan(secrets=SecretsScan(paths=["."]))


def without(*missing: str) -> Any:
    """Returns a finder to which all but these are installed; `*` is everything."""
    return lambda module: module not in missing and "*" not in missing


@pytest.mark.parametrize(
    ("tables", "missing", "cause", "extras"),
    [
        ({"placeholder-audit": AUDIT}, ["re2"], "the gate placeholder-audit needs an extra: google-re2 not", "static"),
        ({"config-lint": LINT}, ["yaml_rs", "yaml"], "config-lint needs an extra: pyyaml and yaml-rs not", "static"),
        ({"security-scan": SECRETS}, ["re2"], "the gate security-scan needs an extra: google-re2 not", "security"),
        (
            {"security-scan": SecurityScan(bandit=Bandit(paths=["."]))},
            ["bandit"],
            "the gate security-scan needs an extra: bandit not",
            "security",
        ),
        (
            {"placeholder-audit": AUDIT, "security-scan": SECRETS},
            ["*"],
            "the gates placeholder-audit and security-scan need extras: pathspec, google-re2, pyyaml and yaml-rs not",
            "static,security",
        ),
    ],
)
def test_missing_extra_is_refused(tables: Any, missing: list[str], cause: str, extras: str) -> None:
    """The message names gates and packages, and the one command that installs all of them."""
    with pytest.raises(UsageError) as told:
        refuse_missing(tables, without(*missing))
    assert cause in told.value.cause
    assert told.value.remedy == f'pip install "pytest-readiness[{extras}]"'


@pytest.mark.parametrize(
    ("tables", "missing"),
    [
        ({"health": LINT}, ["*"]),
        ({}, ["*"]),
        ({"placeholder-audit": AUDIT}, ["jsonschema_rs", "bandit"]),
        ({"security-scan": SECRETS}, ["bandit"]),
        ({"security-scan": SecurityScan(bandit=Bandit(paths=["."], engine="ruff"))}, ["bandit"]),
        ({"config-lint": LINT}, ["kubernetes_validate"]),
    ],
)
def test_what_is_not_used_need_not_be_installed(tables: Any, missing: list[str]) -> None:
    """Another gate, another engine and schemas that are an extra of their own keep nobody from judging."""
    refuse_missing(tables, without(*missing))


def test_every_gate_is_known() -> None:
    """Each gate that has an analyser is asked for; and where the tests run nothing is missing."""
    assert EXTRAS.keys() == NEEDED.keys()
    refuse_missing({"config-lint": LINT, "placeholder-audit": AUDIT, "security-scan": SECRETS})
