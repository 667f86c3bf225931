"""The metrics of the service, under the names that the runbook's alerts use."""

from __future__ import annotations

import time
from collections import deque
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A `_created` series per counter, which no alert reads, would double the page.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types

_LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0)
"""Edges with 2 s and 5 s: the limits of the rollout are read off exactly."""

_LATENCY_MS: Final = tuple(edge * 1000 for edge in _LATENCY_S)

API_REQUESTS = Counter("api_requests_total", "Requests", ["method", "endpoint", "status_code"])
API_DURATION = Histogram(
    "api_request_duration_seconds",
    "Time to the end of the answer",
    ["endpoint"],
    buckets=_LATENCY_S,
)
FEATURE_REQUESTS = Counter("feature_requests_total", "Uses of a feature", ["feature_name", "status"])
FEATURE_LATENCY = Histogram("feature_latency_ms", "Duration of a use", ["feature_name"], buckets=_LATENCY_MS)
REPORTS_GENERATED = Counter("compliance_reports_generated_total", "Reports written")
REPORTS_FAILED = Counter("compliance_reports_failed_total", "Reports that failed")
REPORT_DURATION = Histogram(
    "compliance_report_generation_duration_seconds",
    "Duration of one report, with its write to the database",
    buckets=_LATENCY_S,
)
FLAG_EVALUATIONS = Counter(
    "feature_flag_evaluations_total",
    "Evaluations; result is true, false or error",
    ["flag_name", "result"],
)
AUDIT_EVENTS = Counter("audit_events_total", "Audit events", ["feature", "event"])
DB_OPERATIONS = Counter("db_operations_total", "Database calls", ["operation", "table", "status"])
CACHE_HITS = Counter("cache_hits_total", "Evaluations found in Redis", ["feature"])
CACHE_MISSES = Counter("cache_misses_total", "Evaluations not found", ["feature"])
CACHE_HIT_RATE = Gauge("cache_hit_rate", "Share found, since the start", ["feature"])
POOL_SIZE = Gauge(
    "db_connection_pool_size",
    "Database connections that can be handed out now; 0 when none or unreachable",
)
ERROR_RATE = Gauge("error_rate", "Share of 5xx in the last five minutes", ["feature"])
SERVICE_UP = Gauge("service_up", "1 while the process serves", ["service_name"])
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


class HitRate:
    """The share of evaluations that Redis held."""

    def __init__(self, feature: str) -> None:
        """Count for `feature`, in the metrics too."""
        self._feature = feature
        self.hits = 0
        self.misses = 0

    def add(self, *, hit: bool) -> None:
        """Count one look into the cache."""
        if hit:
            self.hits += 1
            CACHE_HITS.labels(self._feature).inc()
        else:
            self.misses += 1
            CACHE_MISSES.labels(self._feature).inc()

    def value(self) -> float:
        """Return hits of all looks; 0 before the first."""
        looks = self.hits + self.misses
        return self.hits / looks if looks else 0.0
