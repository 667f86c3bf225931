"""The probe `repository`: the files beside the configuration, scanned once for all static gates of a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured
from readiness.model import FindingSeverity
from readiness.static import analysers
from readiness.static.scan import Gate, Outcome, scan
from readiness.static.selection import Selection
from readiness.static.sharing import alone, read_outcomes, write_outcomes
from readiness.static.skipping import severity_of
from readiness.static.tracked import tracked
from readiness.static.walk import File, Walk

if TYPE_CHECKING:
    from readiness.config.base import Table
    from readiness.config.model import Settings
    from readiness.config.static_tables import Paths
    from readiness.static.interface import Scan


class Repository:
    """The repository of the configuration's folder; it needs no target.

    Args:
        settings: the configuration.
        gates: the static gates that this run judges; all of them are served by one walk.
        budget: seconds left of the run.
        cache: returns the folder that is kept between runs, or None where nothing is kept.
        shared: a folder of this run alone, where the first process that has scanned leaves the result for the others.
        avoid: folders of our own, which are no part of the repository, such as that of the reports.
    """

    def __init__(
        self,
        settings: Settings,
        gates: Sequence[str],
        budget: Callable[[], float],
        *,
        cache: Callable[[], Path | None] = lambda: None,
        shared: Path | None = None,
        avoid: Sequence[Path] = (),
    ) -> None:
        self._settings = settings
        self._gates = tuple(gates)
        self._budget = budget
        self._cache = cache
        self._shared = shared
        self._avoid = tuple(avoid)
        self._lock = threading.Lock()
        self._outcomes: Mapping[str, Outcome] | NotMeasured | None = None
        self._observed: dict[str, Scan | NotMeasured] = {}

    @property
    def folder(self) -> Path:
        """Where the repository is."""
        return self._settings.folder

    def reach(self) -> None:
        """Nothing has to be reached."""

    def close(self) -> None:
        """There is nothing to close."""

    # --- the analysers' gates ---

    def scan(self, gate: str) -> Scan:
        """Returns what a gate found; the first call scans for all of them.

        Raises:
            NotMeasured: it could not look: a path without files, a package that is missing, no time left.
        """
        with self._lock:
            if self._outcomes is None:
                try:
                    self._outcomes = self._scan_once()
                except NotMeasured as failure:
                    self._outcomes = failure
        outcome = self._outcomes if isinstance(self._outcomes, NotMeasured) else self._outcomes.get(gate)
        if outcome is None:
            raise NotMeasured(f"the configuration has no table [{gate}] whose files could be scanned", "Add it.")
        if isinstance(outcome, NotMeasured):
            raise NotMeasured(outcome.cause, outcome.remedy)
        return outcome

    def _scan_once(self) -> Mapping[str, Outcome]:
        """Returns what the first process of this run found that came here; the others wait for it."""
        if self._shared is None:
            return self._scan_all()
        with alone(self._shared / "scan.lock", self._budget):
            kept = self._shared / "scan"
            outcomes = read_outcomes(kept)
            if outcomes is None:
                try:
                    outcomes = self._scan_all()
                except NotMeasured as failure:
                    outcomes = dict.fromkeys(self._gates, failure)
                write_outcomes(kept, outcomes)
        return outcomes

    def _scan_all(self) -> Mapping[str, Outcome]:
        outcomes: dict[str, Outcome] = {}
        gates = []
        for name in self._gates:
            try:
                gate = self._gate(name)
            except NotMeasured as failure:
                outcomes[name] = failure
            else:
                if gate is not None:
                    gates.append(gate)
        if not gates:
            return outcomes
        config = self._settings.file.name
        try:
            found = scan(self.folder, gates, budget=self._budget, config=config, cache=self._kept(), avoid=self._avoid)
        except ModuleNotFoundError as error:
            raise analysers.not_installed(error, analysers.EXTRAS[gates[0].name], "reading the repository") from error
        return outcomes | found

    def _kept(self) -> Path | None:
        """Returns the folder that is kept between runs; None where it came with the repository, or nobody can say.

        What is committed could say of any content that nothing was found in it.
        """
        kept = self._cache()
        if kept is None or not kept.resolve().is_relative_to(self.folder.resolve()):
            return kept
        place = f"{kept.resolve().relative_to(self.folder.resolve())}/"
        try:
            return None if any(file.startswith(place) for file in tracked(self.folder, self._budget)) else kept
        except NotMeasured:
            return None

    def _gate(self, name: str) -> Gate | None:
        table = self._settings.gates[name]
        wanted: Paths | None = getattr(table, "secrets", None) if name == "security-scan" else table  # type: ignore[assignment] # tables of these gates have paths
        if wanted is None:
            return None
        analyser = analysers.make_analyser(
            name, table, environment=self._settings.environment, folder=self.folder, settings=self._settings
        )
        selection = Selection(name, wanted.paths, wanted.exclude, analyser.wants)
        return Gate(name, selection, analyser, analysers.rules_of(name), int(wanted.max_file_size))

    # --- what has an engine of its own ---

    def files(self, paths: Sequence[str], exclude: Sequence[str] = ()) -> tuple[File, ...]:
        """Returns the files below these paths as the scan sees them: `.gitignore` honoured, links not followed.

        Raises:
            NotMeasured: no time is left, or a path has no file.
        """
        selection = Selection("files", paths, exclude)
        found = tuple(Walk(self.folder, [selection], self._budget, self._avoid).files())
        if selection.unmatched:
            named = ", ".join(repr(path) for path in paths if path in selection.unmatched)
            raise NotMeasured(f"no file was found for {named}, so that nothing there was judged", "Mend the path.")
        for path, why, detail in selection.skips.named:
            if severity_of("files", why) is FindingSeverity.BLOCKING:
                text = f"{path}: {why} ({detail})" if detail else f"{path}: {why}"
                raise NotMeasured(text, "Make it readable, or name it in `exclude`.")
        return found

    def code(self) -> Scan:
        """Returns what is unsafe in the Python code; see `readiness.static.code`."""
        return self._observe("code", "bandit")

    def dependencies(self) -> Scan:
        """Returns known vulnerabilities of what is depended upon; see `readiness.static.dependencies`."""
        return self._observe("dependencies", "dependencies")

    def workflows(self) -> Scan:
        """Returns what is unsafe in workflows; see `readiness.static.workflows`."""
        return self._observe("workflows", "workflows")

    def _observe(self, check: str, key: str) -> Scan:
        table: Table | None = getattr(self._settings.gates.get("security-scan"), key, None)
        if table is None:
            raise NotMeasured(f"the configuration has no {key} in [security-scan]", "Add it.")
        with self._lock:
            if check not in self._observed:
                try:
                    self._observed[check] = self._observe_now(check, table)
                except NotMeasured as failure:
                    self._observed[check] = failure
        outcome = self._observed[check]
        if isinstance(outcome, NotMeasured):
            raise NotMeasured(outcome.cause, outcome.remedy)
        return outcome

    def _observe_now(self, check: str, table: Table) -> Scan:
        module = analysers.load(analysers.OBSERVERS[check], "security", f"security-scan/{check}")
        kept = self._kept()
        if kept is not None:
            kept = kept / check
            try:
                kept.mkdir(parents=True, exist_ok=True)
            except OSError:
                kept = None
        try:
            found: Scan = module.observe(
                table,
                folder=self.folder,
                environment=self._settings.environment,
                settings=self._settings,
                budget=self._budget,
                cache=kept,
                files=self.files,
            )
        except ModuleNotFoundError as error:
            raise analysers.not_installed(error, "security", f"security-scan/{check}") from error
        return found
