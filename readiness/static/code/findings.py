"""From what an engine says of a file to findings: no secret of the code is shown, and lines may move."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from readiness.model import Finding, FindingSeverity
from readiness.static.code.rules import UNSCANNED, remedy_of, rule_of
from readiness.static.fingerprint import fingerprint, hashed
from readiness.static.paths import path_class

LONGEST = 120
_TEXTS = re.compile(r"""(?P<quote>'''|\"\"\"|'|")(?:\\.|(?!(?P=quote)).)*(?:(?P=quote)|$)""")
_TELLING = frozenset({"105", "106", "107"})
"""Tests whose text repeats the password that they found."""
_QUOTED = re.compile(r"'[^']*'?$")


@dataclass(frozen=True, slots=True)
class Issue:
    """One problem, as bandit or ruff says it."""

    number: str
    """Of the test, such as `602`; empty where a file could not be scanned."""
    line: int
    column: int
    """From 1; 0 where there is none."""
    text: str


def lines_of(data: bytes) -> list[str]:
    """Returns the lines of a file as Python counts them: a form feed, for one, ends none."""
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def excerpt_of(line: str, column: int) -> str:
    """Returns a line of code for a report: what stands in quotes or after `#` may be a secret and is left out.

    It starts at the column, where an expression does: what is before may be the end of a text that began lines ago.
    """
    cut = line[max(column - 1, 0) :].strip()[: LONGEST * 4]
    masked = _TEXTS.sub(lambda found: f"{found['quote']}...{found['quote']}", cut)
    return masked.partition("#")[0].rstrip()[:LONGEST]


def quiet(number: str, text: str) -> str:
    """Returns what an engine says, without the password that it may have found."""
    one_line = " ".join(text.split())
    return (_QUOTED.sub("", one_line).rstrip(": ") if number in _TELLING else one_line)[:400]


def findings_of(path: str, lines: list[str], issues: Iterable[Issue]) -> list[Finding]:
    """Returns the findings of one file, in the order of their places.

    Args:
        path: of the file.
        lines: its lines, for excerpts and fingerprints.
        issues: what was found in it.
    """
    blocking = path_class(path).ships
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for issue in sorted(issues, key=lambda each: (each.line, each.column, each.number)):
        rule = rule_of(issue.number) if issue.number else UNSCANNED
        line = lines[issue.line - 1] if 0 < issue.line <= len(lines) else ""
        anchor = hashed(f"{issue.number}\0{line.strip() if issue.number else ''}")
        found.append(
            Finding(
                rule=rule,
                path=path,
                line=issue.line,
                column=issue.column,
                severity=FindingSeverity.BLOCKING if blocking else FindingSeverity.ADVISORY,
                text=issue.text,
                remedy=remedy_of(issue.number),
                excerpt=excerpt_of(line, issue.column) if issue.number else "",
                fingerprint=fingerprint(rule, path, anchor, seen[rule, anchor]),
            )
        )
        seen[rule, anchor] += 1
    return found
