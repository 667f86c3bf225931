"""One address that is scraped, and what it has said."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from readiness.errors import NotMeasured
from readiness.rollout.deltas import is_load_balanced
from readiness.rollout.exposition import ACCEPT, samples_of
from readiness.rollout.interface import Scrape
from readiness.rollout.samples import scrape_of
from readiness.rollout.source import Http

REMEMBERED = 6
"""Scrapes of a target by which several processes behind one address are told."""


@dataclass(slots=True)
class Source:
    """One target, and what it has said."""

    http: Http
    url: str
    path: str
    """Of the address, with its query."""
    labels: Mapping[str, str]
    """Those that it was given, which win over the series' own."""
    recent: deque[Scrape] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    known: Scrape | None = None
    """The last scrape that counts."""
    first_s: float | None = None
    missed: int = 0
    """Scrapes in a row that it has not answered."""
    usual: dict[str, int] = field(default_factory=dict)
    """Metric to the requests of its busiest interval."""
    failure: str = ""

    @property
    def target(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def shown(self) -> str:
        """The address without what may be secret in it."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{self.target}{parts.path}"

    @property
    def own_labels(self) -> dict[str, str]:
        """What all of its series are labelled with."""
        return {"instance": self.target, **self.labels}

    @property
    def series(self) -> tuple[str, ...]:
        """What it said last, as text forms of series; empty where it has never answered, or had none."""
        return (*self.recent[-1].values, *self.recent[-1].histograms) if self.recent else ()

    @property
    def is_load_balanced(self) -> bool:
        """Whether several processes answer at the address, so that differences between scrapes mean nothing."""
        if is_load_balanced([each.started_s for each in self.recent]):
            return True
        kept = (key for key in self.series if all(key in each.values for each in self.recent))
        return any(is_load_balanced((), [each.values[key] for each in self.recent]) for key in kept)

    def scrape(self, now_s: float, timeout_s: float, wants: Callable[[str], bool]) -> Scrape | None:
        """Returns what it says now; None where it does not answer, and then `failure` says why."""
        try:
            answer = self.http.request("GET", self.path, headers={"accept": ACCEPT}, timeout_s=timeout_s)
            samples = samples_of(answer, self.http.address, now_s, self.own_labels, wants)
            found = scrape_of(self.target, now_s, samples)
        except NotMeasured as error:
            self.failure = f"{error.cause}. {error.remedy}".strip()
            return None
        self.failure = ""
        return found
