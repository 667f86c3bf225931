"""What all sources of feature flags share: what they are asked, and what was seen."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from readiness.errors import NotMeasured
from readiness.probes.documents import shown
from readiness.probes.flags.binomial import Interval, acceptance

MOST_NAMED = 5
"""So many users are named in a message."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom a flag is evaluated for."""

    id: str
    segment: str | None = None

    def __str__(self) -> str:
        return f"{self.id} of segment {self.segment}" if self.segment else self.id


@dataclass(frozen=True, slots=True)
class Answer:
    """What one evaluation said."""

    value: Any
    """The flag's value for the user; truth value, text, number, list or object."""
    variant: str | None = None

    @property
    def is_on(self) -> bool | None:
        """Whether the user is reached; None where the flag has more values than yes and no."""
        return self.value if isinstance(self.value, bool) else None

    @property
    def kind(self) -> str:
        """What sort of answer it is, for people."""
        return "a truth value" if isinstance(self.value, bool) else "a variant"

    def __str__(self) -> str:
        """The value, and the variant where it says more."""
        text = shown(self.value)
        is_named = self.variant is not None and json.dumps(self.variant) != text
        return f"{text} (variant {shown(self.variant)})" if is_named else text


def named(users: Sequence[str]) -> tuple[str, ...]:
    """Returns the first few, and how many more there are."""
    more = len(users) - MOST_NAMED
    return (*users[:MOST_NAMED], f"and {more} more") if more > 0 else tuple(users)


Evaluate: TypeAlias = Callable[[User], Answer]
"""Returns what a flag says to a user.

Raises DocumentError where the service answered with something else, NotMeasured where it did not answer."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a flag is, as the source tells it."""

    name: str
    where: str
    """Where it was read."""
    document: Any = field(repr=False)
    problems: tuple[str, ...] = ()
    """Where it breaks the schema or contradicts itself."""
    percentage: float | None = None
    """How many percent of the users it is to reach; None where that cannot be told."""


@dataclass(frozen=True, slots=True)
class ServiceObservation:
    """How the source itself answered."""

    where: str
    status: int | None
    """HTTP status; None of a file."""
    complaints: tuple[str, ...]
    """What in the answer is not as the protocol, or the service itself, says it should be."""
    flags: int
    """How many flags it knows of."""


@dataclass(frozen=True, slots=True)
class DefinitionsObservation:
    """Every definition that could be read; never empty."""

    definitions: tuple[Definition, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong, flag by flag."""
        return tuple(f"{each.name} {problem}" for each in self.definitions for problem in each.problems)

    @property
    def where(self) -> str:
        """Where they were read."""
        return ", ".join(named(list(dict.fromkeys(each.where for each in self.definitions))))


@dataclass(frozen=True, slots=True)
class PresenceObservation:
    """Whether a flag is defined."""

    is_defined: bool
    where: str
    said: str = ""
    """What the source said instead."""


@dataclass(frozen=True, slots=True)
class EvaluationObservation:
    """What a few users were told."""

    asked: int
    failed: int
    """Evaluations that were answered with something else."""
    answers: tuple[str, ...]
    """The different answers, as text."""
    kinds: tuple[str, ...]
    """The different kinds of answers."""
    problems: tuple[str, ...]
    """The different failures."""
    where: str


@dataclass(frozen=True, slots=True)
class Reached:
    """How many users a percentage reached, and how many it may."""

    percentage: float
    said_by: str
    """Who says that it is this percentage."""
    users: int
    reached: int
    allowed: Interval


@dataclass(frozen=True, slots=True)
class SampleObservation:
    """What a sample of users was told, each once, and some of them again."""

    flag: str
    where: str
    answers: tuple[tuple[User, Answer], ...] = field(repr=False)
    asked_again: int
    changed: tuple[str, ...]
    """Who was told something else the second time, with both answers."""
    definition: Definition | None
    """What the flag was all the time; None where the source does not tell."""
    percentage: float | None
    said_by: str

    @property
    def on(self) -> tuple[User, ...]:
        """Who was reached."""
        return tuple(user for user, answer in self.answers if answer.is_on)

    @property
    def changes(self) -> tuple[str, ...]:
        """The first of those who were told something else, for messages."""
        return named(self.changed)

    def reached(self) -> Reached:
        """Returns how many were reached, with the interval that chance alone stays in.

        Raises:
            NotMeasured: the flag has no percentage, or answers more than yes and no.
        """
        if self.percentage is None:
            cause = f"{self.said_by} does not say what share of the users {self.flag} is to reach"
            raise NotMeasured(cause, f'Add it to [flags], as percentages = {{ {self.flag} = "10%" }}.')
        if any(answer.is_on is None for _, answer in self.answers):
            other = next(answer for _, answer in self.answers if answer.is_on is None)
            cause = f"{self.flag} answers {other}: who of the users is reached can be told of truth values only"
            raise NotMeasured(cause, "Take the flag out of percentages; its other checks judge it all the same.")
        users = len(self.answers)
        return Reached(
            self.percentage, self.said_by, users, len(self.on), acceptance(users, min(1.0, self.percentage / 100))
        )


@dataclass(frozen=True, slots=True)
class RaiseObservation:
    """What raising a flag's percentage did to users."""

    low: float
    high: float
    read_back: float | None
    """The percentage that the service says it has, after it was raised."""
    held: int
    """Users that were reached at the low percentage and asked again at the high one."""
    lost: tuple[str, ...]
    """Those of them that were not reached any more."""
    gained: int
    """Users that were not reached at the low percentage, and are at the high one."""
    must_gain: bool
    """Whether gaining nobody would be too unlikely."""
    where: str
    repaired: str
    """What an earlier run had left changed and this one has restored; empty if nothing."""

    @property
    def losses(self) -> tuple[str, ...]:
        """The first of those who were taken out, for messages."""
        return named(self.lost)


@dataclass(frozen=True, slots=True)
class KillObservation:
    """What switching a flag's kill switch on did to users."""

    read_back: bool
    """Whether the service says that the kill switch is on, after it was switched on."""
    opened: str
    """What it said when everything else was switched on as well, below the kill switch."""
    asked: int
    still_on: tuple[str, ...]
    """Who was reached although the kill switch was on."""
    before: int
    """Of those who were asked, how many were reached before."""
    after: int
    """How many of these are reached again since it was restored."""
    must_return: bool
    """Whether those who were reached before have to be reached again: not where answers change by themselves."""
    where: str
    repaired: str
    """What an earlier run had left changed and this one has restored; empty if nothing."""

    @property
    def survivors(self) -> tuple[str, ...]:
        """The first of those who were still reached, for messages."""
        return named(self.still_on)


class Source(Protocol):
    """Where flags are."""

    in_flight: int
    """How many evaluations may be under way at once."""

    def reach(self) -> None:
        """The source can be reached.

        Raises:
            NotMeasured: it cannot.
        """

    def service(self) -> ServiceObservation:
        """Returns how the source itself answers."""

    def definitions(self, required: Sequence[str]) -> DefinitionsObservation:
        """Returns the definitions of these flags and of all others that it tells of."""

    def definition(self, flag: str) -> Definition | None:
        """Returns what a flag is; None where the source does not tell."""

    def presence(self, flag: str) -> PresenceObservation:
        """Returns whether the flag is defined."""

    def evaluator(self, flag: str) -> Evaluate:
        """Returns what evaluates the flag, as it is now."""

    def place(self, flag: str) -> str:
        """Returns where the flag is evaluated, for messages."""
