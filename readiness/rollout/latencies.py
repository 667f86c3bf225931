"""Histograms as Prometheus has them: which edges both arms share, and series of requests faster than an edge."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from readiness.config.selectors import Matcher, Selector
from readiness.rollout.interface import Arm
from readiness.rollout.prometheus_api import Found, Native
from readiness.rollout.samples import Edges, choose_edges
from readiness.rollout.source import Hopeless, Wanted

Instant: TypeAlias = Callable[[str], list[Found]]
"""Asks an expression at the time of the look."""
_TOUCHING = 1e-9


@dataclass(frozen=True, slots=True)
class Reading:
    """How a histogram is read, settled at the first look that found it."""

    edges: Edges
    promote_les: tuple[str, ...] = ()
    """How the edge for promotion is written, such as `2` and `2.0`; empty for a native histogram."""
    rollback_les: tuple[str, ...] = ()

    @property
    def is_native(self) -> bool:
        """Whether it has no classic buckets."""
        return not self.promote_les

    def to_json(self) -> dict[str, Any]:
        """Returns it as JSON builtins."""
        edges = [self.edges.promote, self.edges.rollback, self.edges.is_exact]
        return {"edges": edges, "promote": list(self.promote_les), "rollback": list(self.rollback_les)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Reading:
        """Returns it as it was."""
        return cls(Edges(*state["edges"]), tuple(state["promote"]), tuple(state["rollback"]))


def discover(wanted: Wanted, arms: Mapping[Arm, Sequence[Matcher]], ask: Instant) -> Reading | None:
    """Returns how a metric's histogram is read; None while the canary has none.

    Raises:
        Hopeless: its limit can never be observed at the edges that both arms have.
    """
    assert wanted.histogram is not None  # noqa: S101 - the caller has looked; for the type checker
    written = {arm: _edges(wanted.histogram.narrowed(arms[arm]), ask) for arm in arms}
    if written[Arm.CANARY]:
        return _classic(wanted, [found for found in written.values() if found])
    if ask(f"{wanted.histogram.narrowed(arms[Arm.CANARY])}[5m]"):  # without a range a dead pod's would do
        return _native(wanted)
    return None


def provisional(wanted: Wanted, arms: Mapping[Arm, Sequence[Matcher]], ask: Instant) -> Reading:
    """Returns how it is read while the canary has none: as the baseline has it, whose requests count meanwhile.

    Raises:
        Hopeless: its limit can never be observed at the baseline's edges.
    """
    assert wanted.histogram is not None  # noqa: S101 - the caller has looked; for the type checker
    matchers = arms.get(Arm.BASELINE)
    written = {} if matchers is None else _edges(wanted.histogram.narrowed(matchers), ask)
    return _classic(wanted, [written]) if written else _native(wanted)


def _classic(wanted: Wanted, written: Sequence[Mapping[float, set[str]]]) -> Reading:
    edges = chosen(wanted, frozenset.intersection(*(frozenset(found) for found in written)))
    promote, rollback = (
        tuple(sorted({text for found in written for text in found.get(edge, ())}))
        for edge in (edges.promote, edges.rollback)
    )
    return Reading(edges, promote, rollback)


def _native(wanted: Wanted) -> Reading:
    promote = wanted.rollback_edge if wanted.promote_edge is None else wanted.promote_edge
    rollback = wanted.promote_edge if wanted.rollback_edge is None else wanted.rollback_edge
    return Reading(Edges(promote or 0.0, rollback or 0.0, is_exact=False))


def chosen(wanted: Wanted, shared: Collection[float]) -> Edges:
    """Returns the edges that serve a metric's limits.

    Raises:
        Hopeless: there are none that could.
    """
    try:
        return choose_edges(shared, wanted.promote_edge, wanted.rollback_edge)
    except ValueError as error:
        cause, _, remedy = str(error).partition(". ")
        raise Hopeless(f"metric '{wanted.name}': {cause}", f"{remedy}." if remedy else "") from None


def _edges(histogram: Selector, ask: Instant) -> dict[float, set[str]]:
    """Returns the edges that each of an arm's histograms has, and how they are written."""
    counts = ask(f"count by (le) ({histogram.renamed(f'{histogram.name}_bucket')})")
    by_edge: dict[float, float] = {}
    written: dict[float, set[str]] = {}
    for each in counts:
        text = each.labels.get("le", "")
        try:
            edge = float(text)
        except ValueError:
            continue
        by_edge[edge] = by_edge.get(edge, 0.0) + each.values[0]
        written.setdefault(edge, set()).add(text)
    most = max(by_edge.values(), default=0.0)
    return {edge: written[edge] for edge, count in by_edge.items() if count == most}


def selector_at(histogram: Selector, les: Sequence[str]) -> Selector:
    """Returns the buckets at an edge, however it is written."""
    buckets = histogram.renamed(f"{histogram.name}_bucket")
    if len(les) == 1:
        return buckets.narrowed([Matcher("le", "=", les[0])])
    return buckets.narrowed(
        [Matcher("le", "=~", "|".join(each.replace(".", r"\.").replace("+", r"\+") for each in les))]
    )


def native_values(found: Iterable[Native], edges: Edges) -> tuple[list[float], list[float], list[float]]:
    """Returns for each moment the observations, and those faster than either edge.

    A bucket that an edge falls into counts as slow for promotion and as fast for rollback: never an interpolation.
    """
    counts, promote, rollback = [], [], []
    for each in found:
        counts.append(each.observations)
        promote.append(each.observations - _above(each, edges.promote, of_upper=True))
        rollback.append(each.observations - _above(each, edges.rollback, of_upper=False))
    return counts, promote, rollback


def _above(histogram: Native, edge: float, *, of_upper: bool) -> float:
    slack = abs(edge) * _TOUCHING
    return math.fsum(
        count
        for lower, upper, count in histogram.buckets
        if (upper > edge + slack if of_upper else lower >= edge - slack)
    )
