"""The engine osv: each version held against advisories on this machine, without any network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from readiness.errors import NotMeasured
from readiness.static.dependencies.advisories import KEY, Advisories, load
from readiness.static.dependencies.interface import Judged, Open, Pin, Vulnerability, by_fame
from readiness.static.dependencies.matching import Affected, IncomparableError, fixes, is_affected, merged


@dataclass(frozen=True, slots=True)
class Osv:
    """Knows what an OSV export or a clone of pypa/advisory-database holds."""

    database: Path
    shown: str
    cache: Path | None
    budget: Callable[[], float]

    def judge(self, pins: Sequence[Pin]) -> Judged:
        """Returns what the database knows against these versions.

        Raises:
            NotMeasured: it cannot be read, or holds no advisory.
        """
        known = load(self.database, self.shown, {pin.name for pin in pins}, self.cache, self.budget)
        if not known.count:
            raise NotMeasured(
                f"the advisory database {self.shown} holds no advisory about a package of PyPI",
                f"Fetch it again, or mend {KEY}.",
            )
        found: list[Vulnerability] = []
        unknown: list[Open] = []
        for pin in pins:
            _hold_against(pin, known, found, unknown)
        return Judged(tuple(found), tuple(unknown), known.count, known.newest, self.shown)


def _hold_against(pin: Pin, known: Advisories, found: list[Vulnerability], unknown: list[Open]) -> None:
    hits: list[Affected] = []
    for affected in known.by_package.get(pin.name, ()):
        try:
            if is_affected(pin.version, affected):
                hits.append(affected)
        except IncomparableError as error:
            why = f"{affected.id} cannot be compared with version {pin.version}: {error}"
            unknown.append(Open(pin.name, pin.name, pin.path, pin.line, why))
    if not hits:
        return
    # by what all advisories of the package say, two that were found may be one under names that only a third knows
    for group in merged(known.by_package.get(pin.name, ())):
        own = [each for each in group if each in hits]
        if own:
            ids = by_fame(name for each in group for name in (each.id, *each.aliases))
            nearest = sorted({fixed[0] for each in own if (fixed := fixes(pin.version, each))}, reverse=True)
            found.append(Vulnerability(pin, ids, tuple(str(each) for each in nearest)))
