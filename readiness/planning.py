"""The plan of a rollout, for `--gate=rollout --collect-only`: the one thing that a plan asks somebody for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.errors import NotMeasured

if TYPE_CHECKING:
    import ssl

    from readiness.config.rollout_tables import Rollout
    from readiness.rollout.source import Http

WITHIN_S = 3.0
"""All that a plan waits for Prometheus."""
MOST_BYTES = 1024 * 1024
"""Of one answer, which is a sum."""


def rollout_lines(table: Rollout, missing: Sequence[str], folder: Path) -> list[str]:
    """Returns what each stage needs at today's traffic, or why that is not known. Prometheus is only read.

    Args:
        table: the gate's configuration.
        missing: environment variables that are not set; then nobody is asked.
        folder: of the configuration.
    """
    from readiness.rollout import forecast
    from readiness.rollout.making import api_of, wish_of

    why = forecast.refusal(table, missing)
    if why:
        return [why]
    end = time.monotonic() + WITHIN_S

    def make_http(address: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> Http:
        from readiness.probes.http import HttpProbe

        return HttpProbe(address, headers, budget=lambda: end - time.monotonic(), most_bytes=MOST_BYTES, tls=tls)

    try:
        api = api_of(table, folder, make_http)
        try:
            return list(forecast.lines(table, forecast.today(api, wish_of(table, float(table.stages[0])))))
        finally:
            api.http.close()
    except NotMeasured as error:
        return [forecast.unreachable(error)]
