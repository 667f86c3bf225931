"""The sequential test: that no bet is favourable under the null, by exact enumeration."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from readiness.rollout.evidence import (
    CAPS,
    MULTIPLES,
    WEIGHTS,
    Dispersion,
    Wealth,
    clock_weight,
    rate_logs,
    rate_odds,
    relative_logs,
    trickle_weight,
)

ALPHA = 0.01
NOISE = 1e-9
ARMS = ((1, 9), (10, 90), (30, 270), (50, 50), (300, 40), (5, 2000), (60, 60))


def fisher(n_c: int, n_b: int, total: int, odds: float) -> Iterator[tuple[int, float]]:
    """Yields the canary's bad events and their chance, given the total: Fisher's non-central hypergeometric."""
    logs = {
        k: _choose(n_c, k) + _choose(n_b, total - k) + k * math.log(odds)
        for k in range(max(0, total - n_b), min(n_c, total) + 1)
    }
    most = max(logs.values())
    weights = {k: math.exp(log - most) for k, log in logs.items()}
    whole = math.fsum(weights.values())
    yield from ((k, weight / whole) for k, weight in weights.items())


def _choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def expectations(
    n_c: int, n_b: int, total: int, odds: float, margin: float, change: Callable[[float], float]
) -> list[float]:
    """Returns the expected factor of each alternative under a true odds ratio, after a change of its logarithm."""
    sums = [0.0] * len(MULTIPLES)
    for k, chance in fisher(n_c, n_b, total, odds):
        for index, log in enumerate(relative_logs(n_c, k, n_b, total - k, margin)):
            sums[index] += chance * math.exp(change(log))
    return sums


CHANGES: dict[str, Callable[[float], float]] = {
    "plain": lambda log: log,
    "tempered": lambda log: log / 1.7,
    "strongly tempered": lambda log: log / 8,
    **{f"capped at {cap:.2f}": lambda log, cap=cap: min(log, cap * math.log(1 / ALPHA)) for cap in CAPS},
    "tempered and capped": lambda log: min(log / 1.7, math.log(1 / ALPHA) / 3),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
@pytest.mark.parametrize(("n_c", "n_b"), ARMS)
def test_no_factor_is_expected_to_grow_when_the_canary_is_no_worse_than_the_margin(
    n_c: int, n_b: int, change: Callable[[float], float]
) -> None:
    """For every total up to 50, every margin and every odds ratio up to it, each factor's expectation is at most 1."""
    for total, margin in product(range(1, min(50, n_c + n_b) + 1), (1.0, 1.25, 2.0)):
        for odds in (margin, 0.8 * margin, 0.2):
            found = expectations(n_c, n_b, total, odds, margin, change)
            assert max(found) <= 1 + NOISE, (n_c, n_b, total, margin, odds, found)


def test_a_worse_canary_is_expected_to_raise_the_evidence() -> None:
    """The bound is not met by betting nothing: at 5 times the odds the best alternative gains in expectation."""
    assert max(expectations(30, 270, 10, 5 * 1.25, 1.25, lambda log: log)) > 5


def test_rates_up_to_the_limit_are_not_expected_to_raise_the_evidence() -> None:
    """The same test with a limit as null, for each rate up to it."""
    odds = rate_odds(0.1)
    for n, rate in product((1, 10, 50), (0.01, 0.05, 0.1)):
        sums = [0.0] * len(MULTIPLES)
        for k in range(n + 1):
            chance = math.exp(_choose(n, k) + k * math.log(rate) + (n - k) * math.log(1 - rate))
            sums = [total + chance * math.exp(log) for total, log in zip(sums, rate_logs(n, k, odds), strict=True)]
        assert max(sums) <= 1 + NOISE


def _expected_value(arms: list[tuple[int, int, int]], clocks: tuple[bool, ...]) -> float:
    """Returns the exact expectation of the wealth after several intervals of given arms and totals, at the margin."""

    def walk(depth: int, history: tuple[tuple[int, int], ...]) -> float:
        if depth == len(arms):
            wealth = Wealth()
            for (n_c, n_b, _), (k_c, k_b), starts in zip(arms, history, clocks, strict=True):
                wealth.start_interval(starts_clock=starts)
                wealth.bet(relative_logs(n_c, k_c, n_b, k_b, 1.25), 1.0, ALPHA, k_c)
            return wealth.value
        n_c, n_b, total = arms[depth]
        return sum(chance * walk(depth + 1, (*history, (k, total - k))) for k, chance in fisher(n_c, n_b, total, 1.25))

    return walk(0, ())


@pytest.mark.parametrize("clocks", [(True, False, False, False), (True, True, True, True), (True, False, True, False)])
def test_wealth_is_not_expected_to_grow_whenever_clocks_start(clocks: tuple[bool, ...]) -> None:
    """Clocks, weights and caps that follow the past keep the expectation at most 1, over whole histories."""
    arms = [(10, 90, 5), (25, 75, 4), (50, 50, 6), (10, 90, 5)]
    assert _expected_value(arms, clocks) <= 1 + NOISE


def test_shares_of_all_clocks_never_exceed_the_stake() -> None:
    """However long a rollout lasts, the reserve stays above zero."""
    assert sum(clock_weight(n) for n in range(10_000)) + sum(trickle_weight(n) for n in range(100_000)) <= 1 + NOISE
    assert sum(WEIGHTS) == pytest.approx(1)


def test_neither_one_interval_nor_two_decide() -> None:
    """A spike as long as an interval falls into two of them, however many errors it brings; four in a row decide."""
    wealth, values = Wealth(), []
    for number in range(4):
        wealth.start_interval(starts_clock=number == 0)
        wealth.bet(relative_logs(3000, 2900, 27_000, 10, 1.25), 1.0, ALPHA, 2900)
        values.append(wealth.value)
    assert values[1] < 0.15 / ALPHA
    assert values[3] > 1 / ALPHA


def test_lone_bad_events_are_not_strong() -> None:
    """A spike of two intervals and one bad request after it decide nothing, however rare bad ones are."""
    wealth = Wealth()
    for number, (k_c, k_b) in enumerate([(12, 0), (6, 0), (1, 0)]):
        wealth.start_interval(starts_clock=number == 0)
        wealth.bet(relative_logs(30, k_c, 270, k_b, 1.25), 1.0, ALPHA, k_c)
    assert wealth.strong == 2
    assert wealth.peak < 1 / ALPHA
    lone = Wealth()
    for number in range(8):
        lone.start_interval(starts_clock=number == 0)
        lone.bet(relative_logs(30, 1, 270, 1, 1.25), 1.0, ALPHA, 1)
        assert lone.strong == 0


def test_an_arm_without_requests_says_nothing() -> None:
    """Neither do intervals without bad events."""
    assert set(relative_logs(0, 0, 100, 5, 1.25)) == set(relative_logs(10, 3, 0, 0, 1.25)) == {0.0}
    assert set(relative_logs(10, 0, 90, 0, 1.25)) == {0.0}


def test_wealth_is_bounded_and_goes_on_from_json() -> None:
    """Endless faults overflow nothing, and a restored wealth is the same."""
    wealth = Wealth()
    for number in range(500):
        wealth.start_interval(starts_clock=number % 20 == 0)
        wealth.bet(relative_logs(10_000, 9_000, 10_000, 1, 1.25), 1.0, ALPHA, 9_000)
    assert math.isfinite(wealth.value)
    assert Wealth.from_json(wealth.to_json()).to_json() == wealth.to_json()


def _dispersion(seed: int, group: int, count: int = 200) -> Dispersion:
    rng = random.Random(seed)
    dispersion = Dispersion()
    for _ in range(count):
        dispersion.add(1000, group * sum(rng.random() < 0.01 / group for _ in range(1000)))
    return dispersion


def test_independent_events_are_not_tempered() -> None:
    """Phi stays near 1, or the test would lose its power for nothing."""
    phis = [_dispersion(seed, 1).phi(1000) for seed in range(20)]
    assert sorted(phis)[-2] < 1.5


def test_events_in_groups_are_tempered() -> None:
    """Errors that come five at a time scatter five times as much."""
    phis = sorted(_dispersion(seed, 5).phi(1000) for seed in range(20))
    assert phis[0] > 2
    assert 3 < phis[10] < 6


def test_drift_and_an_incident_are_no_overdispersion() -> None:
    """What both arms share cancels in the comparison: it must not be tempered away too."""
    rng = random.Random(7)
    dispersion = Dispersion()
    for number in range(200):
        rate = 0.3 if 100 <= number < 112 else 0.005 * (1 + number / 50)
        dispersion.add(1000, sum(rng.random() < rate for _ in range(1000)))
    assert dispersion.phi(1000) < 2


def test_phi_knows_only_past_intervals() -> None:
    """It is 1 until there is enough to tell, and for single requests."""
    assert Dispersion().phi(10_000) == 1
    assert _dispersion(1, 5).phi(1) == _dispersion(1, 5).phi(0) == 1
