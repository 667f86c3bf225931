"""The metrics of this service alone, under the names that the runbook's alerts use."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from service_base.metrics import LATENCY_S

_LATENCY_MS: Final = tuple(edge * 1000 for edge in LATENCY_S)

FEATURE_REQUESTS = Counter("feature_requests_total", "Uses of a feature", ["feature_name", "status"])
FEATURE_LATENCY = Histogram("feature_latency_ms", "Duration of a use", ["feature_name"], buckets=_LATENCY_MS)
REPORTS_GENERATED = Counter("compliance_reports_generated_total", "Reports written")
REPORTS_FAILED = Counter("compliance_reports_failed_total", "Reports that failed")
REPORT_DURATION = Histogram(
    "compliance_report_generation_duration_seconds",
    "Duration of one report, with its write to the database",
    buckets=LATENCY_S,
)
FLAG_EVALUATIONS = Counter(
    "feature_flag_evaluations_total",
    "Evaluations; result is true, false or error",
    ["flag_name", "result"],
)
AUDIT_EVENTS = Counter("audit_events_total", "Audit events", ["feature", "event"])
ERROR_RATE = Gauge("error_rate", "Share of 5xx in the last five minutes", ["feature"])
PLACEHOLDERS = Gauge("placeholder_critical_count", "Critical placeholders that the build counted")


class Window:
    """The outcomes of the last minutes, for `error_rate`."""

    def __init__(self, span_s: float = 300.0, at_most: int = 10_000) -> None:
        """Remember outcomes for `span_s` seconds, and no more than `at_most`."""
        self._span_s = span_s
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=at_most)

    def add(self, *, failed: bool) -> None:
        """Remember the outcome of a request that just ended."""
        self._outcomes.append((time.monotonic(), failed))

    def error_rate(self) -> float:
        """Return the share of failures; 0 where nothing was asked."""
        oldest = time.monotonic() - self._span_s
        while self._outcomes and self._outcomes[0][0] < oldest:
            self._outcomes.popleft()
        failures = sum(failed for _, failed in self._outcomes)
        return failures / len(self._outcomes) if self._outcomes else 0.0
