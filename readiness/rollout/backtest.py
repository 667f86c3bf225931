"""`readiness rollout backtest`: what the judge would have said of a past rollout, and when.

The gate's own loop, reader and judge look at a Prometheus whose time is another one. As in the gate, the observation
ends where it is decided, or where the stage's time is over after the canary was there first.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from readiness.config.quantity import Duration
from readiness.errors import UsageError
from readiness.rollout import recording, replay
from readiness.rollout.interface import Action
from readiness.rollout.making import api_of, limits_of, wish_of
from readiness.rollout.observation import Watch, share_text
from readiness.rollout.source import spec_of
from readiness.rollout.spec import minutes_text

if TYPE_CHECKING:
    from readiness.config.rollout_tables import Rollout
    from readiness.rollout.making import MakeHttp
    from readiness.rollout.prometheus import Wish
    from readiness.rollout.prometheus_api import PrometheusApi

SCHEMA = "readiness-rollout-backtest/1"
PROMOTED, NOT_PROMOTED = 0, 1
"""Exit statuses: those that the gate would have had. 4 is wrong usage, as everywhere."""
_SHOWN_REASONS = 6

Past: TypeAlias = "tuple[PrometheusApi, replay.Moment, float]"
"""What answers, the time at its beginning, and its end."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for."""

    environment: str
    stage: float
    from_text: str | None
    to_text: str | None
    step_s: float
    record: Path | None
    file: Path | None
    as_json: bool


def run(
    table: Rollout,
    request: Request,
    folder: Path,
    *,
    make_http: MakeHttp,
    redact: Callable[[str], str],
    write: Callable[[str], None],
) -> int:
    """Returns the exit status; what is shown goes to `write`.

    Args:
        table: the gate's configuration.
        request: what is asked for.
        folder: of the configuration.
        make_http: makes what asks a Prometheus.
        redact: takes secrets out of text.
        write: shows text.

    Raises:
        UsageError: it cannot be followed as given.
        NotMeasured: Prometheus does not answer.
        PastUnreadableError: it stopped answering.
    """
    # What was there before the stage is not judged, and the command says when that is.
    wish = replace(wish_of(table, request.stage), look_back_s=0.0)
    past = _past(table, wish, request, live=lambda: api_of(table, folder, make_http), redact=redact)
    _, moment, end_s = past
    start_s = moment.now_s
    kept: list[dict[str, Any]] = []
    ended = _watch(table, wish, past, kept.append)
    points = [each["judgement"] for each in kept]
    said = {
        "schema": SCHEMA,
        "environment": request.environment,
        "stage": share_text(request.stage),
        "from": iso(start_s),
        "to": iso(end_s),
        "action": points[-1]["action"],
        "decided": None if points[-1]["action"] == Action.HOLD else iso(points[-1]["time_s"]),
        "ended": ended,
        "points": [{"time": iso(each["time_s"]), **each} for each in points],
    }
    text = json.dumps(said, indent=1) if request.as_json else "\n".join(_lines(said))
    write(redact(text))
    return PROMOTED if said["action"] == Action.PROMOTE else NOT_PROMOTED


def _watch(table: Rollout, wish: Wish, past: Past, keep: Callable[[dict[str, Any]], None]) -> str:
    """Returns why the replay ended; each look was given to `keep`."""
    from readiness.rollout.prometheus import PrometheusReader

    api, moment, end_s = past
    reader = PrometheusReader(api, wish, moment.clock)
    spec, limits = spec_of(table, wish.stage), limits_of(table)
    # Nothing of before the replay is judged, so that all of the stage's time is observed in it.
    watch = Watch(spec, reader, wish.stage, spec.stage_s, limits, keep, moment.clock, moment.move, gives_up=False)
    try:
        return watch.run(end_s - moment.now_s, "the time to replay").ended
    finally:
        reader.close()


def _past(
    table: Rollout,
    wish: Wish,
    request: Request,
    *,
    live: Callable[[], PrometheusApi],
    redact: Callable[[str], str],
) -> Past:
    if request.file is not None:
        known = recording.read(request.file)
        start_s, end_s = _span(request, known.start_s, known.end_s, known.end_s)
        if start_s < known.start_s - 1 or end_s > known.end_s + 1:
            held = f"{iso(known.start_s)} to {iso(known.end_s)}"
            raise UsageError(f"{str(request.file)!r} holds {held} only.", "Ask for a part of that.")
        moment = replay.Moment(start_s, request.step_s)
        return replay.RecordedApi(known, moment), moment, end_s
    if table.prometheus is None:
        raise UsageError(
            "[rollout] has no `prometheus`, and pods that are scraped keep no past.", "Add it, or pass --file."
        )
    api = live()
    now_s = api.now_s()
    start_s, end_s = _span(request, None, now_s, now_s)
    end_s = min(end_s, now_s)
    if start_s >= end_s:
        raise UsageError(f"--from ({iso(start_s)}) lies in the future.", "Name a time that has passed.")
    if request.record is None:
        moment = replay.Moment(start_s, request.step_s)
        return replay.PastApi(api, moment, wish.interval_s, end_s), moment, end_s
    recording.write(request.record, start_s, end_s, replay.fetch(api, wish, start_s, end_s), redact)
    moment = replay.Moment(start_s, request.step_s)
    return replay.RecordedApi(recording.read(request.record), moment), moment, end_s


def _span(request: Request, start_s: float | None, end_s: float, now_s: float) -> tuple[float, float]:
    begin = start_s if request.from_text is None else moment_of(request.from_text, now_s, "--from")
    end = end_s if request.to_text is None else moment_of(request.to_text, now_s, "--to")
    if begin is None:
        raise UsageError(
            "--from is missing.", "Pass --from=TIME, such as 2026-11-21T13:00:00Z, or 2h for two hours ago."
        )
    if begin >= end:
        raise UsageError(f"--from ({iso(begin)}) is not before --to ({iso(end)}).", "Swap them.")
    return begin, end


def moment_of(text: str, now_s: float, option: str) -> float:
    """Returns seconds since the epoch of a time such as `2026-11-21T13:00:00Z`, `1795266000`, `2h` (ago) or `now`.

    Raises:
        UsageError: it is none of them.
    """
    found = _moment(text, now_s)
    if found is None or not 0 <= found <= recording.LATEST_S:  # NaN is in no order
        raise UsageError(
            f"{option}={text}: expected a time such as 2026-11-21T13:00:00Z (UTC unless it says otherwise), "
            "seconds since the epoch, a length of time ago such as 2h, or now."
        )
    return found


def _moment(text: str, now_s: float) -> float | None:
    if text == "now":
        return now_s
    with contextlib.suppress(ValueError):
        return now_s - Duration.parse(text)
    with contextlib.suppress(ValueError):
        return float(text)
    with contextlib.suppress(ValueError, OverflowError):
        found = dt.datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=dt.UTC)).timestamp()
    return None


def iso(moment_s: float) -> str:
    """Returns a moment as RFC 3339 writes it, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment_s))


# --- the table ------------------------------------------------------------------------------------------------------


def _lines(said: Mapping[str, Any]) -> Iterator[str]:
    """Yields a row for each look that said something else than the one before it, and the end."""
    points = said["points"]
    yield f"rollout of {said['environment']} at {said['stage']}, {said['from']} to {said['to']}: {len(points)} looks"
    yield ""
    yield f"{'time (UTC)':<21} {'action':<9} {'evidence':>9} of {points[0]['threshold']:<5g}  {'canary':<22} baseline"
    before: tuple[Any, ...] = ()
    for each in points:
        codes = (each["action"], *sorted({(reason["code"], reason["metric"]) for reason in each["reasons"]}))
        if codes != before or each is points[-1]:
            yield from _row(each)
        before = codes
    yield ""
    last = points[-1]
    minutes = f"{minutes_text(last['elapsed_s'])} min of the stage"
    yield f"{said['action']} at {iso(last['time_s'])}, after {minutes}: {said['ended']}."


def _row(point: Mapping[str, Any]) -> Iterator[str]:
    metrics = point["metrics"]
    canary, baseline = (
        ", ".join(f"{each['name']} {each[f'{arm}_bad']}/{each[f'{arm}_requests']}" for each in metrics)
        for arm in ("canary", "baseline")
    )
    yield f"{point['time']:<21} {point['action']:<9} {point['evidence']:>9.3g}    {'':<5}  {canary:<22} {baseline}"
    reasons = point["reasons"]
    for each in reasons[:_SHOWN_REASONS]:
        of = f"{each['metric']}: " if each["metric"] else ""
        yield f"{'':<21} - {of}{each['text']}"
    if len(reasons) > _SHOWN_REASONS:
        yield f"{'':<21} - and {len(reasons) - _SHOWN_REASONS} more"
