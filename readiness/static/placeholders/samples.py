"""Values that are off by default: they find more samples than mistakes."""

from __future__ import annotations

import re

from readiness.static.interface import Rule
from readiness.static.placeholders import rules
from readiness.static.placeholders.entry import Entry
from readiness.static.placeholders.values import Guess, cut

_PATTERNS: tuple[tuple[Rule, str, re.Pattern[str]], ...] = (
    (
        rules.SAMPLE_PERSON,
        "names a person who does not exist",
        re.compile(r"(?i)\b(?:john|jane|max|erika)[ ._-]?(?:doe|public|mustermann)\b"),
    ),
    (rules.FILLER_TEXT, "is filler", re.compile(r"(?i)\blorem ipsum\b|\bdolor sit amet\b")),
    (rules.NIL_UUID, "is the nil UUID", re.compile(r"\b0{8}-0{4}-0{4}-0{4}-0{12}\b")),
    (
        rules.TEST_ADDRESS,
        "is in a network for documentation",
        re.compile(r"(?<![\d.])(?:192\.0\.2|198\.51\.100|203\.0\.113)\.\d{1,3}(?![\d.])"),
    ),
    (rules.DUMMY_VALUE, "is the word dummy", re.compile(r"(?i)^\s*dummy\s*$")),
    (rules.COMING_SOON, "promises what is not there yet", re.compile(r"(?i)\bcoming soon\b")),
)


def samples(entry: Entry, enabled: frozenset[str]) -> list[Guess]:
    """Returns what the rules that are switched on say of a value or a line."""
    return [
        Guess(rule.id, False, what, cut(found[0]))
        for rule, what, pattern in _PATTERNS
        if rule.id.partition("/")[2] in enabled and (found := pattern.search(entry.text))
    ]
