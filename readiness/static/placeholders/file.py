"""One file under audit: which judges see it, and the hits that they make."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from readiness.model import FindingSeverity
from readiness.static.allowing import SYNTAX, allowed
from readiness.static.interface import Hit
from readiness.static.placeholders import addresses, code, markers, recognition, runbooks, text, values
from readiness.static.placeholders.entry import LONGEST, Entry, entries, line_entries
from readiness.static.placeholders.literals import python_entries, quoted_entries
from readiness.static.placeholders.names import word_set
from readiness.static.placeholders.options import Options
from readiness.static.placeholders.rules import GATE, OFF_BY_DEFAULT, UNLISTED, WARNING
from readiness.static.placeholders.samples import samples
from readiness.static.placeholders.values import Guess, cut, is_filled_by_hand
from readiness.static.placeholders.weight import Weight, is_translation

if TYPE_CHECKING:
    from readiness.static.source import Source

_RULE_ID = re.compile(r"\s*(?:placeholder-audit|config-lint|security-scan)/[a-z0-9-]+\s*")
JUDGES: dict[str, tuple[values.Judge, ...]] = {
    "changeme": (values.changeme,),
    "change": (values.changeme,),
    "credential": (values.weak_credential,),
    "fallback": (values.weak_credential,),
    "angle": (values.angle,),
    "bracket": (values.angle,),
    "your": (values.your_domain, values.your),
    "yours": (values.your,),
    "domain": (values.your_domain,),
    "filler": (addresses.filler,),
    "note": (addresses.note,),
    "example": (addresses.example_domain,),
    "hook": (addresses.chat_hook,),
    "key": (addresses.test_key,),
    "mock": (addresses.mock_vendor,),
    "contact": (addresses.contact,),
    "variable": (addresses.template_variable,),
}
"""Family of the first pass to those who look closer; the first of them that has a guess about a value is believed."""
_IN_CODE = frozenset({"changeme", "fallback", "angle", "your", "domain", "hook", "key"})
_PAIRED = frozenset(
    {
        "sh",
        "bash",
        "zsh",
        "ksh",
        "properties",
        "conf",
        "cnf",
        "config",
        "hcl",
        "tf",
        "tfvars",
        "service",
        "ini",
        "cfg",
        "xml",
        "env",
    }
)
_PROGRAMS = word_set(
    "js jsx ts tsx mjs cjs go java kt kts scala rb php cs rs swift c cc cpp h hpp pl lua ex exs dart groovy ps1 vue svelte tf hcl"
)
DATA = 256 * 1024
"""Bytes of a file that nobody has written by hand: in data only a value that a person has to fill in blocks."""
MOST_VALUES = 20_000
"""Values of one file that the judges see; that there are more is a finding."""
MOST_HITS = 300
"""Of one file that do not block; more are counted."""


class File:
    """What the audit makes of one file.

    Args:
        source: the file.
        options: of the audit.
    """

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._options = options
        wide = source.text if text.is_wide(source.data) else None
        self._seen = text.families(source.data, wide)
        name = source.name.lower()
        self._suffix = name.rpartition(".")[2] if "." in name else ""
        self._is_script = name.startswith(("dockerfile", "containerfile", "procfile", "makefile")) or name.endswith(
            ".dockerfile"
        )

    @cached_property
    def _weight(self) -> Weight:
        return Weight(
            self._source.path,
            self._options.environment,
            strict=self._options.strict,
            is_runbook=self._is_runbook,
            is_sample=self._is_sample,
        )

    @cached_property
    def _is_sample(self) -> bool:
        """Whether a file of values in a folder `templates` is to be copied: no engine renders it, and it is no manifest."""
        folders = self._source.path.split("/")[:-1]
        if "templates" not in folders or "roles" in folders or self._is_code:
            return False
        parsed = self._source.parsed
        if parsed is None or parsed.is_template or not parsed.values:
            return False
        return not any(isinstance(value, dict) and "apiVersion" in value for value in parsed.values)

    @cached_property
    def _is_runbook(self) -> bool:
        path = self._source.path
        if path == self._options.runbook:
            return True
        if not recognition.is_text(path):
            return False
        return recognition.is_runbook(path, self._source.text if "runbook" in self._seen else "")

    @cached_property
    def _tree(self) -> ast.Module | None:
        return code.tree_of(self._source.text)

    @property
    def _is_python(self) -> bool:
        return self._suffix in ("py", "pyw")

    def hits(self) -> tuple[Hit, ...]:
        """Returns what is found, in order, without what a comment allows; what blocks nothing belongs to the warnings."""
        return tuple(
            hit if hit.severity == FindingSeverity.BLOCKING else replace(hit, check=WARNING) for hit in self._listed()
        )

    def _listed(self) -> list[Hit]:
        if not self._seen:
            return []
        found: list[Hit] = []
        left = MOST_HITS
        more = 0
        for hit in self._all():
            if hit.severity != FindingSeverity.BLOCKING:
                if not left:
                    more += 1
                    continue
                left -= 1
            found.append(hit)
        if more:
            said = f"{more} more findings that do not block are in this file; the first {MOST_HITS} are listed."
            found.append(Hit(UNLISTED.id, 0, 0, said, "more", severity=FindingSeverity.INFORMATION.value))
        return found

    def facts(self) -> dict[str, Any] | None:
        """Returns what only several files together show: markers, stubs, and the classes that may define those again."""
        found: dict[str, Any] = {}
        if "marker" in self._seen and self._weight.ships and not self._is_runbook:
            found["markers"] = [
                [each.line, each.column, each.word, cut(each.text, 100)]
                for each in markers.markers(self._source.text)
                if not self._is_allowed(f"{GATE}/work-marker", each.line)
            ]
        if self._is_python and self._weight.ships:
            found["classes"] = code.classes(self._source.text) if b"class" in self._source.data else []
            if self._seen & {"stub", "empty"} and self._tree is not None:
                found["stubs"] = [
                    [each.name, each.line, each.column, each.owner, each.raises]
                    for each in code.stubs(self._tree)
                    if not self._is_allowed(f"{GATE}/{'stub' if each.raises else 'empty-body'}", each.line)
                ]
        found = {name: value for name, value in found.items() if value}
        return found or None

    # --- hits ---

    def _all(self) -> Iterator[Hit]:
        if self._is_runbook:
            yield from self._blanks()
        if not is_translation(self._source.path):
            yield from self._values()
        if self._options.enabled & OFF_BY_DEFAULT and "sample" in self._seen:
            yield from self._samples()

    def _blanks(self) -> Iterator[Hit]:
        for blank in runbooks.blanks(self._source.text):
            seen = cut(blank.seen, 80)
            hit = Hit(
                blank.rule.id,
                blank.line,
                blank.column,
                f"'{seen}' {blank.what}.",
                f"{self._line(blank.line).strip()} {seen}",
                cut(self._line(blank.line), 110),
                self._weight.severity(is_critical=blank.is_critical).value,
            )
            yield from self._unless_allowed(hit)

    def _values(self) -> Iterator[Hit]:
        families = self._seen & (_IN_CODE if self._is_code else JUDGES.keys())
        judges = tuple(dict.fromkeys(judge for family in JUDGES if family in families for judge in JUDGES[family]))
        if not judges or (self._is_code and not (self._weight.ships and self._seen & {"literal", "fallback"})):
            return
        locate = self._locator()
        known: set[tuple[str, int, int, str]] = set()
        for number, entry in enumerate(self._entries(families)):
            if number == MOST_VALUES:
                said = f"Only the first {MOST_VALUES} values of this file that might be placeholders were looked at."
                severity = self._weight.severity(is_critical=False).value
                yield Hit(UNLISTED.id, 0, 0, said, "values", severity=severity)
                return
            if _RULE_ID.fullmatch(entry.text):  # of a baseline, a waiver, an exception: it names what it accepts
                continue
            for judge in judges:
                guess = judge(entry)
                if guess is None or self._options.allows_rule(guess.rule, self._source.path):
                    continue
                line, column = (entry.line, 1) if entry.line else locate(entry.document, entry.keys)
                if (guess.rule, line, column, guess.seen) in known:
                    break
                known.add((guess.rule, line, column, guess.seen))
                yield from self._unless_allowed(self._hit(entry, guess, line, column))
                break

    @property
    def _is_code(self) -> bool:
        return self._is_python or self._suffix in _PROGRAMS

    def _entries(self, families: Iterable[str]) -> Iterator[Entry]:
        parsed = None if self._is_code else self._source.parsed
        gate = text.gate()
        if parsed is not None and parsed.values and not parsed.is_template:
            for scalar in parsed.scalars():
                value = scalar.value
                if value is True and "mock" in self._seen:
                    value = "true"
                if isinstance(value, str) and (value in values.WHOLE or gate(value[:LONGEST])):
                    yield from entries(scalar.document, scalar.keys, value, parsed.values[scalar.document])
        elif self._is_python:
            yield from python_entries(self._tree) if self._tree is not None else ()
        elif self._suffix in _PROGRAMS:
            yield from quoted_entries(self._source.text, text.lines_with(frozenset(families), self._source.text))
        elif parsed is not None or self._suffix in _PAIRED or self._is_script:
            yield from line_entries(text.lines_with(frozenset(families), self._source.text))

    def _locator(self) -> Callable[[int, tuple[str | int, ...]], tuple[int, int]]:
        parsed = self._source.parsed if not self._is_code else None
        return parsed.locate if parsed is not None else lambda _document, _keys: (0, 0)

    def _hit(self, entry: Entry, guess: Guess, line: int, column: int) -> Hit:
        is_critical = guess.is_critical and (not guess.production_only or self._weight.is_production)
        if len(self._source.data) > DATA and not is_filled_by_hand(entry.name):
            is_critical = False
        shown = f" ({guess.seen})" if guess.seen else ""
        default = "the default of " if entry.is_default else ""
        return Hit(
            guess.rule,
            line,
            column,
            f"{default}{entry.place or 'a value'} {guess.what}{shown}.",
            f"{'.'.join(map(str, entry.keys))} {entry.name} {entry.text}",
            cut(f"{entry.name}: {guess.seen}", 110) if guess.seen else entry.name,
            self._weight.severity(is_critical=is_critical).value,
        )

    def _samples(self) -> Iterator[Hit]:
        for number, line in enumerate(self._source.lines, 1):
            for guess in samples(Entry("", line[:2000]), self._options.enabled):
                severity = self._weight.severity(is_critical=False).value
                hit = Hit(
                    guess.rule, number, 1, f"'{guess.seen}' {guess.what}.", line.strip()[:200], cut(line, 110), severity
                )
                yield from self._unless_allowed(hit)

    # --- what a comment allows ---

    def _line(self, number: int) -> str:
        lines = self._source.lines
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def _is_allowed(self, rule: str, line: int) -> bool:
        comment = allowed(self._line(line), rule) or allowed(self._line(line - 1), rule)
        return self._options.allows_rule(rule, self._source.path) or (comment is not None and comment.counts)

    def _unless_allowed(self, hit: Hit) -> Iterator[Hit]:
        if self._options.allows_rule(hit.rule, self._source.path):
            return
        comment = allowed(self._line(hit.line), hit.rule)
        if comment is None:
            above = allowed(self._line(hit.line - 1), hit.rule)
            comment = above if above is not None and above.is_alone else None
        if comment is None:
            yield hit
        elif not comment.counts:
            said = f"{hit.text} The comment that allows it gives no reason, so that it does not count; write {SYNTAX.format(rule=hit.rule)}."
            yield Hit(hit.rule, hit.line, hit.column, said, hit.anchor, hit.excerpt, hit.severity, hit.remedy)
