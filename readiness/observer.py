"""What checks look at the target through: the probes, and observations taken ahead of the checks that use them."""

from __future__ import annotations

import functools
import inspect
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from readiness.ahead import LARGE_AT_ONCE, Ahead
from readiness.collection import mark_of_item
from readiness.config.base import Table
from readiness.config.model import Flags
from readiness.environment.interface import Target
from readiness.errors import NotMeasured, Unreachable
from readiness.mark import CheckMark

if TYPE_CHECKING:
    from readiness.config.model import Settings
    from readiness.probes.flags.probe import FlagsProbe
    from readiness.probes.http import HttpProbe
    from readiness.static.repository import Repository
    from readiness.watching import RolloutProbe

PROBE_TIMEOUT_S = 5.0
"""What PostgreSQL and Redis get to answer at all; their limits are judged on the time they took."""
STATIC_GATES = ("config-lint", "placeholder-audit", "security-scan")
"""Gates that look at the repository, through the probe `repository`, and at no target."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What reading the repository takes besides the configuration."""

    settings: Settings
    is_wanted: Callable[[str], bool]
    """Whether this run judges a gate."""
    cache: Callable[[], Path | None] = lambda: None
    """Returns the folder that pytest keeps between runs, and clears when told; None where nothing is kept."""
    shared: Path | None = None
    """A folder of this run alone, where the first worker that has scanned leaves the result for the others."""
    reports: Path | None = None
    """Where this run writes; it and those of other environments beside it are no part of the repository."""


@dataclass(frozen=True, slots=True)
class Reach:
    """How reaching a part of the target went."""

    attempts: int
    failure: NotMeasured | None


class Observer:
    """The eyes of one process: one probe of each kind, shared by all checks and threads.

    Args:
        table_of: returns the table of a gate.
        budget: seconds left of the whole run.
        patience: probe name to the attempts at reaching its target, and the seconds between them; default one attempt.
        folder: of the configuration, from which its relative paths start.
        rollout: makes what observes the rollout; None where this run judges none.
    """

    def __init__(
        self,
        table_of: Callable[[str], Table | None],
        budget: Callable[[], float],
        patience: Mapping[str, tuple[int, float]] | None = None,
        folder: Path | None = None,
        rollout: Callable[[], RolloutProbe] | None = None,
    ) -> None:
        self._table_of = table_of
        self._make_rollout = rollout
        self._folder = folder or Path()
        self._budget = budget
        self._patience = patience or {}
        self._target: Target | None = None
        self.desk: Desk | None = None
        self._probes: dict[str, Any] = {}
        self._reached: dict[str, Reach] = {}
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._ahead = Ahead()
        self._large = Ahead()

    @property
    def target(self) -> Target:
        """The target under judgement.

        Raises:
            NotMeasured: where the environment did not come up.
        """
        if self._target is None:
            raise NotMeasured("the environment was not provisioned")
        return self._target

    def provide(self, target: Target) -> None:
        """The environment is up: checks may look at it."""
        self._target = target

    def probe(self, name: str) -> Any:
        """Returns the probe of that fixture name, whose target can be reached.

        Raises:
            NotMeasured: where the environment has no such part.
            Unreachable: where it cannot be reached; tried once, since forty checks would find forty times the same.
        """
        if name == "repository":
            return self.repository
        flags = self._table_of("flags") if name == "flags" else None
        http = self.probe("http") if isinstance(flags, Flags) and flags.asks_the_service else None
        with self._lock:
            if name not in self._probes:
                self._probes[name] = self._make(name, flags, http)
            probe, lock = self._probes[name], self._locks[name]
        with lock:
            if name not in self._reached:
                self._reached[name] = self._reach(name, probe)
        failure = self._reached[name].failure
        if failure is not None:
            raise Unreachable(failure.cause, failure.remedy)
        return probe

    @property
    def repository(self) -> Repository:
        """The repository, which needs neither a target nor that one is reached.

        Raises:
            NotMeasured: where nobody has said what is to be read.
        """
        with self._lock:
            if "repository" not in self._probes:
                self._probes["repository"] = _make_repository(self.desk, self._budget)
            probe: Repository = self._probes["repository"]
        return probe

    def _make(self, name: str, flags: Table | None, http: Any) -> Any:
        if name == "rollout" and self._make_rollout is not None:
            return self._make_rollout()
        if isinstance(flags, Flags):
            return _make_flags_probe(flags, self._folder, self.target, http, self._budget)
        return _make_probe(name, self.target, self._budget)

    @property
    def rollout(self) -> dict[str, Any] | None:
        """What the report has of the rollout; None where none was observed."""
        probe = self._probes.get("rollout")
        return None if probe is None else probe.document

    def _reach(self, name: str, probe: Any) -> Reach:
        attempts, pause_s = self._patience.get(name, (1, 0.0))
        for attempt in range(1, attempts + 1):
            try:
                probe.reach()
            except NotMeasured as error:
                if attempt == attempts or self._budget() <= pause_s:
                    return Reach(attempt, error)
                time.sleep(pause_s)
            else:
                return Reach(attempt, None)
        raise AssertionError("attempts is at least 1")

    def attempts_at(self, mark: CheckMark) -> int:
        """Returns how many attempts it took to reach what the check observes; 1 where nothing had to be reached."""
        names = inspect.signature(mark.observe).parameters if mark.observe is not None else ()
        return max((self._reached[name].attempts for name in names if name in self._reached), default=1)

    def look_ahead(self, items: Iterable[pytest.Item]) -> None:
        """Observations of these items are taken concurrently, in their order, ahead of their assertions."""
        marks = [
            (item, mark) for item in items if (mark := mark_of_item(item)) is not None and mark.observe is not None
        ]
        jobs = [
            (mark, (item.nodeid, functools.partial(self._observe, item, mark)))
            for item, mark in marks
            if not _reads_the_repository(mark)
        ]
        self._ahead = Ahead(job for mark, job in jobs if not mark.alone)
        # Beside each other, once the turn of the first has come; what writes is not, since it would change what they see.
        self._large = Ahead((job for mark, job in jobs if mark.alone and not mark.writes), LARGE_AT_ONCE)

    def take(self, item: pytest.Item, mark: CheckMark) -> object:
        """Returns what the check declares to observe: taken ahead, or now.

        The repository is read in its own time, because that takes the processor from those who measure times: in order,
        these checks are the first, and nothing is under way before the first observation is taken.
        """
        if _reads_the_repository(mark):
            return self._observe(item, mark)
        ahead = self._large if mark.alone else self._ahead
        return ahead.take(item.nodeid, functools.partial(self._observe, item, mark))

    def _observe(self, item: pytest.Item, mark: CheckMark) -> object:
        if mark.observe is None:
            raise NotMeasured(
                f"check {mark.id} uses 'seen' but declares nothing to observe", "Add @check(..., observe=...)."
            )
        callspec = getattr(item, "callspec", None)
        given = dict(callspec.params) if callspec else {}
        wanted = inspect.signature(mark.observe).parameters
        for name in wanted:
            if name not in given:
                given[name] = self._table_of(mark.gate) if name == "table" else self.probe(name)
        return mark.observe(**{name: given[name] for name in wanted})

    def close(self) -> None:
        """No further observation starts, and connections are closed."""
        self._ahead.close()
        self._large.close()
        for probe in self._probes.values():
            probe.close()


def _reads_the_repository(mark: CheckMark) -> bool:
    return mark.observe is not None and "repository" in inspect.signature(mark.observe).parameters


def _make_repository(desk: Desk | None, budget: Callable[[], float]) -> Repository:
    if desk is None:
        raise NotMeasured("this run has no repository")
    from readiness.static.repository import Repository

    gates = [gate for gate in STATIC_GATES if gate in desk.settings.gates and desk.is_wanted(gate)]
    avoid = _report_folders(desk.reports)
    return Repository(desk.settings, gates, budget, cache=desk.cache, shared=desk.shared, avoid=avoid)


def _report_folders(folder: Path | None) -> tuple[Path, ...]:
    """Returns the folders of reports: what was found once must not be found again in the report of it."""
    if folder is None:
        return ()
    try:
        beside = [each for each in folder.parent.iterdir() if (each / "report.json").exists()]
    except OSError:
        beside = []
    return folder, *beside


def _make_flags_probe(
    table: Flags, folder: Path, target: Target, http: HttpProbe | None, budget: Callable[[], float]
) -> FlagsProbe:
    from readiness.probes.flags.making import make_flags_probe

    return make_flags_probe(
        table,
        folder=folder,
        http=http,
        address=target.url or "",
        headers=target.headers,
        is_protected=target.protected,
        budget=budget,
    )


def _make_probe(name: str, target: Target, budget: Callable[[], float]) -> Any:
    if name == "http" and target.url:
        from readiness.probes.http import HttpProbe

        return HttpProbe(target.url, target.headers, instances=target.instances, budget=budget)
    if name == "database" and target.database_url:
        from readiness.probes.postgres import PostgresProbe

        return PostgresProbe(target.database_url, connect_timeout_s=PROBE_TIMEOUT_S, budget=budget)
    if name == "cache" and target.redis_url:
        from readiness.probes.redis import RedisProbe

        return RedisProbe(target.redis_url, timeout_s=PROBE_TIMEOUT_S, budget=budget)
    if name == "rollout":
        raise NotMeasured("this run judges no rollout", "Add a table [rollout], and name its stage as --stage=PERCENT.")
    missing = {"http": "service address (url)", "database": "database.url", "cache": "redis.url"}
    if name == "flags":
        raise NotMeasured("the configuration has no table [flags]", "Add it; the fixture observes what it names.")
    if name not in missing:
        raise NotMeasured(
            f"@check(observe=...) asks for {name!r}. Known: http, database, cache, flags, repository, rollout, table and the each argument"
        )
    raise NotMeasured(f"environment {target.name} has no {missing[name]}", f"Add it to [env.{target.name}].")
