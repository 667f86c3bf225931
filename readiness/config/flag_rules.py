"""What a flag's definition says twice and has to say in one way, whether a file or a service says it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

ROLLED_OUT = ("canary", "gradual")
"""Strategies that reach a percentage of the users."""
NOBODY = ("off", "kill_switch")
EVERYBODY = 100


def strategy_problem(strategy: object, percentage: float) -> str:
    """Returns how a strategy and the percentage beside it contradict each other; empty where they do not."""
    if strategy == "full" and percentage != EVERYBODY:
        return f"the strategy is full and the percentage {percentage:g}, not 100"
    if strategy in NOBODY and percentage != 0:
        return f"the strategy is {strategy} and the percentage {percentage:g}, not 0"
    return ""


def stage_problems(stages: Sequence[float]) -> Iterator[str]:
    """Yields what stages do that they should not; `stages` is not empty."""
    if any(low >= high for low, high in pairwise(stages)):
        yield "do not rise"
    if stages[-1] != EVERYBODY:
        yield f"end at {stages[-1]:g}, not 100"
