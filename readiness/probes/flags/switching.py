"""Flags changed for a moment, to see what the change does; and put back, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from readiness.config.flag_rules import EVERYBODY
from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.flags.http import HttpSource
from readiness.probes.flags.interface import (
    KillObservation,
    RaiseObservation,
    SampleObservation,
    User,
)
from readiness.probes.flags.journal import Entry, Journal
from readiness.probes.flags.sampling import ask, spread
from readiness.probes.flags.states import (
    is_left,
    is_same,
    rolled_out,
    segments_of,
    settings_of,
    steps_of,
    was_sampled_so,
)

ATTEMPTS = 6
"""How often putting a flag back is tried."""
LOOKS = 7
"""How often a flag that was put back is read, at once, so that different instances are asked; more often each time."""
GROUP = 300
"""So many users are asked again after the percentage was raised; and so many more who were reached before."""
SURE = 1e-4
KILLED = 50
"""So many users of each kind are asked while the kill switch is on."""


class Switching:
    """Changes flags of an unprotected target.

    Args:
        source: the HTTP API.
        restorer: the same, with time of its own: what was changed is put back also where the run has none left.
        journal: where what was found is kept meanwhile.
    """

    def __init__(self, source: HttpSource, restorer: HttpSource, journal: Journal) -> None:
        self._source = source
        self._restorer = restorer
        self._journal = journal
        self.repaired: dict[str, str] = {}
        """Flag to what was put back for an earlier run."""

    # --- what was left --------------------------------------------------------------------------------------------

    def repair(self) -> None:
        """What an earlier run has left changed is as that run found it. Only with the journal's lock.

        A flag that is in none of the states which that run made was changed by somebody else since, and is left alone.
        """
        for entry in self._journal.entries():
            current = settings_of(self._document(entry.flag))
            if is_left(entry, current):
                self._put_back(entry)
                self.repaired[entry.flag] = f"changed at {entry.since} by a run that was killed; put back now"
            self._journal.remove(entry.flag)

    # --- changing -------------------------------------------------------------------------------------------------

    @contextmanager
    def _borrowed(self, flag: str) -> Iterator[_Loan]:
        """The flag may be changed, and is as it was found when the block is left."""
        with self._journal.changing():
            self.repair()
            document = self._document(flag)
            since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
            entry = Entry(self._journal.target, flag, settings_of(document), [], since)
            loan = _Loan(self._source, self._journal, entry, document)
            try:
                yield loan
            finally:
                if entry.states:
                    self._put_back(entry)
                    self._journal.remove(flag)

    def _document(self, flag: str) -> dict[str, Any]:
        definition = self._restorer.definition(flag)
        if definition is None:
            raise NotMeasured(f"the flag service has no flag {flag}", "Define it, or take it out of required.")
        if definition.percentage is None:  # it breaks the schema, so that what to put back cannot be told
            cause = f"{flag} is not changed while its definition is wrong: {definition.problems[0]}"
            raise NotMeasured(cause, "Mend the definition first; flags/definitions names all that is wrong.")
        found: dict[str, Any] = definition.document
        return found

    def _put_back(self, entry: Entry) -> None:
        """The flag is as it was found.

        Raises:
            NotMeasured: it is not; says how to put it back by hand.
        """
        trouble = ""
        for attempt in range(ATTEMPTS):
            try:
                for _ in range(attempt + 1):  # with one after the other, each instance gets one at last
                    self._restorer.change(entry.flag, entry.found)
                if self._is_back(entry, LOOKS + attempt):
                    return
                trouble = "the service acknowledged it, and the flag is something else, at least on one instance"
            except (NotMeasured, DocumentError) as error:
                trouble = error.cause if isinstance(error, NotMeasured) else str(error)
        raise NotMeasured(
            f"{entry.flag} could NOT be put back to what was found: {trouble}",
            f"Put it back at once: {self._command(entry)} "
            f"The next run on this machine tries again; what was found is kept in {self._journal.path}.",
        )

    def _is_back(self, entry: Entry, looks: int) -> bool:
        with ThreadPoolExecutor(looks, thread_name_prefix="readiness-look") as pool:
            documents = list(pool.map(lambda _: self._document(entry.flag), range(looks)))
        return all(is_same(settings_of(document), entry.found) for document in documents)

    def _command(self, entry: Entry) -> str:
        address = f"{entry.target}{self._restorer.path(entry.flag)}"
        return f"curl -X PUT '{address}' -H 'Content-Type: application/json' -d '{json.dumps(entry.found)}'"

    # --- raising --------------------------------------------------------------------------------------------------

    def raised(self, sample: SampleObservation) -> RaiseObservation:
        """Returns what raising the percentage does to users who were reached before.

        Raises:
            NotMeasured: the answers change by themselves, or nobody is reached who could be taken out.
        """
        flag = sample.flag
        if sample.changed:
            cause = f"users of {flag} get other answers when they are asked again, so that raising it proves nothing"
            raise NotMeasured(cause, "Make its answers sticky first; flags/sticky names the users.")
        evaluate, place = self._source.evaluator(flag), self._source.place(flag)
        with self._borrowed(flag) as loan:
            low, high, is_as_found = steps_of(loan.document, len(sample.answers))
            before = dict(sample.answers)
            if not is_as_found or not was_sampled_so(sample, loan.document):
                loan.change(rolled_out(loan.document, low))
                said = self._document(flag)["rollout"]["percentage"]
                if said != low:
                    return self._unheard(flag, loan.document["rollout"]["percentage"], low, said)
                first = spread([user for user, _ in sample.answers], GROUP)
                before = dict(ask(evaluate, first, self._source.in_flight, place))
            reached = [user for user, answer in before.items() if answer.is_on]
            if not reached:
                cause = f"{low:g} % of {flag} reach none of {len(before)} users, so that nobody could be taken out"
                raise NotMeasured(cause, "Look at flags/share; raise sample-users in [flags] for a small percentage.")
            group = spread(list(before), GROUP)
            held = spread(reached, GROUP)
            loan.change({"rollout": {"percentage": high}})
            read_back = self._document(flag)["rollout"]["percentage"]
            after = dict(ask(evaluate, tuple(dict.fromkeys((*group, *held))), self._source.in_flight, place))
        lost = [str(user) for user in after if before[user].is_on and not after[user].is_on]
        gained = sum(not before[user].is_on and bool(after[user].is_on) for user in group)
        return RaiseObservation(
            low=low,
            high=high,
            read_back=read_back,
            held=sum(bool(before[user].is_on) for user in after),
            lost=tuple(lost),
            gained=gained,
            must_gain=(1 - (high - low) / 100) ** len(group) < SURE,
            where=f"{place} before and after PUT of {high:g} %",
            repaired=self.repaired.get(flag, ""),
        )

    def _unheard(self, flag: str, found: float, wanted: float, said: float) -> RaiseObservation:
        """Returns that the service did not take a percentage at all."""
        return RaiseObservation(
            low=found,
            high=wanted,
            read_back=said,
            held=0,
            lost=(),
            gained=0,
            must_gain=False,
            where=f"PUT of {wanted:g} %",
            repaired=self.repaired.get(flag, ""),
        )

    # --- the kill switch ------------------------------------------------------------------------------------------

    def killed(self, sample: SampleObservation) -> KillObservation:
        """Returns who is still reached while the kill switch is on, alone and with everything else on below it."""
        flag = sample.flag
        evaluate, place = self._source.evaluator(flag), self._source.place(flag)

        def asked(whom: Sequence[User]) -> list[User]:
            return [user for user, answer in ask(evaluate, whom, self._source.in_flight, place) if answer.is_on]

        with self._borrowed(flag) as loan:
            segments = segments_of(loan.document)
            others = [user for user, answer in sample.answers if not answer.is_on]
            whom = (
                *(User(sample.answers[0][0].id, segment) for segment in segments),
                *spread(sample.on, KILLED),
                *spread(others, KILLED),
            )
            before = asked(whom)
            loan.change({"kill_switch": True})
            read_back = self._document(flag)["kill_switch"]
            still_on = asked(whom)
            opened = loan.attempt(
                {
                    "enabled": True,
                    "rollout": {"strategy": "full", "percentage": EVERYBODY, "user_segments": list(segments)},
                }
            )
            still_on += asked(whom)
        with self._journal.reading():
            after = asked(before)
        return KillObservation(
            read_back=read_back is True,
            opened=opened,
            asked=len(whom),
            still_on=tuple(dict.fromkeys(map(str, still_on))),
            before=len(before),
            after=len(after),
            must_return=not sample.changed,
            where=f"{place} after PUT of kill_switch = true",
            repaired=self.repaired.get(flag, ""),
        )


class _Loan:
    """One flag while it may be changed."""

    def __init__(self, source: HttpSource, journal: Journal, entry: Entry, document: dict[str, Any]) -> None:
        self._source = source
        self._journal = journal
        self._entry = entry
        self.document = document

    def change(self, change: Mapping[str, Any]) -> None:
        """The change was sent, and before that was written down."""
        entry = self._entry
        last = entry.states[-1] if entry.states else entry.found
        entry.states.append({**last, **change, "rollout": {**last["rollout"], **change.get("rollout", {})}})
        self._journal.write(entry)
        self._source.change(entry.flag, change)

    def attempt(self, change: Mapping[str, Any]) -> str:
        """Returns what came of a change that the service may refuse."""
        try:
            self.change(change)
        except DocumentError as error:
            return f"refused: {error}"
        return "accepted"
