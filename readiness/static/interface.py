"""What the static gates are made of: rules, the analysers that apply them to one file, and what those find.

A file is read once and shown to every analyser that wants it, in a process of its own where that pays; what was found
is cached by the file's content and the analyser's version. So an analyser is pure: it knows the file and its own options,
no clock, no other file. What needs several files is concluded from the facts that each of them yields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from readiness.model import Finding, FindingSeverity

if TYPE_CHECKING:
    from readiness.static.source import Source


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold of a file; `readiness explain RULE` prints it."""

    id: str
    """`gate/name`, such as `placeholder-audit/contact`; stable, since waivers and baselines name it."""
    check: str
    """The check that it is a part of, such as `placeholder-audit/critical`."""
    severity: FindingSeverity
    """Of its findings, where an analyser does not say otherwise for one of them."""
    title: str
    """What holds when it finds nothing, in one line."""
    why: str
    """Why it matters, in one or two sentences."""
    remedy: str
    """What to do about a finding: one edit or command."""
    source: str = ""
    """RFC, vendor page or runbook."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One problem in one file, as an analyser says it; exact builtins only, since it is cached and sent."""

    rule: str
    line: int
    """From 1; 0 where the whole file is meant. So is `column`."""
    column: int
    text: str
    """What was observed, in one sentence, without a secret."""
    anchor: str
    """What stays the same when the line moves: key path and value, or the line's text. Only its hash is kept."""
    excerpt: str = ""
    """What stands there, at most about 120 characters; never a secret."""
    severity: str = ""
    """A `FindingSeverity`; empty: the rule's."""
    remedy: str = ""
    """Empty: the rule's."""
    check: str = ""
    """Id of the check that it belongs to, where its severity makes it another one than the rule's; empty: the rule's."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one analyser has of one file."""

    hits: tuple[Hit, ...] = ()
    facts: Any = None
    """JSON builtins that `conclude` needs of this file; None for nothing."""


class Analyser(Protocol):
    """Applies the rules of one gate to one file at a time. Instances are pickled to other processes."""

    gate: str
    version: str
    """Changes with the rules and the options: what was cached under another one is not used."""

    def wants(self, path: str) -> bool:
        """Returns whether the file is its business, by its path relative to the configuration's folder."""

    def analyse(self, source: Source) -> Found:
        """Returns what is found in the file. Bounded in time and memory for any bytes; never raises for its content."""

    def conclude(self, facts: Mapping[str, Any]) -> Iterable[tuple[str, Hit]]:
        """Yields what only several files together show, with the path of each; `facts` is path to those of the file."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not looked at, and why: binary, too large, unreadable, vanished."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What one gate found in the repository."""

    gate: str
    files: int
    """Files that were looked at, from the cache or anew."""
    size: int
    """Their bytes."""
    cached: int
    """How many of them were unchanged, so that their findings come from the cache."""
    skipped: tuple[Skipped, ...] = ()
    """Of each kind at most a hundred."""
    found: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    """Check id to its findings."""
    notes: tuple[str, ...] = ()
    """What a reader has to know, such as that a document had no schema."""
    unscanned: int = 0
    """How many files were not looked at, exactly."""

    def of(self, check: str) -> tuple[Finding, ...]:
        """Returns the findings of one check."""
        return self.found.get(check, ())
