"""Runbooks: every contact, key address and signature that nobody has filled in is found, and nothing that is meant to be blank."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest

from readiness.static.placeholders.recognition import is_runbook
from tests.static.placeholders.audits import audit, rules_in

HERE = Path(__file__).parent
RUNBOOKS = sorted((HERE / "runbooks").iterdir())


def labelled(path: Path) -> Counter[tuple[int, str]]:
    """Returns line and rule of everything that the list beside the runbooks says is blank, with how often."""
    labels = tomllib.loads((HERE / "labels.toml").read_text(encoding="utf-8"))[path.name]
    lines = path.read_text(encoding="utf-8").splitlines()
    found: Counter[tuple[int, str]] = Counter()
    for label in labels:
        for blank in label["blank"]:
            (line,) = (number for number, text in enumerate(lines, 1) if blank in text)
            found[line, label["rule"]] += label.get("times", 1)
    return found


def audited(path: Path, name: str) -> Counter[tuple[int, str]]:
    """Returns the same of what the audit finds."""
    return Counter((hit.line, hit.rule.partition("/")[2]) for _, hit in audit({name: path.read_bytes()}))


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_all_that_is_blank_is_found(path: Path) -> None:
    """The audit finds exactly what was listed by hand: recall and precision are 1."""
    assert audited(path, f"runbooks/{path.name}") == labelled(path)


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.name)
def test_a_runbook_is_known_by_its_headings(path: Path) -> None:
    """The name of the file and of its folder do not matter."""
    assert audited(path, f"notes/a{path.suffix}") == labelled(path)


@pytest.mark.parametrize(
    "line",
    [
        "- On-Call: TBD",
        "- On-Call: [TBD]",
        "- Pager: +1 (555) 867-5309",
        "- Phone: 123-456-7890",
        "- Phone: XXX-XXX-XXXX",
        "| Network | TBD | me@shop.test.internal |",
        "- Lead: [Your name here]",
        "Call [insert phone number] first.",
        "- Mail: oncall@example.com",
        "- Lead: <name>",
    ],
)
def test_a_contact_may_be_blank_in_many_ways(line: str) -> None:
    """In a list of contacts each of these is one that nobody has filled in."""
    header = "| Role | Primary | Mail |\n|---|---|---|\n" if line.startswith("|") else ""
    assert "contact" in rules_in("runbook.md", f"# Runbook\n\n## Contacts\n\n{header}{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "- Pager: +49 30 901820",
        "- Information: +1-212-555-1212",
        "- See [the rota](rota.md)",
        "- [ ] Call the lead",
        "- [x] Called",
        "- Lead: Ada Lovelace [1]",
        "- Lead: Ada Lovelace [^note]",
        "| Lead | - | ada@shop.test.internal |",
        "- Log in as `ssh ops@bastion`",
        "> [!NOTE]",
        "- Usage: `tool [options]`",
    ],
)
def test_what_is_filled_in_is_no_blank(line: str) -> None:
    """Links, boxes, footnotes, real numbers and options of a command are not contacts left out."""
    header = "| Role | Primary | Mail |\n|---|---|---|\n" if line.startswith("|") else ""
    assert rules_in("runbook.md", f"# Runbook\n\n## Contacts\n\n{header}{line}\n") == []


@pytest.mark.parametrize(
    "line",
    [
        "Approved by: ________",
        "Name: ______ Date: ______",
        "- [ ] Security Lead: ____",
        "- [ ] Security Lead",
        "| Head of Security | | |",
        r"Signature: \_\_\_\_\_",
        "**Date:** ..........",
        "Signed: [Name]",
        "[ ] GO",
    ],
)
def test_a_signature_may_be_missing_in_many_ways(line: str) -> None:
    """In a section of signatures each of these is one that nobody has given."""
    header = "| Role | Name | Date |\n|---|---|---|\n" if line.startswith("|") else ""
    assert "sign-off" in rules_in("release.md", f"# Release 7\n\n## Sign-off\n\n{header}{line}\n")


@pytest.mark.parametrize(
    "text",
    [
        "## Sign-off\n\n| Role | Name | Date |\n|---|---|---|\n| Security | Ada | 2026-01-01 |\n",
        "## Sign-off\n\n- [x] Security Lead\n",
        "## Sign-off template\n\nName: ______ Date: ______\n",
        "## Sign-off\n\nSigned by Ada on 2026-01-01.\n\n____\n\nsnake_case___name: yes\n",
    ],
)
def test_what_is_signed_or_a_template_is_no_blank(text: str) -> None:
    """Signed lines, rulers, and forms under a heading that calls them templates are left alone."""
    assert rules_in("release.md", f"# Release 7\n\n{text}") == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("docs/RUNBOOK.md", "x", True),
        ("ops/on-call.md", "x", True),
        ("docs/ops.md", "# Operations guide\n\nx\n", True),
        ("docs/ops.md", "# Ops\n\n## Escalation path\n\nx\n\n## Rollback procedure\n\nx\n", True),
        ("README.md", "# Library\n\n## Contributing\n\nx\n\n## Support\n\nx\n", False),
        ("docs/design.md", "# Design\n\nEscalation is discussed in prose, and rollback too.\n", False),
    ],
)
def test_what_a_runbook_is(path: str, text: str, expected: bool) -> None:
    """A file that people act by, by its name, its title or two of its headings; other documents are not."""
    assert is_runbook(path, text) is expected
