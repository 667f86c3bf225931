"""The search of one file: patterns whose literals are there, judgement of what they match, and findings without secrets."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from readiness.model import FindingSeverity
from readiness.static.allowing import SYNTAX, Allowed, allowed
from readiness.static.interface import Found, Hit
from readiness.static.paths import PathClass
from readiness.static.secrets import manifests
from readiness.static.secrets.detector import GATE, Detector, Judgement
from readiness.static.secrets.digest import digest
from readiness.static.secrets.engine import candidate, engine
from readiness.static.secrets.entropy import BITS_PER_CHARACTER
from readiness.static.secrets.place import Place
from readiness.static.secrets.rules import BY_NAME, UNSEARCHED, version

if TYPE_CHECKING:
    from readiness.static.source import Source

MOST_HITS = 100
"""Findings of one rule and severity that a file gets; how many more there are one more finding says."""
MOST_CANDIDATES = 50_000
"""Candidates of one pattern in one file that are judged."""
MOST_FOUND = 1000
"""Secrets that one pattern finds in one file before it stops, since there is no need of more."""
_STATE_HEAD = 4000
_HEAD = 6
"""Characters by which a secret is known again; few are shorter, and none of what a comment allows."""
_ALLOWED = "It is allowed where it stands:"
_REACH = 2000
"""How far behind the start of its line a value is looked for."""


class SecretsAnalyser:
    """Finds credentials, one file at a time.

    Args:
        bits: entropy per character from which on a string without a telling name is reported.
        skipped: paths that are not searched, such as that of the baseline, which is made of hashes.
    """

    gate = GATE

    def __init__(self, bits: float = BITS_PER_CHARACTER, skipped: tuple[str, ...] = ()) -> None:
        self.bits = bits
        self.skipped = frozenset(skipped)
        self.version = f"{version()}:{bits}:{','.join(sorted(self.skipped))}"

    def wants(self, path: str) -> bool:
        """Any file may hold a secret; only those that list known ones are left out."""
        return path not in self.skipped

    def analyse(self, source: Source) -> Found:
        """Returns the secrets of one file by type, place and hash."""
        search = _Search(source)
        if manifests.is_manifest(search.place.data):
            search.read_manifest()
        for detector, pattern in engine(self.bits).wanted(search.place):
            search.apply(detector, pattern)
        search.look_at_state()
        return Found(search.reported(), None)

    def conclude(self, facts: Mapping[str, Any]) -> Iterable[tuple[str, Hit]]:  # noqa: ARG002 - the signature of every analyser's
        """Nothing follows from several files together."""
        return ()


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a secret stands, and the lines that may hold a comment about it."""

    line: int
    column: int
    text: str = ""
    above: str = ""


class _Search:
    """What is known of one file while it is searched."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.place = Place(source)
        self.hits: list[Hit] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._has_reasons = False
        self._counts: Counter[tuple[str, FindingSeverity]] = Counter()
        self._more: dict[tuple[str, FindingSeverity], int] = {}

    def apply(self, detector: Detector, pattern: Any) -> None:
        """Adds what one pattern finds, but for what an earlier one has found."""
        number = 0
        for index, match in enumerate(pattern.finditer(self.place.data)):
            if index >= MOST_CANDIDATES or number >= MOST_FOUND:
                self._stop(detector, match.start())
                return
            found = candidate(match)
            if self._is_taken(found.start, found.end):
                continue
            judged = detector.judge(found, self.place)
            if judged is not None:
                number += 1
                self._take(found.start, found.end)
                self._add(BY_NAME[judged.rule] if judged.rule else detector, detector, judged, found.text, found.start)

    def _is_taken(self, start: int, end: int) -> bool:
        at = bisect_left(self._ends, start + 1)
        return at < len(self._starts) and self._starts[at] < end

    def _take(self, start: int, end: int) -> None:
        """What stands there was found, and no other rule reports it again."""
        at = bisect_left(self._ends, start + 1)
        self._starts.insert(at, start)
        self._ends.insert(at, end)

    def read_manifest(self) -> None:
        """Adds the values of Kubernetes Secrets, of which the text shows base64 alone."""
        detector = BY_NAME["kubernetes-secret"]
        if len(self.place.data) > manifests.LARGEST_MANIFEST:
            self._stop(detector, 0, "it is larger than any manifest")
            return
        parsed = self.source.parsed
        for entry in manifests.entries(parsed):
            line, column = parsed.locate(entry.document, entry.keys) if parsed else (0, 0)
            start = self.place.start_of(line)
            spot = _Spot(line, column, self.place.around(start), self.place.before(start))
            name = entry.name if entry.name.isascii() and len(entry.name) <= manifests.LONGEST_NAME else "***"
            self._report(detector, Judgement(shown=f"{name}: ***"), entry.value, spot)
            raw = entry.raw.encode("utf-8", "surrogatepass")
            at = self.place.data.find(raw, start, start + len(raw) + _REACH) if line else -1
            if at >= 0:
                self._take(at, at + len(raw))

    def look_at_state(self) -> None:
        """Adds a finding for the state of Terraform as a whole, whatever it holds."""
        if manifests.is_state(self.place) and b'"terraform_version"' in self.place.data[:_STATE_HEAD]:
            judged = Judgement(FindingSeverity.ADVISORY, note=manifests.STATE_NOTE, shown="terraform_version")
            self._report(BY_NAME["terraform-state"], judged, "", _Spot(0, 0))

    def _add(self, rule: Detector, detector: Detector, judged: Judgement, secret: str, start: int) -> None:
        line, column = self.place.locate(start)
        spot = _Spot(line, column, self.place.around(start), self.place.before(start))
        shown = judged.shown or detector.shown or rule.shown
        self._report(rule, replace(judged, shown=shown), secret, spot)

    def _report(self, rule: Detector, judged: Judgement, secret: str, spot: _Spot) -> None:
        """Adds the hit, unless the rule has enough of them."""
        comment = _comment(rule, spot)
        self._has_reasons = self._has_reasons or bool(comment and comment.counts)
        severity = FindingSeverity.INFORMATION if comment and comment.counts else self._severity(rule, judged)
        name = f"{GATE}/{rule.name}"
        self._counts[name, severity] += 1
        if self._counts[name, severity] > MOST_HITS:
            self._one_more(name, severity)
            return
        # What a person thought up is hashed slowly; where it informs, its place stands for it.
        is_hashed = bool(secret) and not (rule.is_guessable and severity is FindingSeverity.INFORMATION)
        hashed = digest(secret, rule.name, self.place.path, is_guessable=rule.is_guessable) if is_hashed else ""
        text = _text(rule, judged, hashed, comment)
        shown = judged.shown or "***"
        self.hits.append(Hit(name, spot.line, spot.column, text, hashed or shown, shown, str(severity)))

    def _severity(self, rule: Detector, judged: Judgement) -> FindingSeverity:
        """Returns what a finding does, by what it is and where it stands.

        In tests and in other projects' files it informs. In documents, examples and compiled files a vendor's form warns:
        that is what people paste there by mistake, while a password there was thought up for the page.
        """
        severity = judged.severity or rule.severity
        if self.place.kind.ships or severity is FindingSeverity.INFORMATION:
            return severity
        informs = self.place.kind in (PathClass.TESTS, PathClass.VENDORED) or not rule.is_format
        return FindingSeverity.INFORMATION if informs else FindingSeverity.ADVISORY

    def reported(self) -> tuple[Hit, ...]:
        """Returns the hits; a comment that allows one may itself hold a secret, which is not repeated."""
        if not self._has_reasons:
            return tuple(self.hits)
        found = zip(self._starts, self._ends, strict=True)
        heads = frozenset(
            self.place.data[start : min(end, start + _HEAD)].decode("utf-8", "replace") for start, end in found
        )
        return tuple(replace(hit, text=_without(hit.text, heads)) if _ALLOWED in hit.text else hit for hit in self.hits)

    def _one_more(self, name: str, severity: FindingSeverity) -> None:
        """The last finding of a rule says how many there are in all."""
        key = name, severity
        hit = Hit(
            name,
            0,
            0,
            f"{self._counts[key]} of these are in the file; {MOST_HITS} are listed.",
            f"{self._counts[key]} of these",  # one more than a baseline knows is new
            "",
            str(severity),
        )
        if key in self._more:
            self.hits[self._more[key]] = hit
        else:
            self._more[key] = len(self.hits)
            self.hits.append(hit)

    def _stop(
        self, detector: Detector, at: int, why: str = "too many places before this one hold it, or look like it"
    ) -> None:
        """Says that the rest was not searched: nothing is known of it, so it blocks where it ships."""
        line, column = self.place.locate(at)
        text = f"From here on the file was not searched for {detector.noun}: {why}."
        severity = FindingSeverity.BLOCKING if self.place.kind.ships else FindingSeverity.INFORMATION
        self.hits.append(Hit(f"{GATE}/{UNSEARCHED}", line, column, text, detector.name, "", str(severity)))


def _comment(rule: Detector, spot: _Spot) -> Allowed | None:
    """Returns the comment that allows the finding: on its line, or above where it stands alone or the secret has several lines."""
    name = f"{GATE}/{rule.name}"
    comment = allowed(spot.text, name)
    if comment is None:
        above = allowed(spot.above, name)
        comment = above if above and (above.is_alone or rule.is_long) else None
    return comment


def _text(rule: Detector, judged: Judgement, hashed: str, comment: Allowed | None) -> str:
    """Returns what was found, in words that hold nothing of it."""
    parts = [f"{rule.noun[:1].upper()}{rule.noun[1:]}" + (f"; {judged.note}." if judged.note else ".")]
    if hashed:
        parts.append(f"Its hash is {hashed}.")
    if comment and comment.counts:
        parts.append(f"{_ALLOWED} {comment.reason}")
    elif comment:
        parts.append(
            f"The comment that allows it gives no reason, so it does not count: {SYNTAX.format(rule=f'{GATE}/{rule.name}')}"
        )
    return " ".join(parts)


def _without(text: str, heads: frozenset[str]) -> str:
    """Returns the text in which nothing of its reason begins as a secret of the file does."""
    said, mark, reason = text.partition(_ALLOWED)
    shown, at = [], 0
    while at < len(reason):
        if reason[at : at + _HEAD] in heads:
            shown.append("***")
            at = next((end for end in range(at, len(reason)) if reason[end].isspace()), len(reason))
        else:
            shown.append(reason[at])
            at += 1
    return f"{said}{mark}{''.join(shown)}"
