"""What each stage of a rollout needs, for the traffic that a Prometheus has seen in the last hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from readiness.config.rollout_tables import Rollout
from readiness.config.selectors import Matcher, Selector
from readiness.errors import NotMeasured
from readiness.rollout.interface import Arm
from readiness.rollout.latencies import discover, selector_at
from readiness.rollout.observation import share_text
from readiness.rollout.plan import FACTORS, MetricPlan, StagePlan, plan
from readiness.rollout.prometheus import Wish
from readiness.rollout.prometheus_api import PrometheusApi
from readiness.rollout.source import Wanted, rollout_spec_of
from readiness.rollout.spec import minutes_text

HOUR_S = 3600.0
STAND_IN = "missing"
"""Is in what a plan reads for a variable that is not set."""


@dataclass(frozen=True, slots=True)
class Today:
    """The traffic that one metric counts."""

    rps: float
    """Requests a second in both arms."""
    requests: float
    """In the arm that the share is from."""
    bad: float
    minutes: float
    """That this was counted over."""

    @property
    def share(self) -> float:
        """Bad ones among them; where none was seen, as if the next one were: a multiple of nothing cannot be caught."""
        return max(self.bad, 1.0) / max(self.requests, 1.0)


def today(api: PrometheusApi, wish: Wish) -> dict[str, Today]:
    """Returns the traffic of the last hour by metric; not of those that had none.

    By `increase`, which leaves the beginnings of new series out: for a forecast that is enough, for a judgement not.

    Raises:
        NotMeasured: Prometheus does not answer.
    """
    found = {}
    for wanted in wish.metrics:
        arms = {arm: _counted(api, wish, wanted, wish.arms[arm]) for arm in Arm if arm in wish.arms}
        known = [each for each in arms.values() if each is not None]
        of = arms.get(Arm.BASELINE) or arms.get(Arm.CANARY)
        if of is not None:
            found[wanted.name] = Today(sum(each.rps for each in known), of.requests, of.bad, of.minutes)
    return found


def _counted(api: PrometheusApi, wish: Wish, wanted: Wanted, matchers: Sequence[Matcher]) -> Today | None:
    """Returns the traffic of one arm; None where there is none."""
    now_s = api.now_s()
    if wanted.total is not None and wanted.bad is not None:
        requests, bad = wanted.total.narrowed(matchers), wanted.bad.narrowed(matchers)
        is_good = False
    else:
        assert wanted.histogram is not None  # noqa: S101 - the configuration was validated; for the type checker
        reading = discover(wanted, {Arm.CANARY: matchers}, lambda expression: api.query(expression, now_s))
        if reading is None or reading.is_native:
            return None
        histogram = wanted.histogram.narrowed(matchers)
        requests, bad = histogram.renamed(f"{histogram.name}_count"), selector_at(histogram, reading.promote_les)
        is_good = True
    scrapes = _value(api, f"max(count_over_time({requests}[{HOUR_S:.0f}s]))", now_s)
    length_s = (scrapes - 1) * wish.interval_s
    if length_s <= 0:
        return None
    # Where the hour is not full, `increase` would spread what there is over all of it.
    length_s = min(length_s, HOUR_S)
    total = _increase(api, requests, length_s, now_s)
    other = _increase(api, bad, length_s, now_s)
    if total <= 0:
        return None
    return Today(total / length_s, total, max(0.0, total - other) if is_good else other, length_s / 60)


def _increase(api: PrometheusApi, selector: Selector, length_s: float, now_s: float) -> float:
    return _value(api, f"sum(increase({selector}[{length_s:.0f}s]))", now_s)


def _value(api: PrometheusApi, expression: str, now_s: float) -> float:
    found = api.query(expression, now_s)
    return found[0].values[0] if found else 0.0


# --- in words -------------------------------------------------------------------------------------------------------


def lines(table: Rollout, traffic: Mapping[str, Today]) -> Iterator[str]:
    """Yields what today's traffic is, what each stage needs, and what to change where it is too short."""
    spec = rollout_spec_of(table)
    width = max(len(each.name) for each in spec.metrics)
    yield "rollout: today's traffic"
    for metric in spec.metrics:
        seen = traffic.get(metric.name)
        yield f"  {metric.name:<{width}}  {_traffic_text(seen)}"
    known = [metric.name for metric in spec.metrics if metric.name in traffic]
    if len(known) < len(spec.metrics):
        yield "  What has no traffic can be neither promoted nor caught: compare its selectors with what is at /metrics."
    if not known:
        return
    shares = {metric.name: traffic[metric.name].share if metric.name in traffic else 0.0 for metric in spec.metrics}
    plans = {name: plan(spec, traffic[name].rps, shares) for name in known}
    yield "rollout: minutes in which nine of ten healthy canaries are promoted, and nine of ten regressions caught"
    caught = "".join(f"{f'{factor:g}x':>10}" for factor in FACTORS)
    yield f"  {'stage':<6} {'metric':<{width}} {'promote':>10}{caught}   of {minutes_text(spec.stage_s)} min"
    for number, stage in enumerate(spec.stages):
        for name in known:
            planned = next(each for each in plans[name][number].metrics if each.name == name)
            yield f"  {share_text(stage):<6} {name:<{width}} {_row(planned, stage)}"
    advice: dict[str, list[str]] = {}
    for name in known:
        for planned_stage in plans[name]:
            for text in _advice(planned_stage, name):
                advice.setdefault(text, []).append(share_text(planned_stage.stage))
    yield from (f"  {', '.join(stages)}: {text}" for text, stages in advice.items())


def _traffic_text(seen: Today | None) -> str:
    if seen is None:
        return "no requests in the last hour"
    none = ", taken to be one" if not round(seen.bad) else ""
    counted = f"{seen.bad:,.0f} of {seen.requests:,.0f} bad{none} ({seen.share:.3%}), in {minutes_text(seen.minutes * 60)} min"
    return f"{seen.rps:,.1f} requests/s; {counted}"


def _row(planned: MetricPlan, stage: float) -> str:
    is_compared = stage < 1
    cells = [
        _needed(planned.promote_s),
        *(_needed(each) if is_compared else "-" for each in planned.catch_s.values()),
    ]
    return "".join(f"{cell:>10}" for cell in cells)


def _needed(seconds: float | None) -> str:
    return "never" if seconds is None else minutes_text(seconds)


def _advice(planned: StagePlan, name: str) -> Iterator[str]:
    """Yields what is said of one metric: the plan of each was made with its own traffic."""
    return (text for text in planned.advice if text.startswith(f"{name}:"))


def refusal(table: Rollout, missing: Sequence[str]) -> str:
    """Returns why nobody is asked for today's traffic; empty where the Prometheus is."""
    if table.prometheus is None:
        return "rollout: no plan: [rollout] names no `prometheus` that knows today's traffic"
    texts = (table.prometheus, *(value.reveal() for value in table.headers.values()))
    if missing and any(STAND_IN in each for each in texts):
        return f"rollout: no plan: Prometheus was not asked, because of missing variables ({', '.join(missing)})"
    return ""


def unreachable(error: NotMeasured) -> str:
    """Returns that Prometheus did not answer; the plan's exit status is not changed by it."""
    return f"rollout: no plan: {error.cause}. {error.remedy}".strip()
