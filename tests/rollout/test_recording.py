"""A recorded past: what is written is read again, and it answers as Prometheus would have."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest

from readiness.config.rollout_tables import Rollout
from readiness.config.selectors import parse_selector
from readiness.errors import NotMeasured, UsageError
from readiness.rollout.making import wish_of
from readiness.rollout.prometheus_api import Found, Native, PrometheusApi
from readiness.rollout.recording import SCHEMA, Recording, read, write
from readiness.rollout.replay import Moment, PastApi, PastUnreadableError, RecordedApi, fetch, selectors_of

NATIVE = Native(7.0, ((0.1, 0.2, 4.0), (0.2, 0.4, 3.0)))
SERIES = (
    Found({"__name__": "up", "job": "shop"}, (100.0, 115.0, 130.0), (1.0, 1.0, 0.0)),
    Found({"__name__": "slow", "le": 'a "quoted" one'}, (100.0, 115.0), (math.inf, 0.1 + 0.2)),
    Found({"__name__": "native"}, (100.0,), (), (NATIVE,)),
)


def table(**more: Any) -> Rollout:
    """Returns a rollout with a counter and a histogram."""
    import msgspec

    document = {
        "prometheus": "http://prometheus:9090",
        "stages": ["25%"],
        "canary": 'track="canary"',
        "baseline": 'track="stable"',
        "observe": "30m",
        "metric": [
            {"name": "errors", "total": "all_total", "bad": "bad_total", "promote-below": "1%"},
            {"name": "latency", "histogram": "took", "promote-slower-than": {"edge": "2s", "below": "5%"}},
        ],
        **more,
    }
    from readiness.config.loading import _decode  # the tables' own hook for quantities

    return msgspec.convert(document, Rollout, dec_hook=_decode)


@pytest.mark.parametrize("name", ["past.jsonl", "past.jsonl.gz"])
def test_what_is_written_is_read_again(tmp_path: Path, name: str) -> None:
    """Every value to the last bit, infinities and native histograms too; a name in .gz is gzipped."""
    path = tmp_path / name
    assert write(path, 100.0, 130.0, SERIES) == (3, 6)
    recording = read(path)
    assert (recording.start_s, recording.end_s) == (100.0, 130.0)
    for each in SERIES:
        (kept,) = recording.select(parse_selector(each.labels["__name__"]))
        assert kept.between(0.0, 1000.0) == each
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")


def test_lines_of_one_series_are_joined_without_repeating(tmp_path: Path) -> None:
    """Chunks that overlap count no sample twice."""
    chunks = (Found({"__name__": "up"}, (1.0, 2.0), (1.0, 2.0)), Found({"__name__": "up"}, (2.0, 3.0), (2.0, 3.0)))
    write(tmp_path / "past", 1.0, 3.0, chunks)
    (kept,) = read(tmp_path / "past").select(parse_selector("up"))
    assert kept.between(0, 9) == Found({"__name__": "up"}, (1.0, 2.0, 3.0), (1.0, 2.0, 3.0))


def test_recording_has_no_secret(tmp_path: Path) -> None:
    """What a label says goes through the redactor."""
    write(tmp_path / "past", 1.0, 2.0, SERIES, lambda line: line.replace("shop", "***"))
    assert "shop" not in (tmp_path / "past").read_text()


def test_existing_file_is_not_replaced(tmp_path: Path) -> None:
    """A recording is never written over something."""
    (tmp_path / "past").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        write(tmp_path / "past", 1.0, 2.0, SERIES)
    assert (tmp_path / "past").read_text() == "mine"


def test_recording_that_is_cut_short_leaves_nothing(tmp_path: Path) -> None:
    """Whole or not at all."""

    def broken() -> Any:
        yield SERIES[0]
        raise PastUnreadableError("gone")

    with pytest.raises(PastUnreadableError):
        write(tmp_path / "past", 1.0, 2.0, broken())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1"),
        ("[]", "does not say"),
        ('{"schema": "other"}', "does not say"),
        (json.dumps({"schema": SCHEMA, "start_s": 1}), "end_s"),
        (json.dumps({"schema": SCHEMA, "start_s": 1, "end_s": 1e30}), "from 1 to 1e\\+30 is no time"),
        (json.dumps({"schema": SCHEMA, "start_s": float("nan"), "end_s": 2}), "is no time"),
        (json.dumps({"schema": SCHEMA, "start_s": 1, "end_s": 2}) + "\n{}", "line 2"),
        (json.dumps({"schema": SCHEMA, "start_s": 1, "end_s": 2}) + "\nnonsense", "line 2"),
        (json.dumps({"schema": SCHEMA, "start_s": 1, "end_s": 2}) + '\n{"metric": {}, "values": [[1]]}', "line 2"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """It says which line, and how a recording is made."""
    (tmp_path / "past").write_text(text)
    with pytest.raises(UsageError, match=words) as refused:
        read(tmp_path / "past")
    assert "--record" in refused.value.remedy


def test_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Missing, or gzipped and cut off: exit status 4, not a traceback."""
    with pytest.raises(UsageError, match="cannot be read"):
        read(tmp_path / "none")
    whole = gzip.compress(b"x" * 1000)
    (tmp_path / "cut.gz").write_bytes(whole[:-6])
    with pytest.raises(UsageError, match=r"cut\.gz"):
        read(tmp_path / "cut.gz")


# --- the recording as a Prometheus ----------------------------------------------------------------------------------


def recorded(*series: Found, now_s: float = 130.0) -> RecordedApi:
    """Returns what answers from these series."""
    recording = Recording(0.0, 1000.0)
    for each in series:
        recording.add(dict(each.labels), each.times_s, each.values, each.natives)
    return RecordedApi(recording, Moment(now_s))


def test_range_holds_its_raw_samples() -> None:
    """Both ends belong to it; a series without a sample in it is not there."""
    api = recorded(*SERIES)
    assert api.query("up[30s]", 130.0) == [SERIES[0]]
    assert api.query("up[15000ms]", 130.0) == [Found({"__name__": "up", "job": "shop"}, (115.0, 130.0), (1.0, 0.0))]
    assert api.query('up{job="other"}[1m]', 130.0) == []
    assert api.query("up[10s]", 500.0) == []


def test_instant_forgets_what_is_overdue() -> None:
    """A series whose next sample has not come is gone, as Prometheus' own marks say; an alert does not fire on."""
    api = recorded(*SERIES)
    assert [each.values for each in api.query("up", 120.0)] == [(1.0,)]
    assert api.query("up", 160.0) == []
    assert api.query("up", 99.0) == []


def test_series_are_counted_by_edge() -> None:
    """As the reader asks it which edges there are."""
    buckets = [
        Found({"__name__": "took_bucket", "le": le, "pod": pod}, (100.0, 115.0), (1.0, 2.0))
        for le, pod in (("1", "a"), ("1", "b"), ("+Inf", "a"))
    ]
    found = recorded(*buckets).query("count by (le) (took_bucket)", 115.0)
    assert {each.labels["le"]: each.values for each in found} == {"1": (2.0,), "+Inf": (1.0,)}
    assert recorded(*buckets).query("count(took_bucket)", 115.0) == [Found({}, (115.0,), (3.0,))]
    assert recorded(*buckets).query("count(other)", 115.0) == []


# --- a Prometheus whose time is another one -------------------------------------------------------------------------


class Live(PrometheusApi):
    """A Prometheus with one series, a sample a second, that notes what it is asked."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.asked: list[str] = []
        self.breaks = breaks
        self.http = None  # type: ignore[assignment] # nothing asks over HTTP here

    def query(self, expression: str, time_s: float | None) -> list[Found]:
        """Returns the samples of the range before a time."""
        self.asked.append(expression)
        if self.breaks:
            raise NotMeasured("it refused", "start it")
        selector, _, length = expression.rstrip("]").partition("[")
        if not length or time_s is None:
            return [Found({"__name__": "an answer"}, (time_s or 0.0,), (1.0,))]
        first = math.ceil(time_s - float(length.removesuffix("ms")) / 1000)
        times = tuple(float(each) for each in range(first, math.floor(time_s) + 1))
        return [Found({"__name__": selector}, times, times)]


def test_raw_samples_are_asked_for_many_looks_at_once() -> None:
    """Sixty intervals are one question, and each look gets its own part of the answer."""
    live = Live()
    moment = Moment(1000.0, step_s=1.0)
    api = PastApi(live, moment, 1.0, end_s=1100.0)
    for _ in range(100):
        (found,) = api.query("up[10000ms]", moment.now_s)
        assert found.times_s == tuple(moment.now_s - 10 + each for each in range(11))
        assert found.values == found.times_s
        moment.move(0.0)
    assert len(live.asked) <= 3


def test_expressions_are_asked_as_they_are() -> None:
    """What an expression said at a moment is Prometheus' own business."""
    live = Live()
    api = PastApi(live, Moment(1000.0), 1.0, end_s=1100.0)
    assert api.query("count(up)", 1000.0)[0].times_s == (1000.0,)
    assert api.now_s() == 1000.0


def test_past_that_cannot_be_read_ends_the_replay() -> None:
    """It is no `hold`: the judge of then would have seen something else."""
    api = PastApi(Live(breaks=True), Moment(1000.0), 1.0, end_s=1100.0)
    with pytest.raises(PastUnreadableError, match="it refused"):
        api.query("up[1s]", None)
    assert not isinstance(PastUnreadableError("x"), NotMeasured)
    with pytest.raises(PastUnreadableError, match="it refused"):
        list(fetch(Live(breaks=True), wish_of(table(), 0.25), 1000.0, 1010.0))


def test_recording_holds_what_a_replay_asks_for() -> None:
    """Both arms of every metric, all edges, start times, targets, alerts, and whether a counter of errors exists."""
    alerts = 'ALERTS{alertstate="firing"}'
    names = {str(each) for each in selectors_of(wish_of(table(alerts=alerts), 0.25))}
    arms = ('{track="canary"}', '{track="stable"}')
    metrics = ("up", "process_start_time_seconds", "all_total", "bad_total", "took_bucket", "took_count", "took")
    assert names == {alerts, *(f"{metric}{arm}" for metric in metrics for arm in arms)}


def test_recording_goes_back_before_its_beginning() -> None:
    """The first interval needs a beginning; chunks join without a gap, and no series is twice in one."""
    live = Live()
    found = list(fetch(live, wish_of(table(every="1s"), 0.25), 1000.0, 1100.0))
    (ups,) = {tuple(each.labels.items()) for each in found if each.labels["__name__"] == 'up{track="canary"}'}
    times = [time for each in found if tuple(each.labels.items()) == ups for time in each.times_s]
    assert min(times) <= 1000.0 - 4
    assert set(range(1000, 1101)) <= {int(each) for each in times}


def test_recording_knows_since_when_an_alert_fires() -> None:
    """However long before its beginning that was: one that is older than the deployment is none of its faults."""
    start_s = 1_000_000.0
    found = fetch(Live(), wish_of(table(every="1s", alerts="ALERTS"), 0.25), start_s, start_s + 100)
    times = [time for each in found if each.labels["__name__"] == "ALERTS" for time in each.times_s]
    assert min(times) <= start_s - 6 * 3600
    assert times == sorted(set(times))
