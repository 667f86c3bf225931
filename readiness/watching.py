"""The rollout that one run observes: once, whatever asks for it, however many workers there are; and what is kept of it.

The first check that asks observes. In a run with several workers they take turns at a lock beside the kept state: the
first one observes, the others find what it came to. The kernel releases the lock of a worker that dies, and the next
one goes on where it was.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.errors import NotMeasured
from readiness.locks import acquire
from readiness.rollout.making import digest_of, limits_of, reader_of
from readiness.rollout.observation import SCHEMA, Observation, Watch, observation_from, share_text
from readiness.rollout.source import spec_of
from readiness.wire import to_json

if TYPE_CHECKING:
    import ssl

    from readiness.config.rollout_tables import Rollout
    from readiness.redact import Redactor
    from readiness.rollout.source import Http, Reader

RECENT_S = 300.0
"""An observation that was cut short is gone on with by a run that comes so soon."""
RESERVE_S = 10.0
"""Kept of the run's time for the reports; at most a tenth of it."""
MOST_BYTES = 64 * 1024 * 1024
"""Of one answer: ten thousand series with a hundred samples each."""
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Terms:
    """What one run observes, and where it keeps it."""

    table: Rollout
    stage: float
    folder: Path
    """Of the configuration."""
    state: Path
    """The file that the observation is kept in."""
    run: str
    """Id of the run."""
    release: str
    """The commit that is judged."""
    is_shared: bool
    """Whether other workers of this run may ask for the same."""


class RolloutProbe:
    """Observes one stage of a rollout.

    Args:
        terms: what, and where it is kept.
        redactor: knows the secrets of the run.
        budget: seconds left of the whole run.
        show: called with what is kept after each look; None shows nothing.
    """

    def __init__(
        self,
        terms: Terms,
        redactor: Redactor,
        budget: Callable[[], float],
        show: Callable[[Mapping[str, Any]], None] | None = None,
    ) -> None:
        self.terms = terms
        self._redactor = redactor
        self._budget = budget
        self._show = show
        self._reader: Reader | None = None
        self._observation: Observation | None = None
        self._failure: NotMeasured | None = None
        self._lock = threading.Lock()

    @property
    def document(self) -> dict[str, Any] | None:
        """What the report has of it; None while there is nothing."""
        return None if self._observation is None else self._observation.document

    def reach(self) -> None:
        """Nothing: whether something can be read is a part of what is observed."""

    def close(self) -> None:
        """Nothing is asked any more."""
        if self._reader is not None:
            self._reader.close()

    def observe(self) -> Observation:
        """Returns what the stage came to; observed once.

        Raises:
            NotMeasured: it could not even be begun.
        """
        with self._lock:  # checks that ask much are observed two at a time
            if self._failure is not None:
                raise self._failure
            if self._observation is None:
                try:
                    with self._turn():
                        self._observation = self._of_another_worker() or self._watch()
                except NotMeasured as error:
                    self._failure = error
                    raise
            return self._observation

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Inside, no other worker of this run observes."""
        if not self.terms.is_shared:
            yield
            return
        lock = self.terms.state.with_name(f".{self.terms.state.name}.{self.terms.run}.lock")
        handle = self._locked(lock)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.unlink()
            os.close(handle)

    def _locked(self, lock: Path) -> int:
        """Returns the open file, which nobody else holds; not one that its last holder has removed meanwhile."""
        while True:
            handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                self._wait(handle)
                if os.fstat(handle).st_nlink:
                    return handle
            except BaseException:
                os.close(handle)
                raise
            os.close(handle)

    def _wait(self, handle: int) -> None:
        if not acquire(handle, lambda: self._budget() - POLL_S, poll_s=POLL_S):
            raise NotMeasured("another worker observed until the run's deadline")

    def _of_another_worker(self) -> Observation | None:
        kept = read_state(self.terms.state) if self.terms.is_shared else None
        if kept is None or kept.get("run") != self.terms.run or not kept["rollout"]["ended"]:
            return None
        return observation_from(kept, self.terms.stage)

    def _watch(self) -> Observation:
        terms = self.terms
        self._reader = reader_of(terms.table, terms.stage, terms.folder, self._http)
        watch = Watch(spec_of(terms.table, terms.stage), self._reader, terms.stage, limits_of(terms.table), self._keep)
        earlier = read_state(terms.state)
        if earlier is not None and (words := self._may_go_on(earlier)):
            watch.go_on(earlier, words)
        left_s = self._budget() - min(RESERVE_S, self._budget() / 10)
        if left_s < terms.table.observe:
            return watch.run(left_s, "the time of the run")
        return watch.run(float(terms.table.observe), f"the time to observe ({terms.table.observe})")

    def _http(self, address: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> Http:
        from readiness.probes.http import HttpProbe

        return HttpProbe(address, headers, budget=self._budget, most_bytes=MOST_BYTES, tls=tls)

    def _may_go_on(self, kept: Mapping[str, Any]) -> str:
        """Returns which observation this one goes on with, in words; empty where it begins anew.

        Only with one that was cut short: one that came to its end says something, and the next one asks anew.
        """
        terms = self.terms
        age_s = time.time() - kept.get("saved_s", 0.0)
        is_same = (kept.get("digest"), kept.get("release"), kept["rollout"].get("stage")) == (
            digest_of(terms.table),
            terms.release,
            share_text(terms.stage),
        )
        if not is_same or kept["rollout"]["ended"] or not 0 <= age_s <= RECENT_S:
            return ""
        moment = time.strftime("%H:%M:%S", time.gmtime(kept["saved_s"]))
        return f"goes on with the observation of run {kept.get('run', '?')}, which was cut short at {moment} UTC"

    def _keep(self, document: dict[str, Any]) -> None:
        kept = {
            **document,
            "run": self.terms.run,
            "release": self.terms.release,
            "digest": digest_of(self.terms.table),
        }
        kept = self._redactor.redact_all(kept)
        with contextlib.suppress(OSError):  # a full disk costs the state, not the rollout
            write_state(self.terms.state, kept)
        if self._show is not None:
            self._show(kept)


def write_state(path: Path, kept: Mapping[str, Any]) -> None:
    """The file holds it, whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(to_json(kept))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read_state(path: Path) -> dict[str, Any] | None:
    """Returns what was kept; None where there is nothing, or nothing that can be read."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    is_ours = isinstance(found, dict) and found.get("schema") == SCHEMA and isinstance(found.get("rollout"), dict)
    return found if is_ours else None
