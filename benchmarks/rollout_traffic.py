"""Simulated traffic of two arms for the rollout benchmark: healthy with disturbances, and faulty."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from readiness.rollout.interface import Action, Counts, Interval, Look
from readiness.rollout.judge import Judge
from readiness.rollout.spec import RolloutSpec

STEP_S = 15.0
STAGES = (0.1, 0.25, 0.5, 0.75)
PER_STAGE = 40
SPIKE, INCIDENT = 0.5, 0.3
"""Shares of bad requests in the canary's spike of one interval's length, and in an incident of 3 minutes of both arms."""
INCIDENT_INTERVALS = 12
SCENARIOS = ("plain", "spike", "drift", "incident")
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Traffic:
    """Counts of many runs: each array has a row per run and a column per interval."""

    weights: tuple[float, ...]
    n_c: Integers
    k_c: Integers
    n_b: Integers
    k_b: Integers


def rollout_weights() -> tuple[float, ...]:
    """Returns the weight of each interval of a rollout of four stages of 10 minutes."""
    return tuple(weight for weight in STAGES for _ in range(PER_STAGE))


def simulate(
    rng: np.random.Generator,
    runs: int,
    weights: tuple[float, ...],
    rps: float,
    base: float,
    *,
    factor: float = 1.0,
    scenario: str = "plain",
    start: int = 0,
) -> Traffic:
    """Returns Poisson requests and binomial bad ones; from interval `start` on the canary is `factor` times as bad."""
    share = np.array(weights)
    shape = (runs, len(weights))
    n_c, n_b = rng.poisson(rps * STEP_S * share, shape), rng.poisson(rps * STEP_S * (1 - share), shape)
    p_b = np.full(shape, base)
    if scenario == "drift":
        # Never above 5 %, where the limit of 10 % would begin to be the question.
        p_b *= np.linspace(1, 5, len(weights)) if base <= 0.01 else np.linspace(0.2, 1, len(weights))
    p_c = p_b.copy()
    p_c[:, start:] = np.minimum(1.0, factor * p_c[:, start:])
    rows = np.arange(runs)
    if scenario == "spike":
        # 15 s at a random phase: they fall into two scrape intervals.
        first, part = rng.integers(0, len(weights) - 1, runs), rng.random(runs)
        for at, covered in ((first, part), (first + 1, 1 - part)):
            p_c[rows, at] = SPIKE * covered + p_c[rows, at] * (1 - covered)
    elif scenario == "incident":
        first = rng.integers(0, len(weights) - INCIDENT_INTERVALS, runs)
        for offset in range(INCIDENT_INTERVALS):
            p_c[rows, first + offset] = p_b[rows, first + offset] = INCIDENT
    return Traffic(weights, n_c, rng.binomial(n_c, p_c), n_b, rng.binomial(n_b, p_b))


@lru_cache(maxsize=200_000)
def _counts(n: int, k: int) -> Counts:
    return Counts(n, k)


def looks_of(traffic: Traffic, run: int) -> list[Look]:
    """Returns one run as looks, one per interval."""
    columns = (each[run].tolist() for each in (traffic.n_c, traffic.k_c, traffic.n_b, traffic.k_b))
    made = []
    for number, (weight, n_c, k_c, n_b, k_b) in enumerate(zip(traffic.weights, *columns, strict=True)):
        end = (number + 1) * STEP_S
        arms = {"errors": _counts(n_c, k_c)}, {"errors": _counts(n_b, k_b)}
        made.append(Look(end, weight, (Interval(end - STEP_S, end, *arms),)))
    return made


def rollbacks(spec: RolloutSpec, traffic: Traffic, *, is_anew: bool = False) -> Integers:
    """Returns for each run the interval of its rollback, -1 for none. Never stops for promotion.

    As the gate does it: the first stage's judge goes on through the others, with its part of the rollout's alpha. Where what
    it knew is lost, each stage is judged anew, with its own part.
    """
    found = np.full(len(traffic.n_c), -1)
    for run in range(len(found)):
        stage = None
        for number, look in enumerate(looks_of(traffic, run)):
            if stage is None or (is_anew and look.stage != stage):
                stage, judge = look.stage, Judge(spec.of_stage(look.stage))
            judge.count(look)
            if judge.against(look):
                found[run] = number
                break
    return found


def first_answers(spec: RolloutSpec, traffic: Traffic) -> list[Action]:
    """Returns for each run the first answer that is no hold; hold where there is none."""
    answers = []
    for run in range(len(traffic.n_c)):
        judge = Judge(spec.of_stage(traffic.weights[0]))
        actions = (judge.look(look).action for look in looks_of(traffic, run))
        answers.append(next((action for action in actions if action is not Action.HOLD), Action.HOLD))
    return answers


def canary_requests(traffic: Traffic, found: Integers) -> NDArray[np.float64]:
    """Returns how many requests the canary had got by the rollback; infinity for none."""
    sums = traffic.n_c.cumsum(axis=1).astype(float)
    return np.where(found >= 0, sums[np.arange(len(found)), found], np.inf)
