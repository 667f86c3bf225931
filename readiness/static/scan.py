"""One scan: the files of all gates, what their analysers find in them, and the findings that follow."""

from __future__ import annotations

import contextlib
import itertools
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from readiness.errors import NotMeasured
from readiness.model import Finding, FindingSeverity
from readiness.static.cache import Cache
from readiness.static.examine import NOT_LOOKED_AT, TOO_LARGE, Examined, Examiner, Task, plain_hit, unpack
from readiness.static.fingerprint import fingerprint
from readiness.static.interface import Hit, Scan
from readiness.static.pool import Pool, processors
from readiness.static.selection import Selection
from readiness.static.skipping import binary, too_large
from readiness.static.walk import File, Walk, check_budget

if TYPE_CHECKING:
    from readiness.static.interface import Analyser, Rule

Budget: TypeAlias = Callable[[], float]
Outcome: TypeAlias = Scan | NotMeasured
"""Of one gate."""
MOST_WORKERS = 8
"""More of them wait for the disk and for us."""
TRIAL_S = 0.25
"""How long files are examined here, before it is known how long the others take."""
AHEAD = 4096
"""Files that are looked at to estimate that."""
TRIAL_FILES = 16
WORTH_S = 3.0
"""Work that is worth several processes: each takes half a second to import and compile what it needs."""
FILE_WEIGHT = 2000
"""What opening a file weighs, in bytes of content."""


@dataclass(slots=True)
class Gate:
    """What is asked of one gate, and what comes of it."""

    name: str
    selection: Selection
    analyser: Analyser
    rules: Mapping[str, Rule]
    max_size: int
    files: int = 0
    size: int = 0
    cached: int = 0
    found: dict[str, list[Hit]] = field(default_factory=lambda: defaultdict(list))
    """Path to its hits."""
    facts: dict[str, Any] = field(default_factory=dict)
    broken: NotMeasured | None = None
    _judges: Callable[[str], bool] | None = field(init=False)

    def __post_init__(self) -> None:
        self._judges = getattr(self.analyser, "judges", None)

    def take(self, file: File, packed: bytes, *, is_cached: bool) -> None:
        """What was found in a file is part of the scan."""
        if packed and packed in NOT_LOOKED_AT:
            detail = f"{file.size / 1_000_000:.1f} MB" if packed == TOO_LARGE else ""
            why = too_large(file.path) if packed == TOO_LARGE else binary(file.path)
            self.selection.skips.add(file.path, why, detail)
            return
        if self._judges is None or self._judges(file.path):
            self.files += 1
            self.size += file.size
            self.cached += is_cached
        if packed:
            found = unpack(packed)
            if found.hits:
                self.found[file.path].extend(found.hits)
            if found.facts is not None:
                self.facts[file.path] = found.facts

    def breaks(self, path: str, how: str) -> None:
        """The gate cannot be judged; the first reason is kept."""
        if self.broken is None:
            self.broken = NotMeasured(
                f"the analyser of {self.name} broke with {how} at {path}",
                f"Report it with the file, and add the file to `exclude` in [{self.name}] meanwhile.",
            )


class _Reading:
    """The files go by: what is known of them is taken from the cache, the others are examined.

    Args:
        folder: of the configuration.
        gates: what to look for.
        budget: seconds left of the run.
        cache: folder that is kept between runs.
        workers: how many processes at most; one: this one.
    """

    def __init__(self, folder: Path, gates: Sequence[Gate], budget: Budget, cache: Path | None, workers: int) -> None:
        self._gates = {gate.name: gate for gate in gates}
        self._caches = {gate.name: Cache(cache, gate.name, _version(gate)) for gate in gates}
        self._budget = budget
        self._workers = workers
        self._examiner = Examiner(
            str(folder), {gate.name: gate.analyser for gate in gates}, {gate.name: gate.max_size for gate in gates}
        )
        self._under_way: dict[str, File] = {}
        self._started_ns = time.time_ns()

    def read(self, files: Iterable[File]) -> None:
        """Each file was looked at, here or in several processes where that is sooner.

        Raises:
            NotMeasured: the time did not suffice, or a worker process crashed.
        """
        tasks = self._unknown(files)
        if self._workers <= 1:
            self._examine(tasks)
        while self._workers > 1:
            rate = self._try(tasks)
            ahead = list(itertools.islice(tasks, AHEAD))
            if not ahead:
                break
            rest = itertools.chain(ahead, tasks)
            if rate * _weight(self._under_way, ahead) > WORTH_S:
                with contextlib.closing(Pool(self._examiner, self._workers, self._budget).examine(rest)) as answers:
                    for task, examined in answers:
                        self._enter(task, examined)
                break
            self._examine(ahead)
        self._finish()

    def _finish(self) -> None:
        if self._under_way:  # cannot be; were it so, no gate could be called judged
            raise NotMeasured(
                f"{len(self._under_way)} files were never examined, such as {next(iter(self._under_way))}"
            )
        for cache in self._caches.values():
            cache.save()

    def _unknown(self, files: Iterable[File]) -> Iterator[Task]:
        """Yields what has to be read."""
        for file in files:
            known: dict[str, bytes] = {}
            for name in file.gates:
                digest, packed = self._caches[name].known(file)
                if packed is None:
                    known[name] = digest
                else:
                    self._gates[name].take(file, packed, is_cached=True)
            if known:
                self._under_way[file.path] = file
                yield Task(file.path, file.name, known)

    def _examine(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            check_budget(self._budget)
            self._enter(task, self._examiner.examine(task))

    def _try(self, tasks: Iterator[Task]) -> float:
        """Examines files for a moment; returns how much of the processor's time one unit of their weight takes."""
        self._examine(itertools.islice(tasks, TRIAL_FILES))  # the first ones import and compile what the others use
        spent_s, done = 0.0, 1.0
        while spent_s < TRIAL_S and (batch := list(itertools.islice(tasks, TRIAL_FILES))):
            done += _weight(self._under_way, batch)
            began = time.process_time()  # what other programs take says nothing about the files
            self._examine(batch)
            spent_s += time.process_time() - began
        return spent_s / done

    def _enter(self, task: Task, examined: Examined) -> None:
        file = self._under_way.pop(task.path)
        if examined.why is not None:
            for name in task.known:
                self._gates[name].selection.skips.add(file.path, examined.why, examined.detail)
            return
        file = replace(file, state=examined.state)
        for name, packed in examined.found.items():
            cache = self._caches[name]
            if packed is None:
                kept = cache.confirm(file.path, file.state, self._started_ns)
            else:
                kept = packed
                cache.put(file.path, file.state, examined.digest, packed, self._started_ns)
            self._gates[name].take(file, kept, is_cached=packed is None)
        for name, how in examined.broken.items():
            self._gates[name].breaks(file.path, how)


def _weight(files: Mapping[str, File], tasks: Iterable[Task]) -> float:
    """Returns how much work files are, relative to others: their bytes, and something for each."""
    return sum(FILE_WEIGHT + files[task.path].size for task in tasks)


def _version(gate: Gate) -> str:
    from readiness import __version__

    return f"{__version__}\0{gate.analyser.version}\0{gate.max_size}"


def scan(
    folder: Path,
    gates: Sequence[Gate],
    *,
    budget: Budget,
    config: str,
    cache: Path | None = None,
    avoid: Sequence[Path] = (),
    workers: int | None = None,
) -> dict[str, Outcome]:
    """Returns what each gate found in the repository, or why it could not look.

    Args:
        folder: of the configuration.
        gates: what to look for; filled here.
        budget: seconds left of the run.
        config: name of the configuration's file, for messages.
        cache: folder that is kept between runs; None where nothing is.
        avoid: folders of our own.
        workers: how many processes at most; default one for each processor.

    Raises:
        NotMeasured: the time did not suffice, or a worker process crashed.
    """
    walk = Walk(folder, [gate.selection for gate in gates], budget, avoid)
    count = min(processors(), MOST_WORKERS) if workers is None else workers
    _Reading(folder, gates, budget, cache, count if sys.executable else 1).read(walk.files())
    return {gate.name: _outcome(gate, config) for gate in gates}


# --- what it comes to -------------------------------------------------------------------------------------------


def _outcome(gate: Gate, config: str) -> Outcome:
    if gate.broken is not None:
        return gate.broken
    selection = gate.selection
    if selection.unmatched:
        named = ", ".join(repr(path) for path in selection.paths if path in selection.unmatched)
        return NotMeasured(
            f"no file was found for {named} ({config} [{gate.name}] paths), so that nothing there was judged",
            f"Mend the path in [{gate.name}], or see whether .gitignore or `exclude` leaves everything out.",
        )
    skips = selection.skips
    if not gate.files and not skips.counts:
        paths = ", ".join(repr(path) for path in selection.paths)
        return NotMeasured(
            f"none of the files in {paths} ({config} [{gate.name}] paths) is of a kind that the gate judges",
            f"Name other paths, or take the table [{gate.name}] out.",
        )
    facts = {path: gate.facts[path] for path in sorted(gate.facts)}
    try:
        concluded = [plain_hit(path, hit) for path, hit in gate.analyser.conclude(facts)]
        notes = tuple(getattr(gate.analyser, "notes", _no_notes)(facts))
    except Exception as error:  # noqa: BLE001 - a broken analyser leaves its gate unmeasured, and no other
        gate.breaks("all files together", type(error).__name__)
        return gate.broken or NotMeasured("")
    for path, hit in (*concluded, *(plain_hit(*each) for each in skips.hits(gate.name))):
        gate.found[path].append(hit)
    try:
        found = _findings(gate)
    except KeyError as error:
        return NotMeasured(f"the analyser of {gate.name} names the rule {error}, which it does not have", "Report it.")
    return Scan(
        gate=gate.name,
        files=gate.files,
        size=gate.size,
        cached=gate.cached,
        skipped=skips.skipped,
        found=found,
        notes=(*notes, *skips.notes()),
        unscanned=sum(skips.counts.values()),
    )


def _no_notes(_facts: Mapping[str, Any]) -> Iterable[str]:
    return ()


def _findings(gate: Gate) -> dict[str, tuple[Finding, ...]]:
    """Returns check id to its findings, in the order of path and line."""
    found: dict[str, list[Finding]] = defaultdict(list)
    for path in sorted(gate.found):
        for hit, occurrence in _numbered(gate.found[path]):
            rule = gate.rules[hit.rule]
            found[hit.check or rule.check].append(
                Finding(
                    rule=hit.rule,
                    path=path,
                    line=hit.line,
                    column=hit.column,
                    severity=FindingSeverity(hit.severity) if hit.severity else rule.severity,
                    text=hit.text,
                    remedy=hit.remedy or rule.remedy,
                    excerpt=hit.excerpt,
                    fingerprint=fingerprint(hit.rule, path, hit.anchor, occurrence),
                )
            )
    return {check: tuple(findings) for check, findings in found.items()}


def _numbered(hits: Iterable[Hit]) -> Iterator[tuple[Hit, int]]:
    """Yields the hits of a file in its order, each with the number of equal ones before it."""
    before: Counter[tuple[str, str]] = Counter()
    for hit in sorted(hits, key=lambda hit: (hit.line, hit.column, hit.rule, hit.anchor)):
        yield hit, before[hit.rule, hit.anchor]
        before[hit.rule, hit.anchor] += 1
