"""What a target says at `/metrics`, in the text format or in OpenMetrics, as samples.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ and https://openmetrics.io
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from readiness.errors import NotMeasured
from readiness.rollout.interface import Sample
from readiness.rollout.source import Answer

ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
"""What is asked for: OpenMetrics first, because it says when a counter was created."""
REMEDY = "Name the address at which Prometheus would scrape this pod, such as http://host:8000/metrics."


def samples_of(
    answer: Answer, where: str, time_s: float, labels: Mapping[str, str], wants: Callable[[str], bool]
) -> list[Sample]:
    """Returns the samples whose name is wanted.

    Args:
        answer: of the target.
        where: its address, as it may be shown.
        time_s: when it was asked; timestamps of its own are not looked at.
        labels: of the target, which win over the samples' own.
        wants: says whether samples of this name are looked at.

    Raises:
        NotMeasured: it says something else.
    """
    if answer.status != HTTPStatus.OK:
        raise NotMeasured(f"{where} answers {answer.status}", REMEDY)
    kind = answer.headers.get("content-type", "")
    if "html" in kind:
        raise NotMeasured(f"{where} answers with a page ({kind[:80]}), not with metrics", REMEDY)
    try:
        text = answer.body.decode()
        found = [
            Sample(each.name, tuple(sorted({**each.labels, **labels}.items())), float(each.value), time_s)
            for family in _parse(text, is_open="openmetrics" in kind)
            for each in family.samples
            if wants(each.name)
        ]
    except Exception as error:  # noqa: BLE001 - the parsers raise whatever a broken line leads to
        said = " ".join(str(error).split())[:200]
        raise NotMeasured(
            f"{where}: what it says is not in the format of {kind[:80] or 'metrics'}: {said}", REMEDY
        ) from None
    if not text.strip():
        raise NotMeasured(f"{where} answers with nothing", REMEDY)
    return found


def _parse(text: str, *, is_open: bool) -> Any:
    if is_open:
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open

        return parse_open(text)  # type: ignore[no-untyped-call] # prometheus_client types only some of itself
    from prometheus_client.parser import text_string_to_metric_families as parse_text

    return parse_text(text)
