"""The flags of one target, each observed once per run and shared by all checks of it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from readiness.errors import NotMeasured
from readiness.probes.documents import DocumentError
from readiness.probes.flags.interface import (
    Definition,
    DefinitionsObservation,
    EvaluationObservation,
    KillObservation,
    PresenceObservation,
    RaiseObservation,
    SampleObservation,
    ServiceObservation,
    Source,
)
from readiness.probes.flags.journal import Journal
from readiness.probes.flags.sampling import again, ask, users
from readiness.probes.flags.switching import Switching

T = TypeVar("T")
FEW = 5
"""So many users are asked to see whether a flag can be evaluated at all."""


@dataclass(slots=True)
class _Once:
    """What is observed once: the first who asks observes, the others wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    outcome: SampleObservation | NotMeasured | DocumentError | None = None


class FlagsProbe:
    """Observes flags. Thread safe; how many samples are taken at once is the business of those who ask for them.

    Args:
        source: where the flags are.
        sample_users: how many users a sample has.
        percentages: flag to the percentage it is to reach, where the configuration says so.
        switching: changes flags; None where nothing may be changed.
        journal: keeps others from changing them meanwhile; None where nobody can.
        close: closes what the source has of its own.
    """

    def __init__(
        self,
        source: Source,
        *,
        sample_users: int,
        percentages: Mapping[str, float],
        switching: Switching | None = None,
        journal: Journal | None = None,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._source = source
        self._sample_users = sample_users
        self._percentages = percentages
        self._switching = switching
        self._journal = journal
        self._close = close
        self._samples: dict[str, _Once] = defaultdict(_Once)
        self._lock = threading.Lock()

    def reach(self) -> None:
        """The source can be reached.

        Raises:
            NotMeasured: it cannot.
        """
        self._source.reach()

    def close(self) -> None:
        """Connections of its own are closed."""
        self._close()

    # --- read only ------------------------------------------------------------------------------------------------

    def service(self) -> ServiceObservation:
        """Returns how the source itself answers."""
        with self._undisturbed():
            return self._source.service()

    def definitions(self, required: Sequence[str] | None) -> DefinitionsObservation:
        """Returns the definitions of these flags, and of all others that the source tells of."""
        with self._undisturbed():
            return self._source.definitions(required or ())

    def presence(self, flag: str) -> PresenceObservation:
        """Returns whether the flag is defined."""
        with self._undisturbed():
            return self._source.presence(flag)

    def evaluate(self, flag: str) -> EvaluationObservation:
        """Returns what a few users are told.

        Raises:
            NotMeasured: the service did not answer; what it answered wrongly is in the observation.
        """
        answers, problems = [], []
        whom = users(min(FEW, self._sample_users))
        with self._undisturbed():
            evaluator = self._source.evaluator(flag)
            for user in whom:
                try:
                    answers.append(evaluator(user))
                except DocumentError as error:
                    problems.append(str(error))
        return EvaluationObservation(
            asked=len(whom),
            failed=len(problems),
            answers=tuple(dict.fromkeys(map(str, answers))),
            kinds=tuple(dict.fromkeys(answer.kind for answer in answers)),
            problems=tuple(dict.fromkeys(problems)),
            where=self._source.place(flag),
        )

    def sample(self, flag: str) -> SampleObservation:
        """Returns what a sample of users is told; observed once, however many checks ask for it.

        Raises:
            NotMeasured: not all of them were answered, or somebody changed the flag meanwhile.
        """
        with self._lock:
            once = self._samples[flag]
        with once.lock:
            if once.outcome is None:
                try:
                    once.outcome = self._sampled(flag)
                except (NotMeasured, DocumentError) as error:
                    once.outcome = error
            outcome = once.outcome
        if isinstance(outcome, SampleObservation):
            return outcome
        raise outcome.with_traceback(None)

    def _sampled(self, flag: str) -> SampleObservation:
        source, place = self._source, self._source.place(flag)
        with self._undisturbed():
            before = source.definition(flag)
            answers = ask(source.evaluator(flag), users(self._sample_users), source.in_flight, place)
            second = ask(source.evaluator(flag), again(answers), source.in_flight, place)
            after = source.definition(flag)
        # Not the whole documents: a service may tell there how often it was asked.
        if (before.percentage if before else None) != (after.percentage if after else None):
            cause = f"{flag} was changed by somebody while a sample of its users was taken"
            raise NotMeasured(cause, "Run again when nobody changes it.")
        told = dict(answers)
        changed = [
            f"{user}: first {told[user]}, then {answer}" for user, answer in second if str(answer) != str(told[user])
        ]
        percentage, said_by = self._expected(flag, before)
        return SampleObservation(
            flag=flag,
            where=place,
            answers=tuple(answers),
            asked_again=len(second),
            changed=tuple(changed),
            definition=before,
            percentage=percentage,
            said_by=said_by,
        )

    def _expected(self, flag: str, definition: Definition | None) -> tuple[float | None, str]:
        if flag in self._percentages:
            return self._percentages[flag], "percentages of [flags]"
        if definition is None:
            return None, "nobody"
        return definition.percentage, f"the definition at {definition.where}"

    # --- changing -------------------------------------------------------------------------------------------------

    def raised(self, flag: str) -> RaiseObservation:
        """Returns what raising the percentage does to users who were reached before; the flag is put back.

        Raises:
            NotMeasured: the flag may not be changed, or it was not observed what a change does.
        """
        return self._may_change().raised(self.sample(flag))

    def killed(self, flag: str) -> KillObservation:
        """Returns who is still reached while the kill switch is on; the flag is put back.

        Raises:
            NotMeasured: the flag may not be changed, or it was not observed what a change does.
        """
        return self._may_change().killed(self.sample(flag))

    def _may_change(self) -> Switching:
        if self._switching is None:
            raise NotMeasured("flags of this target are not changed", "Judge an environment that is not protected.")
        return self._switching

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """No run of this user changes a flag meanwhile, and none has left one changed."""
        if self._journal is None:
            yield
            return
        if self._journal.entries():
            with self._journal.changing():
                self._settle(self._journal)
        with self._journal.reading():
            yield

    def _settle(self, journal: Journal) -> None:
        if self._switching is not None:
            self._switching.repair()
            return
        for entry in journal.entries():
            raise NotMeasured(
                f"a run that was killed at {entry.since} may have left {entry.flag} changed, and this target is protected",
                f"Look at the flag, set it to what it should be, and remove {journal.path}.",
            )
