"""The rollout judge on simulated traffic: what it must reach, whether it does, and what is in use today beside it.

Run: python benchmarks/rollout_simulation.py [--quick] [--plots docs/images]
Needs the dependency group `benchmark`. The judge is the package's own code; only the traffic and the peers use numpy.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from rollout_peers import PEERS, Integers
from rollout_traffic import (
    PER_STAGE,
    SCENARIOS,
    STEP_S,
    Traffic,
    canary_requests,
    first_answers,
    looks_of,
    rollbacks,
    rollout_weights,
    simulate,
)

from readiness.rollout.interface import Action, Counts, Interval, Look, Missing, Targets
from readiness.rollout.judge import Judge
from readiness.rollout.rules import binomial_tail
from readiness.rollout.spec import MetricSpec, RolloutSpec

SPEC = RolloutSpec((MetricSpec("errors", promote_below=0.01, rollback_above=0.1),))
BASES = (0.0001, 0.001, 0.01, 0.05)
RATES = (0.2, 2.0, 20.0, 200.0)
FIRST_STAGE = (0.1,) * PER_STAGE
CONFIRMED = 3
"""Cells of each scenario, the worst of the screening, that are simulated anew with many runs."""


@dataclass(frozen=True)
class Size:
    """How many runs."""

    screening: int = 200
    confirming: int = 3000
    detecting: int = 2000
    promoting: int = 3000
    faulty: int = 300


QUICK = Size(screening=2, confirming=4, detecting=4, promoting=4, faulty=4)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    text: str
    demand: str
    found: str
    holds: bool | None
    """None for what is shown for information."""

    def __str__(self) -> str:
        verdict = {True: "holds", False: "MISSED", None: ""}[self.holds]
        return f"{self.text:<90} {self.demand:<8} {verdict:<6} {self.found}"


def upper_bound(count: int, runs: int) -> float:
    """Returns the one-sided 95 % upper confidence bound of a share (Clopper-Pearson)."""
    low, high = count / runs, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if 1 - binomial_tail(runs, middle, count + 1) > 0.05:
            low = middle
        else:
            high = middle
    return high


def false_rollbacks(rng: np.random.Generator, size: Size) -> Iterator[Row]:
    """A healthy release over all base rates, rates of requests and disturbances, screened and then confirmed."""
    peers: dict[str, list[float]] = {name: [] for name in PEERS}
    for scenario in SCENARIOS:
        rates: dict[tuple[float, float], float] = {}
        for base, rps in product(BASES, RATES):
            traffic = simulate(rng, size.screening, rollout_weights(), rps, base, scenario=scenario)
            rates[base, rps] = _either(traffic)
            for name, peer in PEERS.items():
                peers[name].append(float(np.mean(peer(traffic) >= 0)))
        count, runs = round(sum(rates.values()) * size.screening), size.screening * len(rates)
        bound = upper_bound(count, runs)
        yield Row(
            f"false rollback, {scenario}: all of {len(rates)} cells together",
            "<= 1 %",
            f"{count} of {runs}, at most {bound:.2%}",
            bound <= 0.01,
        )
        for base, rps in sorted(rates, key=lambda cell: (-rates[cell], -cell[0]))[:CONFIRMED]:
            traffic = simulate(rng, size.confirming, rollout_weights(), rps, base, scenario=scenario)
            beside = ", ".join(f"{name} {np.mean(peer(traffic) >= 0):.0%}" for name, peer in PEERS.items())
            for how, is_anew in (("one judge", False), ("stages anew", True)):
                count = int(np.sum(rollbacks(SPEC, traffic, is_anew=is_anew) >= 0))
                bound = upper_bound(count, size.confirming)
                yield Row(
                    f"false rollback, {scenario}: {base:.2%} at {rps:g} rps, among the worst; {how}",
                    "<= 1 %",
                    f"{count} of {size.confirming}, at most {bound:.2%} ({beside})",
                    bound <= 0.01,
                )
    for name, found in peers.items():
        text = f"{min(found):.0%} to {max(found):.0%}, mean {np.mean(found):.0%}"
        yield Row(f"false rollback by {name}, over the cells", "", text, None)


def _either(traffic: Traffic) -> float:
    """Returns the share of runs rolled back by a judge that goes on, or by one that is begun anew with each stage."""
    found = [rollbacks(SPEC, traffic, is_anew=is_anew) >= 0 for is_anew in (False, True)]
    return float(np.mean(found[0] | found[1]))


def _within(rng: np.random.Generator, runs: int, spec: RolloutSpec, *, rps: float, factor: float, most: int) -> float:
    weights = (0.1,) * (int(most / (0.1 * rps * STEP_S)) + 4)
    traffic = simulate(rng, runs, weights, rps, 0.005, factor=factor)
    return float(np.mean(canary_requests(traffic, rollbacks(spec, traffic)) <= most))


def regressions(rng: np.random.Generator, size: Size) -> Iterator[Row]:
    """Two, five and ten times the bad events of 0.5 %."""
    for factor, most, margin in ((2, 8000, 1.0), (5, 1100, 1.25), (10, 600, 1.25)):
        spec = replace(SPEC, margin=margin)
        for rps in (20.0, 200.0) if factor == 2 else (2.0, 20.0, 200.0):
            # At 200 rps an interval alone has 300 canary requests, and the caps let no two intervals decide.
            is_demand = rps < 200
            share = _within(rng, size.detecting, spec, rps=rps, factor=factor, most=most)
            holds = share >= 0.93 if is_demand else None
            text = f"{factor}x of 0.5 %, r = {margin:g}, 10 % of {rps:g} rps: within {most} canary requests"
            yield Row(text, ">= 93 %" if is_demand else "", f"{share:.1%} of {size.detecting}", holds)
        for rps in (2.0, 20.0, 200.0):
            traffic = simulate(rng, size.faulty, rollout_weights(), rps, 0.005, factor=factor)
            yield Row(
                f"{factor}x of 0.5 %, r = {margin:g}, {rps:g} rps, four stages: rolled back within 40 min",
                "",
                _beside(traffic, rollbacks(spec, traffic), lambda found, _: float(np.mean(found >= 0)))
                + f", stages anew {np.mean(rollbacks(spec, traffic, is_anew=True) >= 0):.1%}",
                None,
            )


def _beside(traffic: Traffic, ours: Integers, measure: Callable[[Integers, Traffic], float]) -> str:
    peers = ", ".join(f"{name} {measure(peer(traffic), traffic):.0%}" for name, peer in PEERS.items())
    return f"{measure(ours, traffic):.1%} ({peers})"


def outages(rng: np.random.Generator, size: Size) -> Iterator[Row]:
    """Half of the requests fail, from the start or after a healthy time."""
    for base, start, n in product((0.0001, 0.001, 0.01, 0.05), (0, 27), (10, 20, 300)):
        traffic = simulate(rng, size.faulty, FIRST_STAGE, n / (0.1 * STEP_S), base, factor=0.5 / base, start=start)
        if start == 0:
            # Ten requests in each interval, and not only on average.
            fixed = np.maximum(traffic.n_c, n)
            traffic = replace(traffic, n_c=fixed, k_c=rng.binomial(fixed, 0.5))
        found = rollbacks(SPEC, traffic)
        share = float(np.mean((found >= start) & (found < start + 4)))
        after = f"after {start * STEP_S / 60:.0f} min" if start else "from the start"
        is_demand = start == 0
        yield Row(
            f"50 % errors {after}, baseline {base:.2%}, {n} requests an interval: within 4 intervals",
            ">= 93 %" if is_demand else "",
            f"{share:.1%} of {size.faulty}, all within {int(max(found)) - start + 1 if min(found) >= 0 else '40'}",
            share >= 0.93 if is_demand else None,
        )


FAULTS: dict[str, Callable[[Look], Look]] = {
    "no traffic": lambda look: replace(look, intervals=_with(look, Counts(0, 0), None)),
    "NaN in a count": lambda look: replace(look, intervals=_with(look, Missing("a count is NaN"), None)),
    "canary missing": lambda look: replace(look, intervals=_with(look, Missing("no series"), None)),
    "baseline missing": lambda look: replace(
        look, intervals=_with(look, None, Missing("no series")), baseline=Targets(0, 0)
    ),
    "Prometheus down": lambda look: replace(look, unreadable="connection refused"),
}


def _with(look: Look, canary: Counts | Missing | None, baseline: Counts | Missing | None) -> tuple[Interval, ...]:
    return tuple(
        replace(
            each,
            canary={"errors": each.canary["errors"] if canary is None else canary},
            baseline={"errors": each.baseline["errors"] if baseline is None else baseline},
        )
        for each in look.intervals
    )


def promotions(rng: np.random.Generator, size: Size) -> Iterator[Row]:
    """Never without evidence, rarely at the limit, nearly always when healthy."""
    healthy = simulate(rng, size.faulty, FIRST_STAGE, 20.0, 0.001)
    for name, fault in FAULTS.items():
        promoted = 0
        for run in range(size.faulty):
            judge = Judge(SPEC.of_stage(FIRST_STAGE[0]))
            promoted += any(judge.look(fault(look)).action is Action.PROMOTE for look in looks_of(healthy, run))
        yield Row(f"promoted with {name}", "never", f"{promoted} of {size.faulty}", promoted == 0)
    for rate, rps in ((0.01, 2.0), (0.01, 20.0), (0.01, 200.0), (0.012, 200.0)):
        answers = first_answers(SPEC, simulate(rng, size.promoting, FIRST_STAGE, rps, rate))
        count = answers.count(Action.PROMOTE)
        bound = upper_bound(count, size.promoting)
        text = f"promoted although the true rate is {rate:.1%}, {rps:g} rps; the limit is 1 %"
        yield Row(text, "<= 5 %", f"{count} of {size.promoting}, at most {bound:.2%}", bound <= 0.05)
    answers = first_answers(SPEC, simulate(rng, size.promoting, FIRST_STAGE, 20.0, 0.001))
    share = answers.count(Action.PROMOTE) / size.promoting
    text = "healthy 0.1 % at 20 rps promotes its first stage in 10 min"
    yield Row(text, ">= 97 %", f"{share:.2%} of {size.promoting}", share >= 0.97)


def splitting(rng: np.random.Generator, size: Size) -> Iterator[Row]:
    """The same events, scraped twice as often."""
    same = total = 0
    for base, factor in ((0.001, 1.0), (0.005, 2.0), (0.005, 5.0), (0.005, 10.0)):
        traffic = simulate(rng, size.faulty, FIRST_STAGE, 20.0, base, factor=factor)
        halves = {name: rng.binomial(getattr(traffic, name), 0.5) for name in ("k_c", "k_b")}
        for name, bad in (("n_c", "k_c"), ("n_b", "k_b")):
            halves[name] = halves[bad] + rng.binomial(getattr(traffic, name) - getattr(traffic, bad), 0.5)
        for run in range(size.faulty):
            judge, split, actions = (*(Judge(SPEC.of_stage(FIRST_STAGE[0])) for _ in range(2)), [])
            for number, look in enumerate(looks_of(traffic, run)):
                first = {name: int(values[run, number]) for name, values in halves.items()}
                actions = [judge.look(look).action, split.look(_split(look, first)).action]
            same += actions[0] is actions[1]
            total += 1
    yield Row("splitting every interval in two: same action at the end of the stage", "", f"{same / total:.1%}", None)


def _split(look: Look, first: dict[str, int]) -> Look:
    whole = look.intervals[0]
    canary, baseline = whole.canary["errors"], whole.baseline["errors"]
    if isinstance(canary, Missing) or isinstance(baseline, Missing):
        return look
    rest = (canary.requests - first["n_c"], canary.bad - first["k_c"], baseline.requests - first["n_b"], baseline.bad - first["k_b"])  # fmt: skip
    middle = (whole.start_s + whole.end_s) / 2
    parts = ((whole.start_s, middle, first["n_c"], first["k_c"], first["n_b"], first["k_b"]), (middle, whole.end_s, *rest))  # fmt: skip
    return replace(
        look,
        intervals=tuple(
            Interval(start, end, {"errors": Counts(n_c, k_c)}, {"errors": Counts(n_b, k_b)})
            for start, end, n_c, k_c, n_b, k_b in parts
        ),
    )


def speed() -> Iterator[Row]:
    """A look at 20 metrics."""
    names = [f"m{number}" for number in range(20)]
    judge = Judge(RolloutSpec(tuple(MetricSpec(name, 0.01, 0.1) for name in names)))
    arms = dict.fromkeys(names, Counts(300, 1)), dict.fromkeys(names, Counts(2700, 7))
    looks = [Look((n + 1) * STEP_S, 0.1, (Interval(n * STEP_S, (n + 1) * STEP_S, *arms),)) for n in range(300)]
    times = []
    for look in looks:
        started = time.perf_counter()
        judge.look(look)
        times.append(time.perf_counter() - started)
    median = float(np.median(times)) * 1000
    yield Row("a look at 20 metrics", "< 5 ms", f"{median:.2f} ms, slowest {max(times) * 1000:.2f} ms", median < 5)


PARTS = (false_rollbacks, regressions, outages, promotions, splitting)


def main() -> None:
    """Prints the table, and with `--plots` draws what the documentation shows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few runs of everything, to see that it runs")
    parser.add_argument("--plots", type=Path, help="folder to write the documentation's plots to")
    # What is open in the judge (weights, caps, the slack of phi) was set on other seeds.
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    size = QUICK if options.quick else Size()
    started = time.perf_counter()
    missed = 0
    for number, part in enumerate(PARTS):
        for row in part(np.random.default_rng((options.seed, number)), size):
            print(replace(row, holds=None) if options.quick else row, flush=True)
            missed += row.holds is False and not options.quick
    for row in speed():
        print(row, flush=True)
    if options.plots:
        from rollout_plots import draw

        draw(options.plots, np.random.default_rng((options.seed, 99)), 20 if options.quick else 400)
    verdict = "too few runs for a verdict" if options.quick else f"{missed} missed"
    print(f"{verdict}, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
