"""What is depended upon, what is known against it, and what of both could not be found out."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from readiness.model import FindingSeverity
from readiness.static.interface import Rule, Scan

CHECK = "security-scan/dependencies"
VULNERABLE = "security-scan/vulnerable-dependency"
INSTALLED = "site-packages"
"""The path that a finding has whose package is installed, and which no file names."""

RULES: tuple[Rule, ...] = (
    Rule(
        VULNERABLE,
        CHECK,
        FindingSeverity.BLOCKING,
        "No dependency has a known vulnerability",
        "What is published about a version is known to those who look for it, often with a program that uses it.",
        "Upgrade to a fixed version, or waive the advisory with a reason: match = its id.",
        "OSV schema, https://ossf.github.io/osv-schema/",
    ),
)


@dataclass(frozen=True, slots=True)
class Pin:
    """One version of one package that is depended upon."""

    name: str
    """Normalised as in PEP 503."""
    version: str
    """As written."""
    path: str
    line: int
    """0 where a file says nothing of it."""
    note: str = ""
    """What a reader has to know, such as its marker."""


@dataclass(frozen=True, slots=True)
class Open:
    """A dependency whose version is not known, so that nothing can be said of it."""

    name: str
    """Normalised; empty where not even that is known."""
    text: str
    """What a reader knows it by; without addresses, which may hold passwords."""
    path: str
    line: int
    why: str
    specifier: str | None = None
    """Which versions it may have; None where it is no matter of a version."""

    @property
    def where(self) -> str:
        """Where it stands."""
        return f"{self.path}:{self.line}" if self.line else self.path


@dataclass(slots=True)
class Inventory:
    """All that is depended upon, as the sources say it."""

    pins: list[Pin] = field(default_factory=list)
    constraints: list[Pin] = field(default_factory=list)
    """They say which version a package has if something needs it, and not that anything does."""
    open: list[Open] = field(default_factory=list)
    own: set[str] = field(default_factory=set)
    """Names of the user's own packages, which no public advisory is about."""
    sources: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One problem of one version, under all its names."""

    pin: Pin
    ids: tuple[str, ...]
    """The best known first."""
    fixed: tuple[str, ...]
    """Versions without it, the nearest first; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What an engine says of the pins that it was given."""

    vulnerabilities: tuple[Vulnerability, ...]
    open: tuple[Open, ...]
    """Pins that it could not judge."""
    advisories: int | None
    """How many it knows; None where that cannot be seen."""
    newest: dt.datetime | None
    """When the newest was changed; None where that cannot be seen."""
    source: str
    """What it was asked, in a few words."""


class Engine(Protocol):
    """Knows what is published about versions."""

    def judge(self, pins: Sequence[Pin]) -> Judged:
        """Returns what is known against these versions.

        Raises:
            NotMeasured: nothing can be said, such as without a database or a network.
        """


@dataclass(frozen=True, slots=True)
class Audit(Scan):
    """What came of it. `files` counts the sources."""

    judged: int = 0
    """Versions that were held against the advisories."""
    advisories: int | None = None
    age_d: float | None = None
    """Since the newest advisory changed; None where that cannot be seen."""
    unmeasured: tuple[str, ...] = ()
    """Why this is not all that there is to say; empty where it is."""


_SEPARATORS = re.compile(r"[-_.]+")
_FAMILIES = ("CVE", "GHSA", "PYSEC", "MAL")


def normalised(name: str) -> str:
    """Returns a package's name as PEP 503 compares it."""
    return _SEPARATORS.sub("-", name).lower()


def by_fame(ids: Iterable[str]) -> tuple[str, ...]:
    """Returns the names of one advisory, each once, the best known first."""

    def fame(id_: str) -> tuple[int, str]:
        family = id_.partition("-")[0].upper()
        return (_FAMILIES.index(family) if family in _FAMILIES else len(_FAMILIES)), id_

    return tuple(sorted(set(ids), key=fame))
