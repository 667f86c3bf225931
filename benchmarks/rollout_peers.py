"""What is in use today, on the same simulated traffic: thresholds, failure limits, and a rank test at every look.

Each is taken favourably: intervals without requests are skipped instead of counted as failed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from rollout_traffic import Integers, Traffic

SUCCESS, FAILURES = 0.99, 5
"""As in Flagger's examples: a success rate of 99 % per check, 5 failed checks in a stage roll back."""
ARGO_SUCCESS, FAILURE_LIMIT, ARGO_INTERVALS = 0.95, 3, 4
"""As in Argo Rollouts' examples: 95 %, failureLimit 3; each measurement is the rate of a minute."""
RANK_P, RANK_FEWEST, RANK_EVERY = 0.01, 10, 4
"""As Kayenta's judge: Mann-Whitney on the intervals' error rates of the stage, here looked at once a minute."""


def _stages(traffic: Traffic) -> list[slice]:
    edges = [0, *(n for n in range(1, len(traffic.weights)) if traffic.weights[n] != traffic.weights[n - 1])]
    return [slice(first, last) for first, last in zip(edges, [*edges[1:], len(traffic.weights)], strict=True)]


def _first(fires: NDArray[np.bool_]) -> Integers:
    return np.where(fires.any(axis=1), fires.argmax(axis=1), -1)


def thresholds(traffic: Traffic) -> Integers:
    """Returns the interval of the rollback by a success rate per check and a number of failed checks in a stage."""
    failed = (traffic.n_c > 0) & (traffic.k_c > (1 - SUCCESS) * traffic.n_c)
    fires = np.zeros_like(failed)
    for stage in _stages(traffic):
        fires[:, stage] = failed[:, stage].cumsum(axis=1) >= FAILURES
    return _first(fires)


def failure_limit(traffic: Traffic) -> Integers:
    """Returns the interval of the rollback by a failure limit over the rate of each minute of a stage."""
    fires = np.zeros(traffic.n_c.shape, dtype=bool)
    for stage in _stages(traffic):
        failures = np.zeros(len(traffic.n_c), dtype=int)
        for end in range(stage.start + ARGO_INTERVALS, stage.stop + 1, ARGO_INTERVALS):
            minute = slice(end - ARGO_INTERVALS, end)
            n, k = traffic.n_c[:, minute].sum(axis=1), traffic.k_c[:, minute].sum(axis=1)
            failures += (n > 0) & (k > (1 - ARGO_SUCCESS) * n)
            fires[:, end - 1] = failures > FAILURE_LIMIT
    return _first(fires)


def rank_test(traffic: Traffic) -> Integers:
    """Returns the interval of the rollback by a rank test that is repeated without correction."""
    with np.errstate(invalid="ignore", divide="ignore"):
        canary = np.where(traffic.n_c > 0, traffic.k_c / traffic.n_c, np.nan)
        baseline = np.where(traffic.n_b > 0, traffic.k_b / traffic.n_b, np.nan)
    fires = np.zeros(traffic.n_c.shape, dtype=bool)
    for stage in _stages(traffic):
        for end in range(stage.start + RANK_EVERY, stage.stop + 1, RANK_EVERY):
            part = slice(stage.start, end)
            fires[:, end - 1] = _mann_whitney(canary[:, part], baseline[:, part]) < RANK_P
    return _first(fires)


def _mann_whitney(canary: NDArray[np.float64], baseline: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns one-sided p values for "the canary's are larger", row by row: normal approximation with ties."""
    both = np.concatenate([canary, baseline], axis=1)
    known = ~np.isnan(both)
    m, n = known[:, : canary.shape[1]].sum(axis=1), known[:, canary.shape[1] :].sum(axis=1)
    total = m + n
    values = np.where(known, both, np.inf)
    order = np.sort(values, axis=1)
    rows = range(len(both))
    low = np.array([np.searchsorted(order[row], values[row], "left") for row in rows])
    high = np.array([np.searchsorted(order[row], values[row], "right") for row in rows])
    ranks = np.where(known, (low + high + 1) / 2, 0.0)
    u = ranks[:, : canary.shape[1]].sum(axis=1) - m * (m + 1) / 2
    ties = np.where(known, (high - low).astype(float) ** 2 - 1, 0.0).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = m * n / 12 * (total + 1 - ties / (total * (total - 1)))
        z = (u - m * n / 2 - 0.5) / np.sqrt(variance)
    tail = np.array([0.5 * math.erfc(each / math.sqrt(2)) if math.isfinite(each) else 1.0 for each in z])
    return np.where(np.minimum(m, n) >= RANK_FEWEST, tail, 1.0)


PEERS = {"thresholds": thresholds, "failure limit": failure_limit, "rank test": rank_test}
