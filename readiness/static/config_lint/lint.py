"""What all rules of one file share: which file it is, how much a finding in it weighs, and how one is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from readiness.model import FindingSeverity
from readiness.static.interface import Hit, Rule
from readiness.static.paths import environment_of

if TYPE_CHECKING:
    from readiness.static.config_lint.options import Options
    from readiness.static.paths import PathClass
    from readiness.static.source import Source

BLOCKING, ADVISORY, INFORMATION = FindingSeverity.BLOCKING, FindingSeverity.ADVISORY, FindingSeverity.INFORMATION
DEVELOPMENT = frozenset({"development", "local", "test", "ci"})
"""Environments that nobody is served by: a finding in a file of theirs does not block."""
MOST_HITS = 200
"""Findings of one rule in one file; the rest is counted."""
EXCERPT = 100

Keys: TypeAlias = tuple[str | int, ...]


def semantic(name: str, severity: FindingSeverity, title: str, why: str, remedy: str, source: str = "") -> Rule:  # noqa: PLR0917 - a table reads best without six names per row
    """Returns a rule about what a configuration file means."""
    return Rule(f"config-lint/{name}", "config-lint/semantics", severity, title, why, remedy, source)


def mapping(value: object) -> dict[Any, Any]:
    """Returns the value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: object) -> list[Any]:
    """Returns the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def shown(value: object) -> str:
    """Returns a value that is no secret for a message: one line, cut, and without what a terminal would act upon."""
    text = str(value)
    if len(text) <= EXCERPT and text.isprintable():
        return text
    text = " ".join(text[: EXCERPT * 4].split())[: EXCERPT + 1]
    text = "".join(each if each.isprintable() else "?" for each in text)
    return text if len(text) <= EXCERPT else text[: EXCERPT - 3] + "..."


def is_allowed(source: Source, line: int, rule: str) -> bool:
    """Returns whether a comment with a reason accepts the rule, on the line or alone on the one before.

    For what is concluded from several files, when their text is no longer at hand.
    """
    if "readiness:" not in source.text:
        return False
    from readiness.static.allowing import allowed

    lines = source.text.split("\n")
    own = allowed(lines[line - 1], rule) if 0 < line <= len(lines) else None
    before = allowed(lines[line - 2], rule) if 1 < line <= len(lines) + 1 else None
    return bool((own and own.counts) or (before and before.is_alone and before.counts))


@dataclass
class Lint:
    """One file under the rules."""

    source: Source
    options: Options
    _hits: Counter[str] = field(default_factory=Counter, init=False)

    @cached_property
    def path_class(self) -> PathClass:
        """What becomes of the file."""
        return self.options.class_of(self.source.path)

    @cached_property
    def environment(self) -> str | None:
        """Whose file it is by its name."""
        return environment_of(self.source.path)

    @property
    def is_productions(self) -> bool:
        """Whether the file is production's by its name."""
        return self.environment == "production" and self.path_class.ships

    @property
    def may_be_productions(self) -> bool:
        """Whether production is judged and the file is nobody's in particular."""
        return self.environment is None and self.options.is_production and self.path_class.ships

    @cached_property
    def ceiling(self) -> FindingSeverity:
        """The most that a finding in this file can be."""
        if not self.path_class.ships:
            return INFORMATION
        is_anothers = self.options.is_production and self.environment not in (None, "production")
        return ADVISORY if is_anothers or self.environment in DEVELOPMENT else BLOCKING

    def hit(
        self,
        rule: Rule,
        at: tuple[int, Keys],
        text: str,
        *,
        excerpt: str = "",
        severity: FindingSeverity | None = None,
        anchor: str = "",
    ) -> Hit:
        """Returns a finding at a value.

        Args:
            rule: that does not hold.
            at: number of the document and key path.
            text: what was observed.
            excerpt: what stands there; without a secret.
            severity: if not the rule's; lowered to what the file's class and environment allow.
            anchor: what stays when the place moves; the keys and the text where empty.
        """
        document, keys = at
        parsed = self.source.parsed
        self._hits[rule.id] += 1
        is_told = self._hits[rule.id] <= MOST_HITS  # the others are only counted, so that nobody asks for their place
        line, column = parsed.locate(document, keys) if parsed and is_told else (0, 0)
        path = ".".join(str(key) for key in keys)
        return self.hit_in_line(
            rule, (line, column), text, excerpt=excerpt, severity=severity, anchor=anchor or f"{path}: {text}"
        )

    def hit_in_line(
        self,
        rule: Rule,
        place: tuple[int, int],
        text: str,
        *,
        excerpt: str = "",
        severity: FindingSeverity | None = None,
        anchor: str = "",
    ) -> Hit:
        """Returns a finding at a line and column; the rest is as in `hit`."""
        weight = self.weigh(severity or rule.severity)
        return Hit(rule.id, *place, text, anchor or text, excerpt=shown(excerpt), severity=weight)

    def doubted(self, severity: FindingSeverity) -> FindingSeverity:
        """Returns the severity of what is wrong in production only: one less where the file is everybody's."""
        if self.is_productions:
            return severity
        return ADVISORY if severity is BLOCKING else INFORMATION

    def weigh(self, severity: FindingSeverity) -> str:
        """Returns the severity, lowered to the most that a finding in this file can be."""
        order = (INFORMATION, ADVISORY, BLOCKING)
        return str(min(severity, self.ceiling, key=order.index))
