"""What one kind of secret looks like, where it may stand, and how a candidate is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from readiness.model import FindingSeverity
from readiness.static.interface import Rule
from readiness.static.secrets import harmless
from readiness.static.secrets.entropy import bits_per_character, reads_as_words

if TYPE_CHECKING:
    from readiness.static.secrets.place import Place

GATE = "security-scan"
CHECK = f"{GATE}/secrets"
WHY = "Whoever can read the repository, a clone, a fork or an image built from it can use it, and its history keeps what is deleted."
KEEP = "hand it to the service at run time, from the environment or a store of secrets"


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a pattern matched."""

    text: str
    """The secret itself: nothing but its hash may leave the analyser."""
    start: int
    """Where it begins in the file's bytes; `end` is behind it."""
    end: int
    groups: tuple[str, ...]
    """All groups of the pattern, in their order."""
    at: int
    """Where the whole match begins."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """That a candidate is a secret, and what kind of."""

    severity: FindingSeverity | None = None
    """None: the rule's."""
    rule: str = ""
    """Name of another rule than the detector's; empty: its own."""
    note: str = ""
    """What else is known, for the finding's text; nothing of the secret."""
    shown: str = ""
    """What may be shown of the place; empty: the detector's."""


Judge: TypeAlias = Callable[[Candidate, "Place"], Judgement | None]
"""Returns None for what is no secret."""


def token(found: Candidate, _place: Place) -> Judgement | None:
    """Accepts what has a vendor's form, unless it was invented or is printed in the vendor's documents."""
    return None if harmless.is_invented(found.text) else Judgement()


def drawn(bits: float) -> Judge:
    """Returns a judge that also wants so many bits per character; for forms that a word can have as well."""

    def judge(found: Candidate, place: Place) -> Judgement | None:
        is_word = bits_per_character(found.text) < bits or reads_as_words(found.text)
        return None if is_word else token(found, place)

    return judge


@dataclass(frozen=True, slots=True)
class Detector:
    """Finds one kind of secret."""

    name: str
    """Of the rule, without the gate."""
    noun: str
    """What it finds, with its article: `a GitHub token`."""
    keywords: tuple[str, ...]
    """Literals of which one stands in every file that has one; the pattern is tried only on those files."""
    pattern: str
    """For google-re2, on bytes; the secret is the group `secret`, else the first one that took part."""
    judge: Judge = token
    shown: str = ""
    """What everyone knows of it, such as `ghp_`."""
    severity: FindingSeverity = FindingSeverity.BLOCKING
    ignore_case: bool = False
    is_format: bool = True
    """Its form alone says what it is, so that it counts in documents and examples too."""
    is_guessable: bool = False
    """A person may have thought it up, so that a plain hash of it could be reversed by trying."""
    is_long: bool = False
    """It has several lines and no room for a comment on the first of them."""
    files: Callable[[Place], bool] | None = None
    """In which files it is looked for; None: in all."""
    where: str = ""
    """Where to revoke it."""
    source: str = ""
    title: str = ""
    why: str = WHY
    remedy: str = ""

    @property
    def rule(self) -> Rule:
        """The rule, as it is documented."""
        thing = self.noun.partition(" ")[2]
        revoke = f"Revoke it {self.where}, and" if self.where else "Replace it where it is used, and"
        return Rule(
            f"{GATE}/{self.name}",
            CHECK,
            self.severity,
            self.title or f"No {thing} stands in the repository",
            self.why,
            self.remedy or f"{revoke} {KEEP}; to delete the line is not enough.",
            self.source,
        )
