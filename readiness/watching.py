"""The rollout that one run observes: once, whatever asks for it, however many workers there are; and what is kept of it.

The first check that asks observes. In a run with several workers they take turns at a lock beside the kept state: the
first one observes, the others find what it came to. The kernel releases the lock of a worker that dies, and the next
one goes on where it was. Another lock keeps other runs from what is kept as long as one observes: two of them would
write over each other, and go on with what was never cut short.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from readiness.config.quantity import Ratio
from readiness.errors import NotMeasured
from readiness.locks import holding
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
ROLLOUT_S = 86_400.0
"""Longest time from the end of a stage to the next one of the same rollout."""
SAME = 1e-9
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
                        self._observation = self._of_another_worker() or self._watch_alone()
                except NotMeasured as error:
                    self._failure = error
                    raise
            return self._observation

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """Inside, no other worker of this run observes.

        Raises:
            NotMeasured: the turn cannot be had.
        """
        if not self.terms.is_shared:
            yield
            return
        with contextlib.ExitStack() as stack:
            try:
                has_turn = stack.enter_context(
                    holding(self._lock_file(self.terms.run), lambda: self._budget() - POLL_S, poll_s=POLL_S)
                )
            except OSError as error:
                cause = f"workers cannot take turns at {self.terms.state.name}: {error.strerror}"
                raise NotMeasured(cause, "Make its folder writable, or run without workers.") from None
            if not has_turn:
                raise NotMeasured("another worker observed until the run's deadline")
            yield

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Inside, no other run observes with this state; says False where nobody can know that.

        Raises:
            NotMeasured: another run does.
        """
        with contextlib.ExitStack() as stack:
            is_known = True
            try:
                is_alone = stack.enter_context(holding(self._lock_file(), lambda: 0.0))
            except OSError:  # the folder cannot be written, so that no state is kept, or its file system has no locks
                is_known = is_alone = False
            if is_known and not is_alone:
                raise self._refusal()
            yield is_alone

    def _refusal(self) -> NotMeasured:
        place = "--readiness-reports=DIR" if self.terms.table.state is None else "another `state` in [rollout]"
        # Which run it is nobody knows for sure: before its first look, what is kept is an earlier one's.
        return NotMeasured(
            f"another run is observing a rollout at this moment, and keeps what it sees in {self.terms.state.name}",
            f"Wait until it has ended, or give this run a place of its own: {place}.",
        )

    def _lock_file(self, run: str = "") -> Path:
        name = f".{self.terms.state.name}{run and '.'}{run}.lock"
        return self.terms.state.with_name(name)

    def _of_another_worker(self) -> Observation | None:
        kept = read_state(self.terms.state) if self.terms.is_shared else None
        if kept is None or kept.get("run") != self.terms.run or not kept["rollout"]["ended"]:
            return None
        return observation_from(kept, self.terms.stage)

    def _watch_alone(self) -> Observation:
        with self._alone() as is_alone:
            # Where no lock tells, what looks cut short may still be running.
            return self._watch(read_state(self.terms.state) if is_alone else None)

    def _watch(self, earlier: dict[str, Any] | None) -> Observation:
        terms = self.terms
        self._reader = reader_of(terms.table, terms.stage, terms.folder, self._http)
        table = terms.table
        watch = Watch(
            spec_of(table, terms.stage), self._reader, terms.stage, table.observe, limits_of(table), self._keep
        )
        if earlier is not None:
            words = self._may_go_on(earlier)
            if not (words and watch.go_on(earlier, words)) and (words := self._may_follow(earlier)):
                watch.follow(earlier, words)
        return watch.run(self._budget() - min(RESERVE_S, self._budget() / 10), "the time of the run")

    def _http(self, address: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> Http:
        from readiness.probes.http import HttpProbe

        return HttpProbe(address, headers, budget=self._budget, most_bytes=MOST_BYTES, tls=tls)

    def _may_go_on(self, kept: Mapping[str, Any]) -> str:
        """Returns which observation this one goes on with, in words; empty where it begins anew.

        Only with one that was cut short: one that came to its end says something, and the next one asks anew.
        """
        is_same = self._is_of_this_rollout(kept, RECENT_S) and kept["rollout"]["stage"] == share_text(self.terms.stage)
        if not is_same or kept["rollout"]["ended"]:
            return ""
        moment = time.strftime("%H:%M:%S", time.gmtime(kept["saved_s"]))
        return f"goes on with the observation of run {kept.get('run', '?')}, which was cut short at {moment} UTC"

    def _may_follow(self, kept: Mapping[str, Any]) -> str:
        """Returns which stage's evidence goes on to count, in words; empty where this one is judged by itself.

        An earlier stage of this rollout, or the same one where it came to no answer. Not after a rollback, nor after a
        larger stage: that was another rollout.
        """
        if not self._is_of_this_rollout(kept, ROLLOUT_S):
            return ""
        stage, action = kept["rollout"]["stage"], kept["rollout"]["action"]
        try:
            is_later = Ratio.parse(stage) <= self.terms.stage + SAME
        except ValueError:
            return ""
        if not is_later or action == "rollback":
            return ""
        return f"goes on with the evidence of stage {stage}, which run {kept.get('run', '?')} judged"

    def _is_of_this_rollout(self, kept: Mapping[str, Any], within_s: float) -> bool:
        is_same = (kept.get("digest"), kept.get("release")) == (digest_of(self.terms.table), self.terms.release)
        return is_same and 0 <= time.time() - kept["saved_s"] <= within_s

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
    return found if _is_whole(found) else None


def _is_whole(found: Any) -> bool:
    """Returns whether what is looked at before anything is restored is there."""
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        return False
    rollout, saved_s = found.get("rollout"), found.get("saved_s")
    texts = [rollout.get(name) for name in ("stage", "action", "ended")] if isinstance(rollout, dict) else [None]
    return isinstance(saved_s, int | float) and all(isinstance(each, str) for each in texts)
