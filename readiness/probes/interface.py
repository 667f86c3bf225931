"""What all probes share: a probe observes and never judges.

An observation is a frozen dataclass. What could not be observed is `errors.NotMeasured`, never an observation with
a gap in it, so that no check can take the absence of evidence for evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Budget: TypeAlias = Callable[[], float]
"""Returns the seconds left of the whole run's deadline; zero or less where it has passed."""


def nearest_rank(samples: Sequence[float], share: float) -> float:
    """Returns the smallest sample that at least `share` of all samples do not exceed.

    Args:
        samples: at least one value, in any order.
        share: above 0, at most 1; 0.95 is the 95th percentile, which of fewer than 20 samples is the maximum.

    Raises:
        ValueError: without samples there is no percentile.

    Source: Hyndman & Fan (1996), definition 1. It returns a value that really was observed; interpolating between
    five samples would invent one.
    """
    if not samples:
        raise ValueError("a percentile needs at least one sample")
    if not 0 < share <= 1:
        raise ValueError(f"a percentile's share is above 0 and at most 1, not {share}")
    # Rounded first: 0.95 * 20 is 19.000000000000004 in binary on the way up to the next integer.
    return sorted(samples)[math.ceil(round(share * len(samples), 9)) - 1]


@dataclass(frozen=True, slots=True)
class LatencyObservation:
    """How long each of several equal operations took."""

    samples_ms: tuple[float, ...]
    """In the order they were taken, connection setup excluded; never empty."""
    where: str
    """What was timed, and where; without credentials."""

    @property
    def p95_ms(self) -> float:
        """The 95th percentile by nearest rank; the maximum of fewer than 20 samples."""
        return nearest_rank(self.samples_ms, 0.95)
