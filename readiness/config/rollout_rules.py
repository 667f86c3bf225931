"""What a `[rollout]` table may say that no schema can refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from readiness.config.quantity import Ratio
from readiness.config.rollout_tables import Rollout, RolloutMetric, SlowerThan
from readiness.config.selectors import Selector, SelectorError, parse_matchers, parse_selector

Said: TypeAlias = Iterator[tuple[tuple[str | int, ...], str, str]]
"""Place in the table, text, remedy."""
Here: TypeAlias = tuple[tuple[str, ...], str, str]
"""The same inside a metric's table."""

TAKEN = ("data", "decision")
"""Names of the gate's own checks."""
_PARTS = ("_bucket", "_count", "_sum")
_SHORTEST_S = 1.0
_FEWEST_SCRAPES = 3
"""In the window of a limit: a spike falls into two of them, which are left out."""


def contradictions(table: Rollout) -> Said:
    """Yields everything that is wrong although each key has its shape."""
    yield from _source(table)
    yield from _stages(table)
    yield from _arms(table)
    yield from _times(table)
    for index, metric in enumerate(table.metric):
        for key, text, remedy in _metric(metric, table):
            yield ("metric", index, *key), text, remedy
    if table.metric and not any(each.promote_below or each.promote_slower_than for each in table.metric):
        text = "no metric says what promotes: without positive evidence no stage could ever pass."
        yield ("metric",), text, 'Add promote-below = "1%" to one of them.'


def selectors(table: Rollout) -> Iterator[tuple[tuple[str | int, ...], Callable[[], object]]]:
    """Yields place and reader of each selector; the reader raises SelectorError."""
    for key, labels in (("canary", table.canary), ("baseline", table.baseline)):
        if labels is not None:
            yield (key,), lambda text=labels: parse_matchers(text)  # type: ignore[misc] # mypy cannot infer a default's type
    for key, whole in (("up", table.up), ("alerts", table.alerts)):
        if whole is not None:
            yield (key,), lambda text=whole: parse_selector(text)  # type: ignore[misc] # the same
    for index, metric in enumerate(table.metric):
        for key in ("total", "bad", "histogram"):
            text = getattr(metric, key)
            if text is not None:
                read: Callable[[str], Selector] = _histogram if key == "histogram" else parse_selector
                yield ("metric", index, key), lambda text=text, read=read: read(text)  # type: ignore[misc] # the same


def _histogram(text: str) -> Selector:
    found = parse_selector(text)
    for part in _PARTS:
        if found.name.endswith(part):
            base = found.name.removesuffix(part)
            raise SelectorError(f"{found.name!r} is a part of a histogram: name the histogram itself, {base!r}")
    return found


def _source(table: Rollout) -> Said:
    if (table.prometheus is None) == (table.scrape is None):
        text = "the samples come from `prometheus` or from `scrape`, and exactly one of them is needed."
        yield ("prometheus",), text, 'Keep one, such as prometheus = "http://prometheus:9090".'
    elif table.prometheus is None:
        for key, is_set in (("alerts", table.alerts is not None), ("look-back", table.look_back > 0)):
            if is_set:
                yield (key,), "it is asked of a Prometheus, and this rollout has none.", "Take it out."
    if table.tls is not None and table.tls.key is not None and table.tls.cert is None:
        yield ("tls", "key"), "a key without a certificate says nobody who asks.", "Add cert."
    addresses = [table.prometheus or "", *(str(getattr(each, "url", each)) for each in table.scrape or ())]
    if table.tls is not None and any(each.startswith("http:") for each in addresses):
        yield ("tls",), "certificates are for https, and an address begins with http:.", "Write https:, or take it out."


def _stages(table: Rollout) -> Said:
    if any(later <= earlier for earlier, later in zip(table.stages, table.stages[1:], strict=False)):
        yield ("stages",), "the stages do not rise.", 'Write them in order, such as ["10%", "50%", "100%"].'
    elif table.stages and table.stages[0] <= 0:
        yield ("stages", 0), "a canary without any traffic cannot be judged.", "Begin with a share above 0%."


def _arms(table: Rollout) -> Said:
    if table.baseline is not None and table.baseline.split() == table.canary.split():
        yield (
            ("baseline",),
            "it is the same as the canary, which would be compared with itself.",
            "Name its own labels.",
        )


def _times(table: Rollout) -> Said:
    if table.every < _SHORTEST_S:
        yield ("every",), f"scrapes every {table.every} are a load, not an observation.", 'Use at least "1s".'
    elif table.observe < table.every:
        text = f"it ends after {table.observe}, before the second scrape, which comes after {table.every}."
        yield ("observe",), text, "Observe for longer; promotion needs 5 minutes and 10 scrapes, look-back included."
    if not 0 < table.false_rollbacks <= 0.5:  # noqa: PLR2004 - half: no test at all above
        yield ("false-rollbacks",), f"{table.false_rollbacks} is no error rate.", 'Use "1%", at most "50%".'


def _metric(metric: RolloutMetric, table: Rollout) -> Iterator[Here]:
    if metric.name in TAKEN:
        yield ("name",), f"rollout/{metric.name} is another check of this gate.", "Rename the metric."
    is_counted = metric.total is not None and metric.bad is not None
    if is_counted == (metric.histogram is not None) or (metric.total is None) != (metric.bad is None):
        text = "a metric is counted by `total` and `bad`, or by a `histogram`: exactly one of the two is needed."
        yield (), text, "Give both counters, or the histogram."
    elif is_counted:
        yield from _other_kind(metric, ("promote_slower_than", "rollback_slower_than"), "is for a histogram")
    else:
        yield from _other_kind(metric, ("promote_below", "rollback_above"), "is for two counters")
    rules = (metric.promote_below, metric.rollback_above, metric.promote_slower_than, metric.rollback_slower_than)
    if all(rule is None for rule in rules):
        yield (), "no limit is set, so this metric could decide nothing.", 'Add promote-below = "1%".'
    yield from _limits(metric)
    yield from _window(metric, table)


def _window(metric: RolloutMetric, table: Rollout) -> Iterator[Here]:
    length = metric.rollback_for
    if length is None:
        return
    if length < _FEWEST_SCRAPES * table.every:
        text = f"{length} holds fewer than {_FEWEST_SCRAPES} scrapes, which come every {table.every}, and the worst two do not count."
        yield ("rollback-for",), text, "Make it several times as long."
    elif length > table.observe + table.look_back:
        text = f"{length} is longer than the observation ({table.observe}), so that the limit could never be broken."
        yield ("rollback-for",), text, "Observe for longer, look-back included, or make it shorter."


def _other_kind(metric: RolloutMetric, keys: tuple[str, ...], why: str) -> Iterator[Here]:
    other = {
        "promote_slower_than": "promote-below",
        "rollback_slower_than": "rollback-above",
        "promote_below": "promote-slower-than",
        "rollback_above": "rollback-slower-than",
    }
    for key in keys:
        if getattr(metric, key) is not None:
            yield (key.replace("_", "-"),), f"this limit {why}, which this metric is not.", f"Use {other[key]}."


def _limits(metric: RolloutMetric) -> Iterator[Here]:
    promote, rollback = metric.promote_slower_than, metric.rollback_slower_than
    if metric.promote_below and metric.rollback_above and metric.promote_below > metric.rollback_above:
        text = f"promotes below {metric.promote_below}, above where it rolls back ({metric.rollback_above})."
        yield ("promote-below",), text, "Set promote-below to at most rollback-above."
    for key, rule, side in (("promote-slower-than", promote, "below"), ("rollback-slower-than", rollback, "above")):
        if rule is not None and getattr(rule, side) is None:
            yield (key,), f"`{side}` is missing.", f'Write {{ edge = "{rule.edge}", {side} = "5%" }}.'
    if promote is not None and rollback is not None:
        yield from _edges(promote, rollback)
    shares: tuple[tuple[tuple[str, ...], Ratio | None], ...] = (
        (("promote-below",), metric.promote_below),
        (("rollback-above",), metric.rollback_above),
        (("promote-slower-than", "below"), None if promote is None else promote.below),
        (("rollback-slower-than", "above"), None if rollback is None else rollback.above),
    )
    for place, share in shares:
        if share is not None and not 0 < share < 1:
            yield place, f"{share} can never be shown, or never be broken.", "Use a share above 0% and below 100%."


def _edges(promote: SlowerThan, rollback: SlowerThan) -> Iterator[Here]:
    if promote.edge > rollback.edge:
        text = f"promotes by what is slower than {promote.edge}, above where it rolls back ({rollback.edge})."
        yield ("promote-slower-than", "edge"), text, "Set its edge to at most that of rollback-slower-than."
    if promote.below and rollback.above and promote.below > rollback.above:
        text = f"promotes below {promote.below}, above where it rolls back ({rollback.above})."
        yield ("promote-slower-than", "below"), text, "Set it to at most `above` of rollback-slower-than."
