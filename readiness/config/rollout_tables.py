"""The table of the gate that judges a canary: its metrics, stages and where the counts come from."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from readiness.config.base import HeaderName, HttpUrl, Limit, NonEmptyText, Share, Table
from readiness.config.quantity import Duration, Ratio
from readiness.redact import Secret


class SlowerThan(Table, frozen=True):
    """A share of requests slower than a bucket edge."""

    edge: Limit
    """Of the histogram's buckets. Between two of them the lower one serves promotion and the higher one rollback."""
    below: Share | None = None
    """To promote, fewer requests than this may be slower."""
    above: Share | None = None
    """To roll back, more requests than this have to be slower."""


class RolloutMetric(Table, frozen=True):
    """One metric that the canary is judged by: a share of bad events among requests, from counters."""

    name: Annotated[
        str, Meta(pattern="^[a-z][a-z0-9]*(-[a-z0-9]+)*(?!\n)$", title="name of lower-case letters, digits and hyphens")
    ]
    """The check is `rollout/<name>`."""
    total: NonEmptyText | None = None
    """Selector of the counter of all requests, such as 'http_requests_total{path="/pay"}'. Without the arm's labels."""
    bad: NonEmptyText | None = None
    """Selector of the counter of the bad ones among them."""
    histogram: NonEmptyText | None = None
    """Selector of a histogram by its base name, without _bucket; instead of `total` and `bad`."""
    unit: Literal["s", "ms"] = "s"
    """What the histogram's edges are in."""
    promote_below: Share | None = None
    """To promote, the share of bad requests has to be shown to be below this."""
    rollback_above: Share | None = None
    """Roll back when the share of bad requests is above this for `rollback-for`; sooner where it is clear."""
    rollback_for: Limit | None = None
    """Default "5m"."""
    promote_slower_than: SlowerThan | None = None
    """The same for latency: { edge = "2s", below = "5%" } is a p95 below 2 s."""
    rollback_slower_than: SlowerThan | None = None
    """Such as { edge = "5s", above = "5%" }."""
    weight: Annotated[float, Meta(gt=0)] = 1.0
    """Part of the error rate that is spent on it, relative to the other metrics."""

    def __str__(self) -> str:
        return self.name


class ScrapeTarget(Table, frozen=True):
    """One pod that is scraped directly."""

    url: HttpUrl
    """Its own address, never that of a service or load balancer."""
    labels: dict[str, str] = {}
    """Added to its series, as Prometheus would, such as { track = "canary" }."""


class RolloutTls(Table, frozen=True):
    """Certificates for `prometheus` or `scrape`, as PEM files; relative paths start at the configuration."""

    ca: NonEmptyText | None = None
    """The authorities that are trusted, instead of the public ones."""
    cert: NonEmptyText | None = None
    """Certificate of the client."""
    key: NonEmptyText | None = None
    """Its key, where it is not in the same file."""


class Rollout(Table, frozen=True):
    """The canary is no worse than the baseline and within its limits."""

    metric: Annotated[list[RolloutMetric], Meta(min_length=1)]
    stages: Annotated[list[Share], Meta(min_length=1)]
    """The canary's shares of the traffic, rising; a run names one of them as --stage."""
    canary: NonEmptyText
    """Labels of the canary's series, such as 'track="canary"'."""
    observe: Limit
    """How long a run observes at most. It comes on top of [policy] deadline, and not of --readiness-deadline."""
    baseline: NonEmptyText | None = None
    """Labels of the baseline's series. Without one only limits are judged, up to `without-baseline`."""
    prometheus: HttpUrl | None = None
    """Address of a Prometheus, or of what speaks its HTTP API, with its prefix."""
    scrape: Annotated[list[HttpUrl | ScrapeTarget], Meta(min_length=1)] | None = None
    """The pods' own /metrics, instead of a Prometheus. Each series gets the label `instance`, host and port."""
    every: Limit = field(default_factory=lambda: Duration.parse("15s"))
    """Time between two scrapes: that of Prometheus' own configuration, or how often the pods are asked."""
    headers: dict[HeaderName, Secret] = {}
    """Sent with every request to `prometheus` or `scrape`, such as Authorization."""
    tls: RolloutTls | None = None
    mode: Literal["evidence", "point"] = "evidence"
    """What promotes: `evidence` that a rate at the limit is refuted, or a `point` estimate below it, which is weak."""
    without_baseline: Share = field(default_factory=lambda: Ratio.parse("25%"))
    """The largest share that a canary may be promoted to without a baseline to compare it with."""
    rollback_on_shared: bool = False
    """Roll back, instead of holding, also where the baseline breaks the same limit."""
    tolerated_loss: Share = field(default_factory=lambda: Ratio.parse("1%"))
    """Share of a stage's requests whose outcome may stay unknown, because their pod went before it was read."""
    warm_up: Duration = field(default_factory=lambda: Duration.parse("0s"))
    """Pods younger than this count in neither arm."""
    look_back: Duration = field(default_factory=lambda: Duration.parse("0s"))
    """How long the stage has been running when the run begins: that past is judged too. Only with `prometheus`."""
    up: NonEmptyText = "up"
    """Selector of what says which targets answer. Only with `prometheus`."""
    alerts: NonEmptyText | None = None
    """Selector of critical alerts, such as 'ALERTS{alertstate="firing",severity="critical"}'. Only with `prometheus`."""
    false_rollbacks: Share = field(default_factory=lambda: Ratio.parse("1%"))
    """The chance that a healthy release is rolled back by the comparison with the baseline, in a whole rollout."""
    margin: Annotated[float, Meta(ge=1)] = 1.25
    """Odds ratio up to which a canary that is worse than the baseline is not worth a rollback."""
    state: NonEmptyText | None = None
    """File that the observation is kept in while it goes on; default `rollout-state.json` beside the reports."""
