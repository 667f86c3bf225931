"""Workflows audited by zizmor, the real program, without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from readiness.config.security_tables import Workflows
from readiness.errors import NotMeasured
from readiness.model import FindingSeverity
from readiness.static import workflows
from readiness.static.interface import Scan
from readiness.static.workflows import RULES, is_audited, observe, severity_of
from tests.static.listing import budget, lister, write

CHECK = "security-scan/workflows"
WELL = """name: well
on: push
permissions: {}
concurrency: {group: well, cancel-in-progress: true}
jobs:
  build:
    name: build
    runs-on: ubuntu-latest
    permissions: {}
    timeout-minutes: 5
    steps:
      - name: greet
        run: echo hello
"""
INJECTABLE = WELL.replace("on: push", "on: issues").replace("echo hello", 'echo "${{ github.event.issue.title }}"')
UNPINNED = WELL.replace("run: echo hello", "uses: someone/something@main")
ACTION = "name: x\ndescription: x\nruns:\n  using: composite\n  steps:\n    - run: {}\n      shell: bash\n"
CI = ".github/workflows/ci.yml"


def scan(folder: Path, **keys: Any) -> Scan:
    return observe(Workflows(**keys), folder=folder, budget=budget(), files=lister(folder))


def audits(scanned: Scan) -> set[str]:
    return {finding.text.partition(":")[0] for finding in scanned.of(CHECK)}


@pytest.mark.parametrize(
    ("text", "audit"),
    [(INJECTABLE, "template-injection"), (UNPINNED, "unpinned-uses"), (WELL.replace("on: push", "on: pull_request_target"), "dangerous-triggers")],
)  # fmt: skip
def test_unsafe_workflow_is_a_finding(text: str, audit: str, tmp_path: Path) -> None:
    """What zizmor calls severe and is sure of blocks, with its place, its page and how to accept it."""
    write(tmp_path, {CI: text})
    scanned = scan(tmp_path)
    found = [each for each in scanned.of(CHECK) if each.text.startswith(audit)]
    assert found
    assert all(
        each.severity is FindingSeverity.BLOCKING and each.path == CI and each.line and each.column for each in found
    )
    assert "https://" in found[0].remedy
    assert f"# zizmor: ignore[{audit}]" in found[0].remedy
    assert found[0].fingerprint


@pytest.mark.parametrize(
    "text",
    [WELL, WELL.replace("echo hello", 'echo "$TITLE"\n        env: {TITLE: "${{ github.event.issue.title }}"}')],
)
def test_safe_workflow_has_no_finding(text: str, tmp_path: Path) -> None:
    """A value that is passed through the environment is no command; the file was audited."""
    write(tmp_path, {CI: text, ".github/actions/x/action.yml": ACTION.format("echo hello")})
    scanned = scan(tmp_path)
    assert scanned.of(CHECK) == ()
    assert (scanned.files, scanned.unscanned) == (2, 0)


def test_place_is_that_of_the_expression(tmp_path: Path) -> None:
    """Line and column count from 1."""
    write(tmp_path, {CI: INJECTABLE})
    found = next(each for each in scan(tmp_path).of(CHECK) if each.text.startswith("template-injection"))
    line = INJECTABLE.splitlines()[found.line - 1]
    assert line[found.column - 1 :].startswith("github.event.issue.title")


def test_fingerprint_survives_moved_lines(tmp_path: Path) -> None:
    """A comment above changes nothing but the line."""
    write(tmp_path, {CI: INJECTABLE})
    before = scan(tmp_path).of(CHECK)
    write(tmp_path, {CI: "# one more\n\n" + INJECTABLE})
    after = scan(tmp_path).of(CHECK)
    assert [each.fingerprint for each in before] == [each.fingerprint for each in after]
    assert [each.line + 2 for each in before] == [each.line for each in after]


def test_own_ignores_are_honoured(tmp_path: Path) -> None:
    """A comment on the line, or zizmor's configuration, accepts a finding."""
    write(tmp_path, {CI: UNPINNED.replace("something@main", "something@main  # zizmor: ignore[unpinned-uses]")})
    assert "unpinned-uses" not in audits(scan(tmp_path))
    write(tmp_path, {CI: UNPINNED, ".github/zizmor.yml": "rules:\n  unpinned-uses:\n    disable: true\n"})
    assert "unpinned-uses" not in audits(scan(tmp_path))


@pytest.mark.parametrize("others", [{}, {CI: INJECTABLE}])
@pytest.mark.parametrize("text", ["jobs: [\n", "name: only\n", "", "a: &a [*a]\n", "\tx: 1\n"])
def test_what_cannot_be_audited_is_a_finding(text: str, others: dict[str, str], tmp_path: Path) -> None:
    """Zizmor warns of such a file and says that all is well; here it blocks, beside the others' findings."""
    write(tmp_path, {".github/workflows/bad.yml": text, **others})
    scanned = scan(tmp_path)
    unaudited = [each for each in scanned.of(CHECK) if each.rule == "security-scan/unaudited-workflow"]
    assert [(each.path, each.severity) for each in unaudited] == [
        (".github/workflows/bad.yml", FindingSeverity.BLOCKING)
    ]
    assert ("template-injection" in audits(scanned)) == bool(others)
    assert (scanned.files, scanned.unscanned) == (len(others), 1)


def test_no_workflow_is_not_measured(tmp_path: Path) -> None:
    """A folder without one is no evidence."""
    write(tmp_path, {".github/CODEOWNERS": "*"})
    with pytest.raises(NotMeasured, match=r"no workflow below \.github"):
        scan(tmp_path)


def test_broken_configuration_is_not_measured(tmp_path: Path) -> None:
    """Where zizmor cannot follow its configuration nothing is known; it says why."""
    write(tmp_path, {CI: WELL, ".github/zizmor.yml": "rules: 5\n"})
    with pytest.raises(NotMeasured, match=r"zizmor failed with exit status 1: .*invalid configuration syntax"):
        scan(tmp_path)


@pytest.mark.parametrize(
    ("severity", "confidence", "table", "expected"),
    [
        ("high", "high", {}, FindingSeverity.BLOCKING),
        ("medium", "medium", {}, FindingSeverity.BLOCKING),
        ("medium", "low", {}, FindingSeverity.ADVISORY),
        ("low", "high", {}, FindingSeverity.ADVISORY),
        ("low", "high", {"severity": "low"}, FindingSeverity.BLOCKING),
        ("informational", "high", {}, FindingSeverity.INFORMATION),
        ("informational", "low", {"severity": "informational", "confidence": "low"}, FindingSeverity.BLOCKING),
        ("medium", "high", {"severity": "high"}, FindingSeverity.ADVISORY),
        ("critical", "high", {}, FindingSeverity.BLOCKING),
    ],
)
def test_levels_are_thresholds(
    severity: str, confidence: str, table: dict[str, Any], expected: FindingSeverity
) -> None:
    """From both of the table's levels on a finding blocks; a level that is not known does as well."""
    assert severity_of(severity, confidence, Workflows(**table)) is expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (CI, True),
        ("deep/.github/workflows/x.yaml", True),
        ("action.yml", True),
        (".github/actions/x/action.yaml", True),
        (".github/dependabot.yml", True),
        (".github/workflows/deep/x.yml", False),
        (".github/zizmor.yml", False),
        (".github/workflows/readme.md", False),
        ("reaction.yml", False),
    ],
)
def test_files_that_are_audited(path: str, expected: bool) -> None:
    """Workflows, actions and Dependabot's configuration, by their names."""
    assert is_audited(path) is expected


def test_zizmor_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message names the extra."""
    monkeypatch.setattr("readiness.static.command.shutil.which", lambda *_args, **_keys: None)
    write(tmp_path, {CI: WELL})
    with pytest.raises(NotMeasured, match="zizmor is not installed") as told:
        scan(tmp_path)
    assert "pytest-readiness[security]" in told.value.remedy


def test_time_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No time, no evidence."""
    monkeypatch.setattr(workflows, "WITHIN_S", 0.0)
    write(tmp_path, {CI: WELL})
    with pytest.raises(NotMeasured, match="no time was left to run zizmor"):
        scan(tmp_path)


def test_rules_are_documented() -> None:
    """Each has a reason and a remedy."""
    assert all(rule.check == CHECK and rule.why.endswith(".") and rule.remedy.endswith(".") for rule in RULES)
