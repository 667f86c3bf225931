"""The metrics that every service has."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A `_created` series per counter, which no alert reads, would double the page.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types

LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 6.0, 10.0)
"""Edges with the limits of the runbooks (0.5, 2, 5 and 6 s), so that these are read off exactly."""

DB_OPERATIONS = Counter("db_operations_total", "Database calls", ["operation", "table", "status"])
POOL_SIZE = Gauge(
    "db_connection_pool_size",
    "Database connections that can be handed out now; 0 when none or unreachable",
)
SERVICE_UP = Gauge("service_up", "1 while the process serves", ["service_name"])
CACHE_HITS = Counter("cache_hits_total", "Looks into Redis that found something", ["feature"])
CACHE_MISSES = Counter("cache_misses_total", "Looks into Redis that found nothing", ["feature"])
CACHE_HIT_RATE = Gauge("cache_hit_rate", "Share found, since the start", ["feature"])


class Requests:
    """Count and duration of the requests, under the names that the service's alerts read."""

    def __init__(self, prefix: str, status_label: str) -> None:
        """Make `<prefix>_requests_total` and `<prefix>_request_duration_seconds`."""
        self.count = Counter(f"{prefix}_requests_total", "Requests", ["method", "endpoint", status_label])
        self.duration = Histogram(
            f"{prefix}_request_duration_seconds", "Time to the end of the answer", ["endpoint"], buckets=LATENCY_S
        )


class HitRate:
    """The share of looks into Redis that found something."""

    def __init__(self, feature: str) -> None:
        """Count for `feature`, in the metrics too."""
        self._feature = feature
        self.hits = 0
        self.misses = 0
        # Every series from the start: a counter that is absent until its first event makes a rate "no data".
        CACHE_HITS.labels(feature)
        CACHE_MISSES.labels(feature)
        CACHE_HIT_RATE.labels(feature).set_function(self.value)

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
