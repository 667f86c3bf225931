"""Positive evidence that a rate is below its limit: an e-process against "the rate is at or above it".

    E = mean over q in {0, .1, .25, .5} of (q L / L)^k ((1 - q L) / (1 - L))^(n - k), each interval tempered by phi

Under a rate of at least L its expectation is at most 1, so it reaches 20 with a chance of at most 5 %.
"""

from __future__ import annotations

import math
from typing import Any, Self

SHARES = (0.0, 0.1, 0.25, 0.5)
"""Alternatives, as shares of the limit."""
ENOUGH = 20.0
"""Evidence that promotes: 5 %."""
POINT_REQUESTS = 100
"""Requests that the weak mode asks for."""
_IMPOSSIBLE = -1e9
"""Stands for ln 0, so that sums stay numbers."""


class Promotion:
    """One metric's case for promotion in one stage."""

    __slots__ = ("_odds", "_value", "bad", "limit", "logs", "requests")

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.requests = 0
        self.bad = 0
        self.logs = [0.0] * len(SHARES)
        self._value: float | None = None
        self._odds = [
            (math.log(share) if share else _IMPOSSIBLE, math.log((1 - share * limit) / (1 - limit))) for share in SHARES
        ]

    def add(self, n: int, k: int, phi: float) -> None:
        """The canary's interval counts."""
        self.requests += n
        self.bad += k
        self._value = None
        good = n - k
        self.logs = [
            log + (k * bad_log + good * good_log) / phi
            for log, (bad_log, good_log) in zip(self.logs, self._odds, strict=True)
        ]

    @property
    def value(self) -> float:
        """The evidence."""
        if self._value is None:
            self._value = sum([math.exp(min(each, 690.0)) for each in self.logs]) / len(SHARES)
        return self._value

    @property
    def is_below(self) -> bool:
        """Whether the observed share is below the limit."""
        return self.bad < self.limit * self.requests

    def has_enough(self, *, is_weak: bool) -> bool:
        """Returns whether it may be promoted for all that this metric knows."""
        if is_weak:
            return self.is_below and self.requests >= POINT_REQUESTS
        return self.is_below and self.value >= ENOUGH

    def to_json(self) -> dict[str, Any]:
        """Returns its state as JSON builtins."""
        return {"limit": self.limit, "requests": self.requests, "bad": self.bad, "logs": self.logs}

    @classmethod
    def from_json(cls, state: dict[str, Any]) -> Self:
        """Returns it as it was."""
        self = cls(state["limit"])
        self.requests, self.bad, self.logs = state["requests"], state["bad"], list(state["logs"])
        return self
