"""The analyser of the placeholder audit: which files it wants, what it finds in one, what all of them show together."""

from __future__ import annotations

import hashlib
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.static.interface import Found, Hit
from readiness.static.placeholders import markers as work
from readiness.static.placeholders import options, rules, text
from readiness.static.placeholders.code import overridden
from readiness.static.placeholders.file import File
from readiness.static.placeholders.options import Options

if TYPE_CHECKING:
    from readiness.config.model import Settings
    from readiness.config.static_tables import PlaceholderAudit
    from readiness.static.source import Source

VERSION = "2"
"""Raised with every change to what is found."""
MOST_MARKERS = 1000
"""Markers that are listed one by one; all are counted."""


def make(table: PlaceholderAudit, *, environment: str, folder: Path, settings: Settings) -> Audit:
    """Returns the analyser for one environment."""
    return Audit(options.read(table, environment, settings.service.runbook), folder, settings.file.name)


@dataclass(frozen=True, slots=True)
class Audit:
    """Finds what was to be filled in."""

    options: Options
    folder: Path
    config: str
    """The configuration's file, to which what is wrong with the whole repository belongs."""
    gate: str = rules.GATE

    @property
    def version(self) -> str:
        """Changes with the rules and the options."""
        said = f"{VERSION} {text.PATTERNS!r} {self.options!r}"
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def wants(self, path: str) -> bool:
        """Returns whether the file is looked at: all but those that `allow` names."""
        return not self.options.allows_path(path)

    def analyse(self, source: Source) -> Found:
        """Returns what is found in one file."""
        file = File(source, self.options)
        return Found(file.hits(), file.facts())

    def conclude(self, facts: Mapping[str, Any]) -> Iterable[tuple[str, Hit]]:
        """Yields stubs that no subclass defines, and the work markers with their number and age."""
        again = overridden(facts)
        for path, each in facts.items():
            for name, line, column, owner, raises in each.get("stubs", ()):
                if (owner, name.rpartition(".")[2]) not in again:
                    yield path, _stub(name, line, column, raises=raises)
        yield from self._markers(facts)

    def notes(self, facts: Mapping[str, Any]) -> Iterator[str]:
        """Yields how many work markers there are."""
        words = [marker[2] for each in facts.values() for marker in each.get("markers", ())]
        if words:
            yield f"{len(words)} work markers in what ships: {work.counted(words)}"

    def _markers(self, facts: Mapping[str, Any]) -> Iterator[tuple[str, Hit]]:
        found = [(path, *marker) for path, each in facts.items() for marker in each.get("markers", ())]
        budget, oldest = self.options.max_markers, self.options.max_age_days
        if budget is not None and len(found) > budget:
            said = f"{len(found)} work markers ({work.counted([each[3] for each in found])}); max-work-markers in [{self.gate}] allows {budget}."
            yield self.config, Hit(rules.MARKER_BUDGET.id, 0, 0, said, "budget")
        ages: dict[tuple[str, int], int] = {}
        if oldest is not None:
            places: dict[str, list[int]] = defaultdict(list)
            for path, line, *_ in found:
                places[path].append(line)
            ages = work.ages(self.folder, places, time.time())
        for number, (path, line, column, word, said) in enumerate(found):
            age = ages.get((path, line))
            if oldest is not None and age is not None and age > oldest:
                old = f"{word} has been there for {age} days; max-marker-age in [{self.gate}] allows {oldest}."
                yield path, Hit(rules.MARKER_AGE.id, line, column, old, said, said)
            elif number < MOST_MARKERS:
                yield (
                    path,
                    Hit(
                        rules.WORK_MARKER.id,
                        line,
                        column,
                        f"{word}{'' if age is None else f', {age} days old'}.",
                        said,
                        said,
                    ),
                )


def _stub(name: str, line: int, column: int, *, raises: bool) -> Hit:
    rule = rules.STUB if raises else rules.EMPTY_BODY
    said = (
        f"{name} only raises NotImplementedError, and nothing defines it again."
        if raises
        else f"{name} promises a result and its body is empty."
    )
    return Hit(rule.id, line, column, said, name, f"def {name.rpartition('.')[2]}")
