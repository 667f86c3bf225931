"""One look at 10,000 series with 20 samples each, against what `json.loads` takes for the same answers; a judge's step.

    python benchmarks/rollout_look.py

Prints the ratio (less than 1.5 is asked for), the memory of a look at 5,000 and at 10,000 series (less than 2.2 times as
much for twice as many), and the time that a judge takes for 20 metrics (less than 5 ms). Times are those of the processor, so
that a busy machine does not matter.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from readiness.config.selectors import parse_matchers, parse_selector
from readiness.rollout.interface import Arm, Counts, Interval, Look
from readiness.rollout.judge import Judge
from readiness.rollout.prometheus import PrometheusReader, Wish
from readiness.rollout.prometheus_api import PrometheusApi
from readiness.rollout.source import Wanted
from readiness.rollout.spec import MetricSpec, RolloutSpec

SAMPLES = 20
STEP_S = 15.0
NOW_S = 1_700_000_000.0
PODS = 100
TIMES = 5
MOST_RATIO, MOST_GROWTH, MOST_STEP_MS = 1.5, 2.2, 5.0
ARMS = {Arm.CANARY: parse_matchers('track="canary"'), Arm.BASELINE: parse_matchers('track="stable"')}
METRIC = Wanted("errors", parse_selector("api_requests_total"), parse_selector('api_requests_total{status=~"5.."}'))


@dataclass
class Reply:
    """One answer."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Recorded:
    """A Prometheus whose answers were made before: so that only the reading of them is measured.

    Args:
        series: how many there are, over both arms; a fifth of them counts errors.
    """

    address = "recorded"

    def __init__(self, series: int) -> None:
        self.answers: dict[str, bytes] = {}
        for track in ("canary", "stable"):
            matcher = f'track="{track}"'
            self._add(f"up{{{matcher}}}", track, "up", PODS, 0)
            self._add(f"process_start_time_seconds{{{matcher}}}", track, "process_start_time_seconds", PODS, 0)
            self._add(f"api_requests_total{{{matcher}}}", track, "api_requests_total", series * 4 // 10, 30)
            self._add(f'api_requests_total{{status=~"5..",{matcher}}}', track, "api_requests_total", series // 10, 1)
        self._empty = _json([])

    def _add(self, query: str, track: str, name: str, count: int, rise: int) -> None:
        first = NOW_S - SAMPLES * STEP_S + 5
        result = []
        for number in range(count):
            labels = {
                "__name__": name,
                "instance": f"10.0.{number % PODS}.{track}:8000",
                "job": "api",
                "namespace": "shop",
                "track": track,
                "path": f"/api/v1/things/{number // PODS}",
                "status": "500" if rise == 1 else "200",
            }
            start = 1 if rise == 0 else number * 1000
            values = [[first + STEP_S * at, str(start + rise * at)] for at in range(SAMPLES)]
            result.append({"metric": labels, "values": values})
        self.answers[query] = _json(result)

    def request(
        self,
        method: str,  # noqa: ARG002 - always POST
        path: str,  # noqa: ARG002 - always that of the API
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,  # noqa: ARG002 - none
        timeout_s: float | None = None,  # noqa: ARG002 - it answers at once
    ) -> Reply:
        """Returns the answer."""
        query = (form or {})["query"]
        if query.startswith("vector"):
            return Reply(_json([{"metric": {}, "value": [NOW_S, str(NOW_S)]}]))
        return Reply(self.answers.get(query.partition("[")[0], self._empty))

    def close(self) -> None:
        """Nothing is open."""

    def look(self) -> Look:
        """Returns a look that reads all of it."""
        wish = Wish((METRIC,), ARMS, 0.25, STEP_S, look_back_s=(SAMPLES - 2) * STEP_S)
        return PrometheusReader(PrometheusApi(self), wish, lambda: 0.0).look()

    def parse(self) -> None:
        """What everybody has to do with the answers at least."""
        for body in self.answers.values():
            json.loads(body)


def _json(result: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()


def best_s(call: Callable[[], object], times: int) -> float:
    """Returns the shortest of several times, which is the one that the machine disturbed least."""
    found = []
    for _ in range(times):
        began = time.process_time()
        call()
        found.append(time.process_time() - began)
    return min(found)


def peak_mib(call: Callable[[], object]) -> float:
    """Returns the most memory that a call had at once."""
    tracemalloc.start()
    call()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 2**20


def judge_ms(metrics: int, looks: int) -> float:
    """Returns the longest step of a judge, of those after the first."""
    specs = tuple(MetricSpec(f"m{number}", promote_below=0.01, rollback_above=0.1) for number in range(metrics))
    judge = Judge(RolloutSpec(specs))
    took = []
    for number in range(looks):
        start_s = NOW_S + number * STEP_S
        canary = {each.name: Counts(300, number % 3) for each in specs}
        baseline = {each.name: Counts(2700, 9 + number % 5) for each in specs}
        look = Look(start_s + STEP_S, 0.1, (Interval(start_s, start_s + STEP_S, canary, baseline),))
        began = time.process_time()
        judge.look(look)
        took.append((time.process_time() - began) * 1000)
    return sorted(took[1:])[int(len(took) * 0.95) - 1]


def main() -> int:
    """Returns 0 where all that is asked for holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=10_000)
    options = parser.parse_args()
    recorded, half = Recorded(options.series), Recorded(options.series // 2)
    look = recorded.look()
    if len(look.intervals) != SAMPLES - 2 or not all(
        isinstance(each.canary["errors"], Counts) for each in look.intervals
    ):
        raise SystemExit(f"the answers were not read as they were meant: {look.unreadable}")
    look_s, parse_s = best_s(recorded.look, TIMES), best_s(recorded.parse, TIMES)
    size = sum(map(len, recorded.answers.values())) / 1e6
    print(f"{options.series:,} series, {SAMPLES} samples each, {size:.1f} MB of answers")
    print(f"json.loads {parse_s * 1000:.0f} ms, whole look {look_s * 1000:.0f} ms: ratio {look_s / parse_s:.2f}")
    small, large = peak_mib(half.look), peak_mib(recorded.look)
    print(f"memory {small:.1f} MiB at half as many series, {large:.1f} MiB: {large / small:.2f} times as much")
    step_ms = judge_ms(20, 200)
    print(f"a judge's step for 20 metrics: {step_ms:.2f} ms (95th percentile)")
    holds = look_s / parse_s < MOST_RATIO and large / small < MOST_GROWTH and step_ms < MOST_STEP_MS
    print("all holds" if holds else "NOT all of it holds")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
