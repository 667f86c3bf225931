"""The table of the gate that judges a canary: its metrics, stages and where the counts come from."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from readiness.config.base import HttpUrl, Limit, NonEmptyText, Share, Table
from readiness.config.quantity import Duration


class SlowerThan(Table, frozen=True):
    """A share of requests slower than a bucket edge."""

    edge: Limit
    below: Share | None = None
    above: Share | None = None


class RolloutMetric(Table, frozen=True):
    """One metric that the canary is judged by."""

    name: Annotated[
        str, Meta(pattern="^[a-z0-9][a-z0-9-]*(?!\n)$", title="name of lower-case letters, digits and hyphens")
    ]
    total: NonEmptyText | None = None
    bad: NonEmptyText | None = None
    histogram: NonEmptyText | None = None
    promote_below: Share | None = None
    rollback_above: Share | None = None
    rollback_for: Duration | None = None
    promote_slower_than: SlowerThan | None = None
    rollback_slower_than: SlowerThan | None = None


class Rollout(Table, frozen=True):
    """The canary is no worse than the baseline and within its limits."""

    metric: Annotated[list[RolloutMetric], Meta(min_length=1)]
    stages: Annotated[list[Share], Meta(min_length=1)]
    canary: NonEmptyText
    baseline: NonEmptyText
    observe: Limit
    prometheus: HttpUrl | None = None
    scrape: Annotated[list[NonEmptyText], Meta(min_length=1)] | None = None
