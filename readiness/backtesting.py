"""From the command line of `readiness rollout backtest` to the table that holds and the Prometheus that it names."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from readiness.config.loading import load
from readiness.config.quantity import Duration, Ratio
from readiness.config.rollout_tables import Rollout
from readiness.errors import UsageError
from readiness.gate import builtin_gates
from readiness.rollout.backtest import Request, run

if TYPE_CHECKING:
    import ssl

    from readiness.redact import Redactor
    from readiness.rollout.source import Http

MOST_BYTES = 256 * 1024 * 1024
"""Of one answer: what many looks read together."""


def backtest(options: argparse.Namespace, redactor: Redactor, write: Callable[[str], None]) -> int:
    """Returns the exit status of `readiness rollout backtest`.

    Args:
        options: of the command line.
        redactor: learns the secrets of the configuration.
        write: shows text.

    Raises:
        UsageError: the command line or the configuration is wrong.
        ReadinessError: the past cannot be read.
    """
    if options.file is not None and options.record is not None:
        raise UsageError("--file and --record exclude each other: a recording is there already.", "Pass one of them.")
    # A recording needs no address and no token, so that it can be replayed where these are not known.
    settings = load(
        options.env,
        start=Path.cwd(),
        path=options.config,
        environ=os.environ,
        gates=builtin_gates(),
        only=("rollout",),
        plan=options.file is not None,
        redactor=redactor,
    )
    table = settings.gates.get("rollout")
    if not isinstance(table, Rollout):
        raise UsageError(
            f"{settings.file.name} has no table [rollout] for {options.env}.",
            f"Add one, or [env.{options.env}.rollout].",
        )
    step_s = _duration(options.step)
    request = Request(
        environment=options.env,
        stage=_stage(options.stage, table),
        from_text=options.start,
        to_text=options.end,
        step_s=step_s,
        record=options.record,
        file=options.file,
        as_json=options.json,
    )
    return run(table, request, settings.folder, make_http=_http, redact=redactor.redact, write=write)


def _duration(text: str) -> float:
    try:
        return Duration.parse(text)
    except ValueError as error:
        raise UsageError(f"--step={text}: {error}.") from None


def _stage(text: str | None, table: Rollout) -> float:
    if text is None:
        return float(table.stages[0])
    try:
        share = Ratio.parse(text if text.endswith("%") else f"{text}%")
    except ValueError as error:
        raise UsageError(f"--stage={text}: {error}.") from None
    if not any(math.isclose(share, each) for each in table.stages):
        known = ", ".join(map(str, table.stages))
        raise UsageError(f"--stage={text} is no stage of [rollout]. Known: {known}.", "Pass one of them.")
    return float(share)


def _http(address: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> Http:
    from readiness.probes.http import HttpProbe

    return HttpProbe(address, headers, budget=_no_limit, most_bytes=MOST_BYTES, tls=tls)


def _no_limit() -> float:
    return math.inf
