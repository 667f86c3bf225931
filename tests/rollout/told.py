"""A real Prometheus that has been told the past of several rollouts, and their future: a run judges them without waiting.

Each rollout is told apart by the label `case`. The samples go on beyond now, so that it does not matter when they are asked
for: a query sees nothing that is later than the time it is asked at.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tests.contrib import system_prometheus
from tests.rollout.prometheus import READY_S, Rig, Running, _is_prometheus

STEP_S = 15
BEFORE_S = 30 * 60
AFTER_S = 90 * 60
EDGES = ("0.5", "2", "5")
PODS = 2


@dataclass(frozen=True)
class Side:
    """One arm of a rollout."""

    rps: float = 20.0
    """Of each pod."""
    errors: float = 0.0
    """Share of requests."""
    slow: float = 0.0
    """Share of requests that take between 2 and 5 s."""
    up: int = 1
    has_errors: bool = True
    """Whether there is a counter of errors."""


@dataclass(frozen=True)
class Case:
    """One rollout."""

    canary: Side = field(default_factory=Side)
    baseline: Side = field(default_factory=Side)
    alert: str = ""
    """Name of a critical alert that fires."""
    alert_for_s: int = 0
    """How long it has been firing; 0: since the beginning."""
    deployed_s_ago: int | None = None
    """When the processes of both arms were started; None: long ago."""


HEALTHY = Case()
CASES: Mapping[str, Case] = {
    "healthy": HEALTHY,
    "errors": Case(canary=Side(errors=0.05)),
    "slow": Case(canary=Side(slow=0.3)),
    "idle": Case(canary=Side(rps=0)),
    "shared": Case(canary=Side(errors=0.3), baseline=Side(errors=0.3)),
    "uncounted": Case(canary=Side(has_errors=False), baseline=Side(has_errors=False)),
    "down": Case(canary=Side(up=0)),
    "alert": Case(alert="LowDisk", alert_for_s=6 * 60, deployed_s_ago=12 * 60),
    "old-alert": Case(alert="LowDisk", deployed_s_ago=12 * 60),
    "alone": Case(baseline=Side(up=0)),
    "little": Case(canary=Side(rps=0.05), baseline=Side(rps=0.05)),
}


def told(rig: Rig, cases: Mapping[str, Case] = CASES) -> Running:
    """Returns a Prometheus that knows these rollouts, from half an hour ago until long after the test."""
    program, promtool = system_prometheus()
    folder = rig.folder / "told"
    folder.mkdir()
    (folder / "told.txt").write_text("\n".join([*_lines(cases), "# EOF", ""]))
    words = [promtool, "tsdb", "create-blocks-from", "openmetrics", folder / "told.txt", folder / "data"]
    subprocess.run(words, check=True, capture_output=True, timeout=READY_S)
    (folder / "prometheus.yml").write_text("global: {}\n")
    command = [
        str(program),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    return rig._start("prometheus", command, _is_prometheus)


def _lines(cases: Mapping[str, Case]) -> Iterator[str]:
    start_s = int(time.time()) - BEFORE_S
    steps = (BEFORE_S + AFTER_S) // STEP_S
    for family, kind in (
        ("up", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("requests", "counter"),
        ("errors", "counter"),
        ("took_seconds", "histogram"),
        ("ALERTS", "gauge"),
    ):
        yield f"# TYPE {family} {kind}"
        for name, case in cases.items():
            for series, rate in _family(family, name, case):
                first = (BEFORE_S - case.alert_for_s) // STEP_S if family == "ALERTS" and case.alert_for_s else 0
                for step in range(first, steps + 1):
                    value = rate[1] if rate[0] == "always" else int(rate[1] * step * STEP_S)
                    yield f"{series} {value} {start_s + step * STEP_S}"


def _family(family: str, name: str, case: Case) -> Iterator[tuple[str, tuple[str, float]]]:
    """Yields each series with its value, or what it rises by in a second."""
    if family == "ALERTS":
        if case.alert:
            labels = f'alertname="{case.alert}",alertstate="firing",severity="critical",case="{name}"'
            yield f"ALERTS{{{labels}}}", ("always", 1)
        return
    for track, side in (("canary", case.canary), ("stable", case.baseline)):
        for pod in range(PODS):
            labels = f'job="shop",instance="{name}-{track}-{pod}:8000",track="{track}",case="{name}"'
            if family == "up":
                yield f"up{{{labels}}}", ("always", side.up)
            elif side.up and family == "process_start_time_seconds":
                ago_s = case.deployed_s_ago
                yield f"{family}{{{labels}}}", ("always", 1_600_000_000 if ago_s is None else int(time.time()) - ago_s)
            elif side.up and family == "requests":
                yield f"requests_total{{{labels}}}", ("rises", side.rps)
            elif side.up and family == "errors" and side.has_errors:
                yield f"errors_total{{{labels}}}", ("rises", side.rps * side.errors)
            elif side.up and family == "took_seconds":
                fast = {"0.5": 1 - side.slow, "2": 1 - side.slow, "5": 1.0, "+Inf": 1.0}
                for edge in (*EDGES, "+Inf"):
                    yield f'took_seconds_bucket{{{labels},le="{edge}"}}', ("rises", side.rps * fast[edge])
                yield f"took_seconds_count{{{labels}}}", ("rises", side.rps)


TABLE = """
stages = ["10%", "25%", "50%", "100%"]
canary = 'track="canary",case="{case}"'
baseline = 'track="stable",case="{case}"'
observe = "15s"
look-back = "10m"
alerts = 'ALERTS{{alertstate="firing",severity="critical",case="{case}"}}'
[[rollout.metric]]
name = "errors"
total = "requests_total"
bad = "errors_total"
promote-below = "1%"
rollback-above = "10%"
[[rollout.metric]]
name = "latency"
histogram = "took_seconds"
promote-slower-than = {{ edge = "2s", below = "5%" }}
rollback-slower-than = {{ edge = "5s", above = "5%" }}
"""
"""Of the configuration, without its header and without the address."""
