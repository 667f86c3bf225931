"""What was not looked at, and what that means: named in the report, and blocking where it was to be judged."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from readiness.model import FindingSeverity
from readiness.static.interface import Hit, Rule, Skipped
from readiness.static.paths import path_class

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_NAMED = 100
"""Files of one kind that the report names; how many there are it always says."""
FIRST_CHECKS = {
    "config-lint": "config-lint/syntax",
    "placeholder-audit": "placeholder-audit/critical",
    "security-scan": "security-scan/secrets",
}
"""Gate to the check that says what could not be read."""


class Why(StrEnum):
    """Why a file, or what has a file's name, was not looked at."""

    BINARY = "it is binary"
    TOO_LARGE = "it is larger than max-file-size"
    TEXT_TOO_LARGE = "it is larger than max-file-size, though its name is that of a text that ships"
    UNREADABLE = "it cannot be read"
    UNREADABLE_FOLDER = "the folder cannot be listed"
    CHANGING = "it changed each time it was read"
    VANISHED = "it vanished while the repository was read"
    SPECIAL = "it is a socket, a FIFO or a device"
    TEXT_WITH_NUL = "it holds NUL bytes, though its name is that of a text"
    NOT_LISTED = "git cannot list what it tracks, so that committed files that .gitignore names were not looked for"
    LINK_OUT = "it is a link that leads out of the repository"
    LINK_IGNORED = "it is a link to what is not looked at itself"
    LINK_BROKEN = "it is a link that leads nowhere"


_TEXTS = re.compile(
    r"\.(?:py|pyi|[cm]?[jt]sx?|go|rb|rs|java|kts?|scala|php|pl|cs|c|h|cc|cpp|hpp|swift|sh|bash|zsh|ps1|bat|sql|lua|r|exs?|vue|svelte"
    r"|ya?ml|jsonc?|json5|toml|ini|cfg|conf|cnf|properties|hcl|tf|tfvars|xml|service|env|envrc|pem|key|netrc|npmrc|pypirc)$"
    r"|^(?:\.env(?:\..*)?|dockerfile.*|containerfile|makefile|jenkinsfile|procfile|requirements.*\.txt)$"
)
"""Names of what is nothing but text, so that no reader expects a NUL there."""


def binary(path: str) -> Why:
    """Returns why a file with NUL bytes is not looked at: what ships under the name of a text hides something."""
    name = path.rpartition("/")[2].lower()
    return Why.TEXT_WITH_NUL if _TEXTS.search(name) and path_class(path).ships else Why.BINARY


def too_large(path: str) -> Why:
    """Returns why a file above the limit is not looked at: padding must not hide what a text holds."""
    name = path.rpartition("/")[2].lower()
    return Why.TEXT_TOO_LARGE if _TEXTS.search(name) and path_class(path).ships else Why.TOO_LARGE


def severity_of(gate: str, why: Why) -> FindingSeverity:
    """Returns what it means for a gate that a file of its own was not looked at.

    What was to be judged and could not be blocks, since nothing is known of it; only `exclude` accepts it, no waiver and no
    baseline. What else is above a limit that the configuration sets warns, and what holds no text is only named.
    """
    match why:
        case (
            Why.UNREADABLE
            | Why.UNREADABLE_FOLDER
            | Why.CHANGING
            | Why.TEXT_WITH_NUL
            | Why.TEXT_TOO_LARGE
            | Why.NOT_LISTED
        ):
            return FindingSeverity.BLOCKING
        case Why.BINARY:  # of a configuration file, by its name, nothing but text makes sense
            return FindingSeverity.BLOCKING if gate == "config-lint" else FindingSeverity.INFORMATION
        case Why.TOO_LARGE:
            return FindingSeverity.ADVISORY
        case Why.VANISHED | Why.SPECIAL | Why.LINK_OUT | Why.LINK_IGNORED | Why.LINK_BROKEN:
            return FindingSeverity.INFORMATION
        case unknown:
            assert_never(unknown)


def rule_of(gate: str, why: Why) -> str:
    """Returns the id of the rule that such a file breaks."""
    blocks = severity_of(gate, why) is FindingSeverity.BLOCKING
    return f"{gate}/unreadable-file" if blocks else f"{gate}/unscanned-file"


def _rules() -> Iterator[Rule]:
    for gate, check in FIRST_CHECKS.items():
        yield Rule(
            f"{gate}/unreadable-file",
            check,
            FindingSeverity.BLOCKING,
            "Every file that is to be judged can be read",
            "Of a file that cannot be read nothing is known, so that it cannot be called clean.",
            "Let the user of this run read the file, stop what changes it, raise `max-file-size`, or name it in `exclude`.",
        )
        yield Rule(
            f"{gate}/unscanned-file",
            check,
            FindingSeverity.INFORMATION,
            "Every file that is to be judged is small enough, and is text",
            "What was not looked at may hold what the gate looks for.",
            "Raise `max-file-size`, or name the file in `exclude` to say that it need not be looked at.",
        )


RULES: tuple[Rule, ...] = tuple(_rules())


class Skips:
    """The files that one gate did not look at: counted all, named up to a limit."""

    def __init__(self) -> None:
        self.counts: Counter[Why] = Counter()
        self.named: list[tuple[str, Why, str]] = []

    def add(self, path: str, why: Why, detail: str = "") -> None:
        """One more file was not looked at.

        Args:
            path: as the report shows it.
            why: the kind of reason.
            detail: what the system said, or the size.
        """
        self.counts[why] += 1
        if self.counts[why] <= MAX_NAMED:
            self.named.append((path, why, detail))

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Those that are named, in the order of their paths."""
        return tuple(Skipped(path, _text(why, detail)) for path, why, detail in sorted(self.named))

    def hits(self, gate: str) -> Iterator[tuple[str, Hit]]:
        """Yields a hit for each file that is named."""
        for path, why, detail in sorted(self.named):
            severity = severity_of(gate, why)
            text = f"this was not looked at: {_text(why, detail)}."
            yield path, Hit(rule_of(gate, why), 0, 0, text, anchor=why.name, severity=str(severity))

    def notes(self) -> Sequence[str]:
        """Returns one line per kind of reason, with the exact count."""
        lines = []
        for why, count in sorted(self.counts.items()):
            more = f", of which {MAX_NAMED} are named" if count > MAX_NAMED else ""
            lines.append(f"{count} not looked at, because {why}{more}")
        return lines


def _text(why: Why, detail: str) -> str:
    return f"{why} ({detail})" if detail else str(why)


def total(skips: Iterable[Skips]) -> int:
    """Returns how many files were not looked at."""
    return sum(sum(each.counts.values()) for each in skips)
