"""The sequential test: evidence that may be looked at after every interval, at no cost in false alarms.

For one metric and one interval with n_c requests and k_c bad ones in the canary, n_b and k_b in the baseline, an
odds-ratio margin r and alternatives m:

    th0 = r n_c / (r n_c + n_b)        th_m = r m n_c / (r m n_c + n_b)
    l_m = (k_c ln(th_m/th0) + k_b ln((1-th_m)/(1-th0))) / phi, at most the cap

Given the total of bad events, k_c is Fisher's non-central hypergeometric with an odds ratio of at most r, dominated in
convex order by Binomial(total, th0); exp(l_m) is increasing and convex in k_c, so its expectation is at most 1, and so
is that of its tempered (phi >= 1, by Jensen) and capped forms. Money that is bet at such odds cannot be expected to
grow: by Ville's inequality it reaches 1/alpha with a chance of at most alpha, whenever one looks.

Source: Ville 1939; Wald 1947; Shafer and Vovk, Game-Theoretic Foundations for Probability and Finance, 2019;
Ramdas et al., Game-theoretic statistics and safe anytime-valid inference, 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

MULTIPLES = (1.5, 2.0, 3.0, 5.0, 10.0, 30.0)
"""How much worse the alternatives are than the margin."""
_LOG_MULTIPLES = tuple(math.log(each) for each in MULTIPLES)
WEIGHTS = (0.25, 0.25, 0.2, 0.12, 0.1, 0.08)
"""Share of a clock's stake on each multiple. Small differences get most: large ones are told apart in any case."""
FIRST_CLOCK = 0.88
"""Share of the stake that is bet from the first interval on: most faults come with the release."""
CLOCKS = (0.08, 0.2)
"""Share of the stake kept for the clocks that start every 5 minutes, and which part of what is left each takes."""
TRICKLE = (0.04, 0.002)
"""The same for a small clock that starts with each interval: for violent faults between two of the others."""
MOST = 1e300
"""Wealth is cut here: it cannot overflow, and cutting it is always allowed."""


def relative_logs(n_c: int, k_c: int, n_b: int, k_b: int, margin: float) -> tuple[float, ...]:
    """Returns ln of the likelihood ratio of each multiple against the margin; 0 where an arm has no requests."""
    total = k_c + k_b
    if not (n_c and n_b and total):
        return (0.0,) * len(MULTIPLES)
    odds = margin * n_c
    base = math.log(odds + n_b)
    return tuple(
        [
            k_c * log_m + total * (base - math.log(m * odds + n_b))
            for m, log_m in zip(MULTIPLES, _LOG_MULTIPLES, strict=True)
        ]
    )


def rate_odds(limit: float) -> tuple[tuple[float, float], ...]:
    """Returns for each multiple of the odds of a limit what a bad and what a good request add to ln of the ratio."""
    odds = limit / (1 - limit)
    rates = [m * odds / (1 + m * odds) for m in MULTIPLES]
    return tuple((math.log(rate / limit), math.log((1 - rate) / (1 - limit))) for rate in rates)


def rate_logs(n: int, k: int, odds: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Returns ln of the likelihood ratio of higher rates against "the rate is at most the limit"."""
    return tuple([k * bad + (n - k) * good for bad, good in odds])


def clock_weight(number: int) -> float:
    """Returns the share of the stake that a clock starts with; with the trickle, all together never exceed 1.

    Args:
        number: 0 for the clock that starts with the first interval.
    """
    kept, part = CLOCKS
    return kept * part * (1 - part) ** (number - 1) if number else FIRST_CLOCK


def trickle_weight(number: int) -> float:
    """Returns the share of the stake that the small clock of an interval starts with, counted from 0."""
    kept, part = TRICKLE
    return kept * part * (1 - part) ** number


class Wealth:
    """A stake of 1, bet by one clock after the other: an e-process.

    The mean over the clocks that have started would be none: with each new one its denominator moves, and stopping
    when it is high gains. So each clock's share is fixed before, and what has not started yet waits in the reserve.
    All clocks bet alike in an interval, so one number per alternative holds the sum over all clocks.
    """

    __slots__ = ("bets", "clocks", "intervals", "peak", "reserve", "strong")

    def __init__(self) -> None:
        self.bets = [0.0] * len(MULTIPLES)
        self.reserve = 1.0
        self.clocks = 0
        self.intervals = 0
        self.strong = 0
        """Strong intervals so far, without one between them that spoke for the canary."""
        self.peak = 1.0

    @property
    def value(self) -> float:
        """The evidence: how often the stake has been multiplied."""
        return self.reserve + sum(self.bets)

    def start_interval(self, *, starts_clock: bool) -> None:
        """The small clock of the interval starts, and where it is due a large one."""
        stake = trickle_weight(self.intervals)
        self.intervals += 1
        if starts_clock:
            stake += clock_weight(self.clocks)
            self.clocks += 1
        self.bets = [bet + stake * weight for bet, weight in zip(self.bets, WEIGHTS, strict=True)]
        self.reserve -= stake

    def bet(self, logs: Sequence[float], phi: float, alpha: float, bad: int) -> None:
        """The interval's ratios have multiplied the bets, tempered by `phi` and capped.

        Args:
            logs: ln of the ratio of each multiple.
            phi: divisor of the logs, at least 1.
            alpha: the chance of a false rollback.
            bad: bad events of the canary in the interval.
        """
        threshold = math.log(1 / alpha)
        cap = threshold * CAPS[min(self.strong, len(CAPS) - 1)]
        exp = math.exp
        self.bets = [bet * exp(log / phi if log < phi * cap else cap) for bet, log in zip(self.bets, logs, strict=True)]
        value = self.value
        if value > MOST:
            self.bets = [min(MOST, bet) for bet in self.bets]
        highest = max(logs) / phi
        if highest >= STRONG * threshold and bad >= STRONG_BAD:
            self.strong += 1
        elif highest <= 0:
            self.strong = 0
        self.peak = max(self.peak, min(MOST, value))

    def to_json(self) -> dict[str, Any]:
        """Returns its state as JSON builtins."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Returns it as it was."""
        self = cls()
        for name in cls.__slots__:
            setattr(self, name, state[name])
        self.bets = list(state["bets"])
        return self


STRONG = 0.25
"""Share of the way to the threshold that an interval would have gone, uncapped, to count as strong."""
STRONG_BAD = 3
"""Bad events of the canary in a strong interval: one or two may go far where they are rare, and are no sign of more."""
CAPS = (0.38, 0.17, 1.0, 2.0)
"""How much an interval may add, as a share of the way to the threshold, after 0, 1, 2, 3 or more strong ones.

No single interval decides, nor do two: a spike as long as an interval falls into two of them. What goes on counts more and
more. The cap depends on the past only, and so leaves the expectation at most 1.
"""


@dataclass(slots=True)
class Dispersion:
    """How much more the baseline's counts scatter than independent requests would: rho, the correlation in an interval.

    Retries and users with many requests make errors come in groups. Neighbouring intervals are compared, so that a
    drift of the rate, which both arms share, is not taken for it; a pair counts for at most `MOST_OF_A_PAIR`.
    """

    squares: float = 0.0
    expected: float = 0.0
    slope: float = 0.0
    pairs: int = 0
    requests: int = 0
    bad: int = 0
    last_n: int = 0
    last_k: int = 0

    def phi(self, n: int) -> float:
        """Returns the divisor of an interval with at most `n` requests an arm; at least 1."""
        return 1.0 + (n - 1) * self.rho if n > 1 else 1.0

    @property
    def rho(self) -> float:
        """The moment estimate, less what chance alone would show; 0 until there is enough to tell."""
        effective = min(self.pairs, self.bad)
        if effective < FEWEST_PAIRS or self.expected <= 0:
            return 0.0
        excess = self.squares / self.expected - 1 - math.sqrt(12 / effective)
        return min(1.0, excess * self.expected / self.slope) if excess > 0 and self.slope > 0 else 0.0

    def add(self, n: int, k: int) -> None:
        """The baseline's interval counts in what comes after it."""
        if n == 0:
            return
        self.requests += n
        self.bad += k
        if self.last_n:
            spread = 1 / n + 1 / self.last_n
            rate = self.bad / self.requests
            variance = rate * (1 - rate)
            difference = k / n - self.last_k / self.last_n
            self.squares += min(difference * difference, MOST_OF_A_PAIR * variance * spread)
            self.expected += variance * spread
            self.slope += variance * (2 - spread)
            self.pairs += 1
        self.last_n, self.last_k = n, k

    def to_json(self) -> dict[str, Any]:
        """Returns its state as JSON builtins."""
        return {name: getattr(self, name) for name in self.__slots__}


FEWEST_PAIRS = 8
"""Pairs of intervals, and bad events in them, before the scatter is estimated."""
MOST_OF_A_PAIR = 9.0
"""A pair of intervals counts as at most three standard deviations: an incident is no overdispersion."""
