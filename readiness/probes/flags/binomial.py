"""How many of a sample a percentage can reach by chance alone: the exact binomial interval, not an approximation.

At 1 % of 200 users the normal approximation is wrong by a factor of ten in the tail that decides.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FALSE_ALARM = 1e-4
"""How often a flag that is rolled out rightly may be called wrong."""
_CERTAIN = 1 - 1e-9
"""A tail counts as too unlikely only where it is so beyond the error of a logarithm of a factorial in binary."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Counts that are no evidence against a percentage."""

    least: int
    most: int

    def __contains__(self, count: int) -> bool:
        return self.least <= count <= self.most


def acceptance(users: int, share: float, false_alarm: float = FALSE_ALARM) -> Interval:
    """Returns how many of the users may be reached where each is reached with this probability.

    Args:
        users: at least 1.
        share: 0 to 1.
        false_alarm: bound of the probability that a count lies outside; half of it for each side, so that neither a
            rollout that goes too far nor one that stays behind hides behind the other.

    Raises:
        ValueError: the share is no probability, or there are no users.

    Source: Clopper & Pearson (1934): the counts whose exact interval at this confidence contains the share.
    """
    if users < 1 or not 0 <= share <= 1:
        raise ValueError(f"a share is between 0 and 1, of at least one user, not {share} of {users}")
    if share in (0, 1):
        return Interval(users * int(share), users * int(share))
    reached, missed = math.log(share), math.log1p(-share)
    tail = false_alarm / 2 * _CERTAIN
    return Interval(_first(users, reached, missed, tail), users - _first(users, missed, reached, tail))


def _first(users: int, log_share: float, log_rest: float, tail: float) -> int:
    """Returns the smallest count that, together with all below it, is likelier than `tail`."""
    whole = math.lgamma(users + 1)
    total = 0.0
    for count in range(users + 1):
        ways = whole - math.lgamma(count + 1) - math.lgamma(users - count + 1)
        # All terms are positive and rise up to here: a plain sum loses less than the logarithms do.
        total += math.exp(ways + count * log_share + (users - count) * log_rest)
        if total > tail:
            return count
    return users
