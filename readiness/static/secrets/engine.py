"""The patterns, compiled once in each process: a set of literals says which of them a file has to be searched for."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.static.secrets.detector import Candidate, Detector
from readiness.static.secrets.keyed import high_entropy
from readiness.static.secrets.rules import DETECTORS

if TYPE_CHECKING:
    from readiness.static.secrets.place import Place

LONGEST_TEXT = 16_384
"""Bytes of a candidate that are judged; no secret is that long."""


class Engine:
    """All detectors with their patterns.

    Args:
        bits: entropy per character from which on a string without a telling name is reported.
    """

    def __init__(self, bits: float) -> None:
        import re2  # type: ignore[import-untyped] # google-re2 ships no types

        self._detectors = (*DETECTORS, high_entropy(bits))
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1  # bytes as they are: what is no UTF-8 is searched as well
        options.log_errors = False
        self._patterns = tuple(re2.compile(each.pattern.encode("latin-1"), options) for each in self._detectors)
        self._keywords = re2.Set.SearchSet(options)
        self._owners: dict[int, int] = {}
        for index, detector in enumerate(self._detectors):
            if detector.keywords:
                literals = "|".join(re2.escape(each) for each in detector.keywords)
                flags = "i" if detector.ignore_case else "-i"
                self._owners[self._keywords.Add(f"(?{flags}:{literals})".encode("latin-1"))] = index
        self._canary = self._keywords.Add(b"")
        self._keywords.Compile()
        self._always = tuple(index for index, each in enumerate(self._detectors) if not each.keywords)

    def wanted(self, place: Place) -> Iterator[tuple[Detector, Any]]:
        """Yields the detectors, in their order, of which a literal stands in the file, each with its pattern."""
        matched = self._keywords.Match(place.data) or ()
        if self._canary in matched:
            wanted = sorted({*(self._owners[each] for each in matched if each in self._owners), *self._always})
        else:  # a set that runs out of memory matches nothing at all, not even what matches everything
            wanted = list(range(len(self._detectors)))
        for index in wanted:
            detector = self._detectors[index]
            if detector.files is None or detector.files(place):
                yield detector, self._patterns[index]


@functools.lru_cache(maxsize=4)
def engine(bits: float) -> Engine:
    """Returns the engine for that entropy."""
    return Engine(bits)


def candidate(match: Any) -> Candidate:
    """Returns a match as text; the secret is the group of that name, or the first that took part."""
    groups = match.groups()
    index = match.re.groupindex.get(b"secret", 0)  # in bytes, as the pattern is
    if not index or groups[index - 1] is None:
        index = next(number for number, group in enumerate(groups, 1) if group is not None)
    texts = tuple("" if group is None else group[:LONGEST_TEXT].decode("utf-8", "replace") for group in groups)
    return Candidate(texts[index - 1], match.start(index), match.end(index), texts, match.start())
