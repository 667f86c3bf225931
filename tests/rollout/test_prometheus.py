"""The reader of Prometheus: what it asks, what it makes of the answers, and that nothing is lost between two looks."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from readiness.config.selectors import parse_matchers, parse_selector
from readiness.errors import NotMeasured
from readiness.rollout.interface import Alert, Arm, Counts, Look, Mark, Measured, Missing, Targets
from readiness.rollout.prometheus import PrometheusReader, Wish
from readiness.rollout.prometheus_api import PrometheusApi
from readiness.rollout.source import Hopeless, Wanted
from tests.rollout.tape import NOW_S, Reply, Tape

ARMS = {Arm.CANARY: parse_matchers('track="canary"'), Arm.BASELINE: parse_matchers('track="stable"')}
ERRORS = Wanted("errors", parse_selector("requests_total"), parse_selector('requests_total{status=~"5.."}'))
LATENCY = Wanted("latency", histogram=parse_selector("took_seconds"), promote_edge=2.0, rollback_edge=5.0)
LONG = 200
IDLE = Counts(0, 0, marks=(Mark.ABSENT,))


def reader(tape: Tape, *metrics: Wanted, **keys: Any) -> PrometheusReader:
    """Returns a reader whose clock is the tape's."""
    wish = Wish(metrics or (ERRORS,), ARMS, 0.25, 15.0, **keys)
    return PrometheusReader(PrometheusApi(tape), wish, tape.clock)


def labels(track: str, more: str = "") -> str:
    """Returns the labels of a pod."""
    return f'{{job="shop",instance="{track}:80",track="{track}"{more}}}'


def healthy(tape: Tape, *, by: int = 10, since_s: float = NOW_S - 600, count: int = LONG) -> None:
    """Both tracks serve requests, one in ten of which is bad."""
    for track in ("canary", "stable"):
        tape.say(f"up{labels(track)}", [1] * count, start_s=since_s)
        for status, rate in (("200", by * 9 // 10), ("500", by // 10)):
            more = f',status="{status}"'
            tape.say(f"requests_total{labels(track, more)}", [rate * n for n in range(count)], start_s=since_s)


def histogram(tape: Tape, track: str, edges: dict[str, int]) -> None:
    """A pod has a histogram whose buckets rise by so many a scrape."""
    for edge, by in edges.items():
        more = f',le="{edge}"'
        values = [by * n for n in range(LONG)]
        tape.say(f"took_seconds_bucket{labels(track, more)}", values, start_s=NOW_S - 600)
    tape.say(f"took_seconds_count{labels(track)}", [edges["+Inf"] * n for n in range(LONG)], start_s=NOW_S - 600)


def step(tape: Tape, looking: PrometheusReader) -> Look:
    """Returns the look after the next interval."""
    tape.now_s += looking.wait_s()
    return looking.look()


def seen(look: Look, name: str = "errors", arm: str = "canary") -> list[Measured]:
    """Returns one metric's counts of a look."""
    assert look.unreadable is None
    return [getattr(each, arm)[name] for each in look.intervals]


@pytest.fixture
def tape() -> Tape:
    """A healthy rollout."""
    tape = Tape()
    healthy(tape)
    return tape


def test_the_first_look_begins(tape: Tape) -> None:
    """It has no counts, and knows the targets."""
    look = reader(tape).look()
    assert look.intervals == ()
    assert (look.canary, look.baseline) == (Targets(1, 1), Targets(1, 1))
    assert look.time_s == NOW_S


def test_each_interval_is_counted_once(tape: Tape) -> None:
    """Look by look, without a gap or an overlap."""
    looking = reader(tape)
    looks = [looking.look(), *(step(tape, looking) for _ in range(4))]
    assert [seen(each) for each in looks[1:]] == [[Counts(10, 1)]] * 4
    intervals = [each for look in looks for each in look.intervals]
    assert all(before.end_s == after.start_s for before, after in itertools.pairwise(intervals))
    assert intervals[-1].end_s <= tape.now_s - 5


def test_the_past_of_the_stage_is_read_where_it_is_asked_for(tape: Tape) -> None:
    """From the first moment at which the canary was up."""
    assert len(reader(tape, look_back_s=300.0).look().intervals) == 20
    late = [0] * 30 + [1] * (LONG - 30)
    tape.say(f"up{labels('canary')}", late, start_s=NOW_S - 600)
    assert len(reader(tape, look_back_s=300.0).look().intervals) == 9


def test_an_outage_is_made_good(tape: Tape) -> None:
    """What could not be read is read afterwards: the intervals are there, none of them twice."""
    looking = reader(tape)
    looking.look()
    tape.now_s += 15
    tape.fails = NotMeasured("refused the connection", "Start it.")
    look = looking.look()
    assert look.unreadable == "refused the connection. Start it."
    assert look.intervals == ()
    tape.now_s += 45
    tape.fails = None
    assert seen(looking.look()) == [Counts(10, 1)] * 4


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (Reply(401, b"no"), "answers 401"),
        (Reply(503, b'{"status":"error","error":"TSDB not ready"}'), "answers 503 to vector(time()): TSDB not ready"),
        (Reply(200, b'{"status":"error","errorType":"execution","error":"too many samples"}'), "too many samples"),
        (
            Reply(200, b"<html>Sign in</html>", {"content-type": "text/html"}),
            "answers 200 with text/html, and it is no JSON",
        ),
        (Reply(200, b'{"status":"success","data":{"result":[{"metric":1}]}}'), "is not in its format"),
        (Reply(200, b'{"status":"success"}'), "without data"),
        (
            Reply(200, b'{"status":"success","data":{"result":[]},"warnings":["remote storage is down"]}'),
            "warns about vector(time()): remote storage is down",
        ),
    ],
)
def test_what_cannot_be_trusted_is_not_read(tape: Tape, reply: Reply, says: str) -> None:
    """Refusals, warnings and pages in between: nothing is counted, and the look says why."""
    tape.fails = reply
    look = reader(tape).look()
    assert says in (look.unreadable or "")


@pytest.mark.parametrize(
    ("status", "names", "says"),
    [
        (401, (), "Nothing was sent that says who asks. Add headers"),
        (401, ("authorization", "x-scope-orgid"), "Sent, and refused: authorization, x-scope-orgid. Check"),
        (403, (), "Add headers"),
        (403, ("authorization",), "Sent, and known, but not allowed: authorization."),
    ],
)
def test_a_refusal_says_what_was_sent(tape: Tape, status: int, names: tuple[str, ...], says: str) -> None:
    """By the names of the headers: a token that is there need not be added."""
    tape.fails, tape.header_names = Reply(status, b"no"), names
    assert says in (reader(tape).look().unreadable or "")


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("https://me:pass@login.example/start?state=secret", "answers 302 and redirects to login.example. Name"),
        ("/login?next=secret", "answers 302 and redirects to another path of the same host. Name"),
    ],
)
def test_a_redirect_says_where_to(tape: Tape, location: str, says: str) -> None:
    """By its host alone; a log in is most likely wanted."""
    tape.fails = Reply(302, b"", {"location": location})
    found = reader(tape).look().unreadable or ""
    assert says in found
    assert "secret" not in found
    assert "login page: Add headers" in found


def test_hints_do_not_matter(tape: Tape) -> None:
    """`infos` are no warnings."""
    reply = {"status": "success", "data": {"result": []}, "infos": ["metric might not be a counter"]}
    tape.fails = Reply(200, json.dumps(reply).encode())
    assert PrometheusApi(tape).query("x", None) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_not_measured(tape: Tape, value: float) -> None:
    """NaN and infinity come over the wire, and are no counts."""
    key = next(each for each in tape.series if "canary" in each and "500" in each)
    tape.series[key] = [(time, value) for time, _ in tape.series[key]]
    looking = reader(tape)
    looking.look()
    (missing,) = seen(step(tape, looking))
    assert isinstance(missing, Missing)
    assert "which is no count" in missing.reason


def test_nothing_known_of_the_canary_is_not_its_end(tape: Tape) -> None:
    """Labels that nothing has are most likely misspelt; a canary that was there and has gone is down."""
    tape.series = {key: each for key, each in tape.series.items() if "canary" not in key}
    assert "nothing is known of the canary" in (reader(tape).look().unreadable or "")


def test_a_canary_that_goes_is_down(tape: Tape) -> None:
    """Its targets do not answer, or are not there any more."""
    looking = reader(tape)
    looking.look()
    key = f"up{labels('canary')}"
    tape.series[key] = [(time, value if time < tape.now_s else 0) for time, value in tape.series[key]]
    assert step(tape, looking).canary == Targets(0, 1)
    for each in [each for each in tape.series if "canary" in each]:
        tape.series[each] = [(time, value) for time, value in tape.series[each] if time <= tape.now_s]
    for _ in range(4):
        look = step(tape, looking)
    assert look.canary == Targets(0, 0)
    assert all(isinstance(each, Missing) for each in seen(look))


def test_targets_are_known_by_their_metrics_where_up_does_not_have_the_labels(tape: Tape) -> None:
    """The label of a track may be the service's own."""
    tape.series = {key: each for key, each in tape.series.items() if not key.startswith("up")}
    assert reader(tape).look().canary == Targets(1, 1)


def test_another_scrape_interval_is_named(tape: Tape) -> None:
    """`every` has to be that of Prometheus' own configuration."""
    for key in tape.series:
        tape.series[key] = tape.series[key][::4]
    looking = reader(tape)
    looking.look()
    found = [each for _ in range(4) for each in seen(step(tape, looking))]
    named = [each for each in found if isinstance(each, Missing) and each.remedy]
    assert {each.reason for each in named} == {"its targets are scraped every 60 s, and `every` of [rollout] is 15 s"}
    assert {each.remedy for each in named} == {'Set every = "60s".'}


def test_copies_of_one_pod_are_refused(tape: Tape) -> None:
    """Two Prometheus that scrape the same pods would have every request counted twice."""
    for key in [each for each in tape.series if "requests" in each]:
        for copy in ("a", "b"):
            tape.series[key.replace("{", f'{{prometheus_replica="{copy}",')] = tape.series[key]
        del tape.series[key]
    with pytest.raises(Hopeless, match="once for each prometheus_replica"):
        reader(tape).look()


@pytest.mark.parametrize("baseline", ['track=~"canary|stable"', 'instance=~".+"', 'track="canary"'])
def test_arms_that_overlap_are_refused(tape: Tape, baseline: str) -> None:
    """The canary would be compared with itself."""
    arms = {**ARMS, Arm.BASELINE: parse_matchers(baseline)}
    looking = PrometheusReader(PrometheusApi(tape), Wish((ERRORS,), arms, 0.25, 15.0), tape.clock)
    with pytest.raises(Hopeless, match=r'^requests_total\{.*track="canary"\} is in both arms') as seen:
        looking.look()
    assert f"`baseline` ({baseline})" in seen.value.cause


def test_one_pod_may_serve_both_arms(tape: Tape) -> None:
    """Its series are told apart by their labels."""
    for key in list(tape.series):
        tape.series[key.replace('instance="canary:80"', 'instance="stable:80"')] = tape.series.pop(key)
    looking = reader(tape)
    looking.look()
    assert seen(step(tape, looking)) == [Counts(10, 1)]


def test_requests_without_a_counter_of_errors(tape: Tape) -> None:
    """The family is asked for, where the selector finds nothing."""
    other = Wanted("errors", parse_selector('requests_total{status="200"}'), parse_selector("failures_total"))
    looking = reader(tape, other)
    looking.look()
    (missing,) = seen(step(tape, looking))
    assert isinstance(missing, Missing)
    assert "no series of failures_total" in missing.reason
    more = ',kind="timeout"'
    tape.say(f"failures_total{labels('canary', more)}", [0] * LONG, start_s=NOW_S - 600)
    looking = reader(tape, Wanted("errors", other.total, parse_selector('failures_total{kind="crash"}')))
    looking.look()
    assert seen(step(tape, looking)) == [Counts(9, 0)]


def test_errors_by_a_label_that_no_series_has(tape: Tape) -> None:
    """They are not zero: the label is most likely misspelt. A series of another endpoint may show that it is there."""
    bad = parse_selector('requests_total{status_code=~"5.."}')
    looking = reader(tape, Wanted("errors", parse_selector("requests_total"), bad))
    looking.look()
    look = step(tape, looking)
    for arm in ("canary", "baseline"):
        (missing,) = seen(look, arm=arm)
        assert isinstance(missing, Missing)
        assert "no series of requests_total has the label status_code" in missing.reason
        assert missing.reason.endswith("their labels: instance, job, status, track")
    more = ',status_code="200",endpoint="/other"'
    tape.say(f"requests_total{labels('canary', more)}", [0] * LONG, start_s=NOW_S - 600)
    looking = reader(tape, Wanted("errors", parse_selector('requests_total{endpoint=""}'), bad))
    looking.look()
    assert seen(step(tape, looking)) == [Counts(10, 0)]


def waiting(tape: Tape, **values: list[int]) -> None:
    """The canary is up and has no series yet; from eight seconds after now on it has those of these statuses."""
    for key in [each for each in tape.series if each.startswith("requests_total") and "canary" in each]:
        del tape.series[key]
    for status, found in values.items():
        more = f',status="{status.removeprefix("s")}"'
        tape.say(f"requests_total{labels('canary', more)}", found, start_s=NOW_S + 8)


def test_the_first_requests_bring_the_counter(tape: Tape) -> None:
    """A pod that has answered and had no counter has counted nothing: all of its first value is new."""
    waiting(tape, s500=[50] * LONG)
    looking = reader(tape)
    looking.look()
    tape.now_s = NOW_S + 12.5
    counts = [seen(step(tape, looking))[0] for _ in range(3)]
    assert counts == [Counts(50, 50, marks=(Mark.NEW,)), Counts(0, 0), Counts(0, 0)]


@pytest.mark.parametrize("known_by", ["up", "process_start_time_seconds", "other_total"])
def test_a_canary_that_waits_for_its_first_request_has_had_none(tape: Tape, known_by: str) -> None:
    """Where anything says that it answered. Nothing of the stage is missing when its counter comes."""
    waiting(tape, s200=[0] * 4 + [90 + 9 * n for n in range(LONG)])
    tape.series = {key: each for key, each in tape.series.items() if not (key.startswith("up") and "canary" in key)}
    tape.say(f"{known_by}{labels('canary')}", [1] * LONG, start_s=NOW_S - 600)
    key = f"requests_total{labels('canary', ',status=' + chr(34) + '200' + chr(34))}"
    tape.series[key] = tape.series[key][4:]
    other = Wanted("other", parse_selector("other_total"), parse_selector("other_total"))
    looking = reader(tape, ERRORS, other)
    looking.look()
    looks = [step(tape, looking) for _ in range(7)]
    counts = [each for look in looks for each in seen(look)]
    assert counts == [IDLE] * 4 + [Counts(90, 0, marks=(Mark.NEW,)), Counts(9, 0), Counts(9, 0)]
    assert looks[0].absent[Arm.CANARY]["errors"] == 'requests_total{track="canary"}'
    assert "errors" not in looks[-1].absent[Arm.CANARY]


def test_a_canary_of_which_nothing_says_that_it_answered_is_missing(tape: Tape) -> None:
    """Neither up nor anything else: no series, and no requests, are not the same."""
    waiting(tape)
    looking = reader(tape)
    looking.look()
    key = f"up{labels('canary')}"
    tape.series[key] = [(time, value if time < NOW_S else 0) for time, value in tape.series[key]]
    assert all(isinstance(seen(step(tape, looking))[0], Missing) for _ in range(3))


def test_pods_are_warm_although_they_do_not_say_when_they_started(tape: Tape) -> None:
    """From when they were first seen, also where their counter comes later."""
    tape.say(f"up{labels('canary')}", [1] * LONG, start_s=NOW_S - 600)
    looking = reader(tape, warm_up_s=60.0)
    looking.look()
    new = '{job="shop",instance="new:80",track="canary"}'
    tape.say(f"up{new}", [1] * LONG, start_s=NOW_S + 3)
    tape.say(f"requests_total{new}", [5 * n for n in range(LONG)], start_s=NOW_S + 3)
    counts = [seen(step(tape, looking))[0] for _ in range(9)]
    assert counts[0] == Counts(10, 1)
    assert counts[-1] == Counts(15, 1)


def test_pods_that_warm_up_do_not_count(tape: Tape) -> None:
    """Neither their requests nor their errors, until they are old enough."""
    tape.say(f"process_start_time_seconds{labels('canary')}", [NOW_S - 20] * LONG, start_s=NOW_S - 600)
    looking = reader(tape, warm_up_s=60.0)
    looking.look()
    counts = [seen(step(tape, looking))[0] for _ in range(6)]
    assert isinstance(counts[0], Missing)
    assert counts[-1] == Counts(10, 1)


def test_alerts_are_read(tape: Tape) -> None:
    """Those of the selector, by name, and since when they fire; not where none was asked for."""
    tape.say('ALERTS{alertname="Down",alertstate="firing",severity="critical"}', [1] * LONG, start_s=NOW_S - 600)
    assert reader(tape).look().alerts == ()
    critical = parse_selector('ALERTS{severity="critical"}')
    assert reader(tape, alerts=critical).look().alerts == (Alert("Down", NOW_S - 600),)
    assert reader(tape, alerts=parse_selector('ALERTS{severity="warning"}')).look().alerts == ()


@pytest.mark.parametrize(
    ("fired", "since_s"),
    [
        ([range(-7200, 0)], None),  # since before what is read
        ([range(-900, 0)], -900),
        ([range(-900, -300), range(-200, 0)], -900),  # a restart of Prometheus is no new beginning
        ([range(-900, -700), range(-200, 0)], -200),
        ([range(-900, -400)], "over"),
    ],
)
def test_alerts_fire_since(tape: Tape, fired: list[range], since_s: int | str | None) -> None:
    """Their samples go on without a pause until now."""
    key = 'ALERTS{alertname="Down",severity="critical"}'
    tape.series[key] = [(NOW_S + at, 1) for each in fired for at in range(each.start, each.stop, 20)]
    found = reader(tape, alerts=parse_selector("ALERTS")).look().alerts
    expected = None if since_s is None else NOW_S + float(since_s) if since_s != "over" else 0.0
    assert found == (() if since_s == "over" else (Alert("Down", expected),))


def test_alerts_are_read_back_to_the_deployment(tape: Tape) -> None:
    """The earliest start of the processes that are there; also by another run, after all have restarted."""
    for pod, started_s in (("old", NOW_S - 7000), ("new", NOW_S - 100)):
        more = f'{{job="shop",instance="{pod}:80",track="canary"}}'
        tape.say(f"process_start_time_seconds{more}", [started_s] * LONG, start_s=NOW_S - 600)
    tape.say('ALERTS{alertname="Down"}', [1] * 600, start_s=NOW_S - 6900)
    first = reader(tape, alerts=parse_selector("ALERTS"))
    look = first.look()
    assert (look.deployed_s, look.alerts) == (NOW_S - 7000, (Alert("Down", NOW_S - 6900),))
    step(tape, first)
    second = reader(tape, alerts=parse_selector("ALERTS"))
    assert second.restore(json.loads(json.dumps(first.state())))
    del tape.series['process_start_time_seconds{job="shop",instance="old:80",track="canary"}']
    assert step(tape, second).deployed_s == NOW_S - 7000


# --- histograms ---------------------------------------------------------------------------------------------------


def test_classic_histograms_are_read_at_edges_that_both_arms_have(tape: Tape) -> None:
    """However an edge is written; the next lower one for promotion, the next higher one for rollback."""
    histogram(tape, "canary", {"1": 5, "2.0": 7, "5.0": 9, "+Inf": 10})
    histogram(tape, "stable", {"1": 6, "2": 8, "5": 10, "10": 10, "+Inf": 10})
    looking = reader(tape, LATENCY)
    looking.look()
    look = step(tape, looking)
    assert seen(look, "latency") == [Counts(10, 3, 1)]
    assert seen(look, "latency", "baseline") == [Counts(10, 2, 0)]


def test_a_limit_that_can_never_be_observed_ends_it(tape: Tape) -> None:
    """Above the largest edge that both arms have, nothing is counted."""
    histogram(tape, "canary", {"1": 5, "2": 7, "+Inf": 10})
    histogram(tape, "stable", {"1": 5, "2": 7, "5": 9, "+Inf": 10})
    with pytest.raises(Hopeless, match="metric 'latency': the limit 5 is above the largest finite edge"):
        reader(tape, LATENCY).look()


def test_a_histogram_that_comes_later_is_found(tape: Tape) -> None:
    """Until then it has no observations; the baseline's are counted at its own edges."""
    looking = reader(tape, LATENCY)
    looking.look()
    look = step(tape, looking)
    assert seen(look, "latency") == seen(look, "latency", "baseline") == [IDLE]
    assert look.absent[Arm.BASELINE] == {"latency": 'took_seconds_count{track="stable"}'}
    histogram(tape, "stable", {"2": 7, "4": 8, "5": 9, "+Inf": 10})
    look = step(tape, looking)
    assert (seen(look, "latency"), seen(look, "latency", "baseline")) == ([IDLE], [Counts(10, 3, 1)])
    first_s = tape.now_s + 1
    for edge, value in {"1": 4, "5": 9, "+Inf": 10}.items():
        more = f',le="{edge}"'
        tape.say(f"took_seconds_bucket{labels('canary', more)}", [value] * LONG, start_s=first_s)
    tape.say(f"took_seconds_count{labels('canary')}", [10] * LONG, start_s=first_s)
    with pytest.raises(Hopeless, match="is below the smallest edge"):
        step(tape, looking)
    more = ',le="2.0"'
    tape.say(f"took_seconds_bucket{labels('canary', more)}", [7] * LONG, start_s=first_s)
    look = step(tape, looking)
    assert Counts(10, 3, 1, marks=(Mark.NEW,)) in seen(look, "latency")
    assert not look.absent[Arm.CANARY]


def test_native_histograms_are_read_by_their_buckets() -> None:
    """A bucket that the limit falls into is slow for promotion, and fast for rollback."""
    tape = Tape()
    healthy(tape)
    for track in ("canary", "stable"):
        values = [
            {
                "count": str(10 * n),
                "sum": "1",
                "buckets": [
                    [0, "0.5", "1", str(4 * n)],
                    [0, "1.8", "2.1", str(3 * n)],
                    [0, "2.1", "4", str(n)],
                    [0, "4.5", "5.5", str(n)],
                    [0, "8", "9", str(n)],
                ],
            }
            for n in range(LONG)
        ]
        tape.say(f"took_seconds{labels(track)}", values, start_s=NOW_S - 600)
    looking = reader(tape, LATENCY)
    looking.look()
    assert seen(step(tape, looking), "latency") == [Counts(10, 6, 1)]


# --- another run --------------------------------------------------------------------------------------------------


def test_another_run_goes_on(tape: Tape) -> None:
    """Where the first one stood, with what it owed; its state is JSON."""
    first = reader(tape, ERRORS, LATENCY)
    histogram(tape, "canary", {"2": 7, "5": 9, "+Inf": 10})
    histogram(tape, "stable", {"2": 7, "5": 9, "+Inf": 10})
    first.look()
    step(tape, first)
    kept = json.loads(json.dumps(first.state()))
    tape.now_s += 60
    second = reader(tape, ERRORS, LATENCY)
    assert second.restore(kept)
    look = second.look()
    assert seen(look) == [Counts(10, 1)] * 4
    assert seen(look, "latency") == [Counts(10, 3, 1)] * 4


def test_another_run_begins_anew(tape: Tape) -> None:
    """After hours, before anything was read, where Prometheus is gone, and where all of the canary is newer."""
    first = reader(tape)
    assert not reader(tape).restore(first.state())
    first.look()
    kept = first.state()
    tape.fails = NotMeasured("gone")
    assert not reader(tape).restore(kept)
    tape.fails = None
    tape.say(f"process_start_time_seconds{labels('canary')}", [tape.now_s + 10] * LONG, start_s=NOW_S - 600)
    tape.now_s += 20
    assert not reader(tape).restore(kept)
    tape.now_s += 100_000
    assert not reader(tape).restore(kept)
