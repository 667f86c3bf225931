"""A Prometheus of a few lines: samples that a test wrote, answered to the queries of the reader over its own protocol."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from readiness.config.selectors import Selector, parse_selector
from readiness.errors import NotMeasured

NOW_S = 1_700_000_000.0


@dataclass
class Reply:
    """One answer."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


@dataclass
class Tape:
    """Series and their samples; a query sees nothing that is later than the time it is asked at."""

    now_s: float = NOW_S
    series: dict[str, list[tuple[float, Any]]] = field(default_factory=dict)
    """Text form to samples."""
    fails: Reply | NotMeasured | None = None
    asked: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    address: str = "http://prometheus.example:9090"
    header_names: tuple[str, ...] = ()

    def say(self, series: str, values: Sequence[Any], *, start_s: float, every_s: float = 15.0) -> None:
        """A series has these values."""
        self.series[series] = [(start_s + every_s * number, value) for number, value in enumerate(values)]

    def clock(self) -> float:
        """Returns the monotonic time of the test, which has another origin."""
        return self.now_s - 1_000_000.0

    def close(self) -> None:
        """Nothing is open."""

    def request(
        self,
        method: str,
        path: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = None,
    ) -> Reply:
        """Returns what the HTTP API says."""
        assert (method, path) == ("POST", "/api/v1/query")
        assert form is not None
        self.asked.append(form["query"])
        if isinstance(self.fails, NotMeasured):
            raise self.fails
        if self.fails is not None:
            return self.fails
        result = self._result(form["query"], float(form.get("time", self.now_s)))
        document = {"status": "success", "data": {"resultType": "any", "result": result}, "warnings": self.warnings}
        return Reply(200, json.dumps(document).encode())

    def _result(self, query: str, time_s: float) -> list[dict[str, Any]]:
        if query == "vector(time())":
            return [{"metric": {}, "value": [self.now_s, str(self.now_s)]}]
        if grouped := re.fullmatch(r"count by \(le\) \((.*)\)", query):
            edges = Counter(labels["le"] for labels, _ in self._selected(parse_selector(grouped[1]), time_s, 300))
            return [{"metric": {"le": edge}, "value": [time_s, str(count)]} for edge, count in edges.items()]
        if counted := re.fullmatch(r"count\((.*)\)", query):
            number = len(self._selected(parse_selector(counted[1]), time_s, 300))
            return [{"metric": {}, "value": [time_s, str(number)]}] if number else []
        if ranged := re.fullmatch(r"(.*)\[(\d+)(ms|m)\]", query):
            length_s = int(ranged[2]) * (60 if ranged[3] == "m" else 0.001)
            found = self._selected(parse_selector(ranged[1]), time_s, length_s)
            return [{"metric": labels, **_samples(samples)} for labels, samples in found]
        found = self._selected(parse_selector(query), time_s, 300)
        return [{"metric": labels, "value": [time_s, _text(samples[-1][1])]} for labels, samples in found]

    def _selected(
        self, selector: Selector, time_s: float, length_s: float
    ) -> list[tuple[dict[str, str], list[tuple[float, Any]]]]:
        found = []
        for text, samples in self.series.items():
            series = parse_selector(text)
            labels = {each.label: each.value for each in series.matchers}
            kept = [each for each in samples if time_s - length_s <= each[0] <= time_s]
            if kept and selector.selects(series.name, labels):
                found.append(({"__name__": series.name, **labels}, kept))
        return found


def _samples(samples: Sequence[tuple[float, Any]]) -> dict[str, Any]:
    if isinstance(samples[0][1], dict):
        return {"histograms": [[time, value] for time, value in samples]}
    return {"values": [[time, _text(value)] for time, value in samples]}


def _text(value: float) -> str:
    return {float("inf"): "+Inf", float("-inf"): "-Inf"}.get(value, str(value))
