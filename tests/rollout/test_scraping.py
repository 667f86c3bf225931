"""The reader of pods' own /metrics: formats, arms, restarts, load balancers, and what a pod takes with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from readiness.config.selectors import Matcher, parse_matchers, parse_selector
from readiness.probes.http import HttpProbe
from readiness.rollout.addresses import Source
from readiness.rollout.interface import Arm, Counts, Look, Mark, Measured, Missing, Targets
from readiness.rollout.judge import Judge
from readiness.rollout.judgement import Code
from readiness.rollout.scraping import ScrapingReader
from readiness.rollout.source import Hopeless, Wanted
from tests.probes import peers
from tests.project import Site, serving_site
from tests.rollout.looks import SPEC

ARMS = {Arm.CANARY: parse_matchers('track="canary"'), Arm.BASELINE: parse_matchers('track="stable"')}
ERRORS = Wanted("errors", parse_selector("hits_total"), parse_selector('hits_total{status=~"5.."}'))
LATENCY = Wanted("latency", histogram=parse_selector("took_seconds"), promote_edge=2.0, rollback_edge=5.0)
TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass
class Pod:
    """One pod on loopback whose counters a test sets."""

    site: Site
    track: str
    good: int = 0
    bad: int = 0
    slow: int = 0
    started_s: float = 1_600_000_000.0
    kind: str = TEXT
    own_label: bool = False
    """Whether it says its track itself."""
    lines: list[str] = field(default_factory=list)

    def serve(self, good: int = 0, bad: int = 0, slow: int = 0) -> None:
        """So many requests more."""
        self.good, self.bad, self.slow = self.good + good, self.bad + bad, self.slow + slow
        self.say()

    def wait(self) -> None:
        """It answers, and has counted nothing yet."""
        text = f"# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {self.started_s}\n"
        self.site.answers["/metrics"] = (200, TEXT, text)

    def say(self) -> None:
        """What /metrics answers now."""
        own, total = (f',track="{self.track}"' if self.own_label else ""), self.good + self.bad
        track = own.removeprefix(",")
        lines = [
            "# TYPE hits counter" if self.kind == OPEN else "# TYPE hits_total counter",
            f'hits_total{{status="200"{own}}} {self.good}',
            f'hits_total{{status="500"{own}}} {self.bad}',
            "# TYPE took_seconds histogram",
            f'took_seconds_bucket{{le="2.0"{own}}} {total - self.slow}',
            f'took_seconds_bucket{{le="5.0"{own}}} {total}',
            f'took_seconds_bucket{{le="+Inf"{own}}} {total}',
            f"took_seconds_count{{{track}}} {total}",
            f"took_seconds_sum{{{track}}} 1",
            "# TYPE process_start_time_seconds gauge",
            f"process_start_time_seconds {self.started_s}",
            *self.lines,
            *(["# EOF"] if self.kind == OPEN else []),
        ]
        self.site.answers["/metrics"] = (200, self.kind, "\n".join(lines) + "\n")

    @property
    def url(self) -> str:
        """Where it is scraped."""
        return f"{self.site.url}/metrics"


class Clock:
    """Monotonic time that a test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """Returns the time."""
        return self.now_s


@pytest.fixture
def pods() -> Iterator[list[Pod]]:
    """Two pods of each track."""
    with ExitStack() as stack:
        found = [Pod(stack.enter_context(serving_site()), track) for track in ("canary", "canary", "stable", "stable")]
        for pod in found:
            pod.serve(100, 10)
        yield found


class Looking:
    """A reader of pods, whose clock is the test's."""

    def __init__(
        self,
        pods: list[Pod],
        *metrics: Wanted,
        urls: dict[int, str] | None = None,
        warm_up_s: float = 0,
        arms: Mapping[Arm, Sequence[Matcher]] = ARMS,
    ) -> None:
        self.clock = Clock()
        sources = []
        for number, pod in enumerate(pods):
            origin = (urls or {}).get(number, pod.site.url)
            known = {} if pod.own_label else {"track": pod.track}
            http = HttpProbe(origin, budget=lambda: 60.0, timeout_s=5.0)
            url = f"{origin}/metrics?token=secret".replace("//", "//me:secret@")
            sources.append(Source(http, url, "/metrics", known))
        self.reader = ScrapingReader(
            sources, metrics or (ERRORS,), arms, stage=0.25, interval_s=15.0, warm_up_s=warm_up_s, clock=self.clock
        )

    def look(self) -> Look:
        """Returns the look after the next interval."""
        self.clock.now_s += self.reader.wait_s()
        return self.reader.look()


@pytest.fixture
def looking(pods: list[Pod]) -> Iterator[Looking]:
    """A reader that has looked once."""
    found = Looking(pods)
    assert found.reader.look().intervals == ()
    yield found
    found.reader.close()


def seen(look: Look, arm: str = "canary", name: str = "errors") -> Measured:
    """Returns one metric's counts of a look of one interval."""
    assert look.unreadable is None
    (interval,) = look.intervals
    found: Measured = getattr(interval, arm)[name]
    return found


def test_all_pods_of_an_arm_are_added_up(pods: list[Pod], looking: Looking) -> None:
    """From one scrape to the next."""
    for pod in pods:
        pod.serve(20, 1)
    look = looking.look()
    assert seen(look) == Counts(42, 2)
    assert seen(look, "baseline") == Counts(42, 2)
    assert (look.canary, look.baseline) == (Targets(2, 2), Targets(2, 2))


@pytest.mark.parametrize("kind", [TEXT, OPEN])
def test_both_formats_are_read(pods: list[Pod], kind: str) -> None:
    """Counters and histograms, with the labels of the pod or with its own."""
    for pod in pods:
        pod.kind, pod.own_label = kind, True
        pod.say()
    looking = Looking(pods, ERRORS, LATENCY)
    looking.reader.look()
    for pod in pods:
        pod.serve(20, 1, slow=3)
    look = looking.look()
    assert seen(look) == Counts(42, 2)
    assert seen(look, name="latency") == Counts(42, 6, 0)
    looking.reader.close()


def test_errors_by_a_label_that_no_series_has(pods: list[Pod]) -> None:
    """They are not zero: the label is most likely misspelt."""
    looking = Looking(pods, Wanted("errors", ERRORS.total, parse_selector('hits_total{status_code=~"5.."}')))
    looking.reader.look()
    for pod in pods:
        pod.serve(20, 6)
    missing = seen(looking.look())
    assert isinstance(missing, Missing)
    assert "no series of hits_total has the label status_code" in missing.reason
    assert missing.reason.endswith("their labels: instance, status, track")
    looking.reader.close()


def test_a_restart_counts_from_zero(pods: list[Pod], looking: Looking) -> None:
    """And is known to be one."""
    pods[0].good, pods[0].bad, pods[0].started_s = 0, 0, pods[0].started_s + 100
    pods[0].serve(7, 1)
    assert seen(looking.look()) == Counts(8, 1, marks=(Mark.RESET,))


def test_a_pod_that_does_not_answer_is_made_good(pods: list[Pod], looking: Looking) -> None:
    """When it answers again; meanwhile it is down."""
    answer = pods[0].site.answers["/metrics"]
    pods[0].site.answers["/metrics"] = (500, TEXT, "")
    pods[1].serve(10)
    look = looking.look()
    assert seen(look) == Counts(10, 0)
    assert look.canary == Targets(1, 2)
    pods[0].site.answers["/metrics"] = answer
    pods[0].serve(30)
    assert seen(looking.look()) == Counts(30, 0)


def test_an_arm_that_does_not_answer_is_owed(pods: list[Pod], looking: Looking) -> None:
    """The next counts say how many intervals they cover."""
    for pod in pods[:2]:
        pod.site.answers["/metrics"] = (500, TEXT, "")
    assert isinstance(seen(looking.look()), Missing)
    for pod in pods[:2]:
        pod.serve(5)
    assert seen(looking.look()) == Counts(10, 0, covers=2, marks=(Mark.BRIDGED,))


def test_a_canary_that_waits_for_its_first_request_has_had_none(pods: list[Pod]) -> None:
    """Nothing of the stage is missing when its counters come, and all of their first values is new."""
    for pod in pods[:2]:
        pod.good = pod.bad = 0
        pod.wait()
    looking = Looking(pods, ERRORS, LATENCY)
    looking.reader.look()
    for pod in pods[2:]:
        pod.serve(20, 1, slow=3)
    look = looking.look()
    assert seen(look) == Counts(0, 0, marks=(Mark.ABSENT,))
    assert seen(look, name="latency") == Counts(0, 0, 0, marks=(Mark.ABSENT,))
    assert seen(look, "baseline", "latency") == Counts(42, 6, 0)
    assert look.absent[Arm.CANARY] == {
        "errors": 'hits_total{track="canary"}',
        "latency": 'took_seconds_count{track="canary"}',
    }
    for pod in pods[:2]:
        pod.serve(5, 20, slow=3)
    look = looking.look()
    assert seen(look) == Counts(50, 40, marks=(Mark.NEW,))
    assert seen(look, name="latency") == Counts(50, 6, 0, marks=(Mark.NEW,))
    assert not look.absent[Arm.CANARY]
    looking.reader.close()


def test_what_a_pod_took_with_it_is_not_made_good_by_another(pods: list[Pod]) -> None:
    """One pod counts and goes, the other one has waited: its first requests do not speak for the lost ones."""
    pods[1].good = pods[1].bad = 0
    pods[1].wait()
    looking = Looking(pods)
    looking.reader.look()
    pods[0].site.answers["/metrics"] = (500, TEXT, "")
    assert all(isinstance(seen(looking.look()), Missing) for _ in range(3))
    pods[1].serve(5)
    assert seen(looking.look()) == Counts(5, 0, marks=(Mark.NEW,))
    looking.reader.close()


def test_a_pod_that_goes_takes_requests_with_it(pods: list[Pod], looking: Looking) -> None:
    """After three scrapes, as many as it had in its busiest interval."""
    pods[0].serve(50)
    looking.look()
    pods[0].site.answers["/metrics"] = (500, TEXT, "")
    found = [seen(looking.look()) for _ in range(4)]
    assert [each.lost for each in found if isinstance(each, Counts)] == [0, 0, 50, 0]


def test_nothing_answers() -> None:
    """Then it is not known whether it is the pods or the way there."""
    with peers.refusing() as url, serving_site() as site:
        pod = Pod(site, "canary")
        looking = Looking([pod], urls={0: url})
        look = looking.reader.look()
        assert "no target could be scraped" in (look.unreadable or "")
        assert "refused the connection" in (look.unreadable or "")
        looking.reader.close()


def test_an_address_that_never_answered_is_in_nobody_knows_which_arm(pods: list[Pod]) -> None:
    """Where the series say it: it may be a canary. It is named without its password, until it answers."""
    for pod in pods:
        pod.own_label = True
        pod.say()
    answer = pods[1].site.answers["/metrics"]
    pods[1].site.answers["/metrics"] = (500, TEXT, "")
    looking = Looking(pods)
    looking.reader.look()
    look = looking.look()
    assert look.canary == Targets(1, 1)
    assert look.unassigned == (f"{pods[1].site.url}/metrics",)
    (reason,) = (each for each in Judge(SPEC).look(look).reasons if each.code is Code.TARGETS_DOWN)
    assert f"{pods[1].site.url}/metrics does not answer, and nobody knows which track it is in" in reason.text
    pods[1].site.answers["/metrics"] = answer
    look = looking.look()
    assert (look.canary, look.unassigned) == (Targets(2, 2), ())
    pods[1].site.answers["/metrics"] = (500, TEXT, "")
    look = looking.look()
    assert (look.canary, look.unassigned) == (Targets(1, 2), ())
    kept = json.loads(json.dumps(looking.reader.state()))
    again = Looking(pods)
    again.clock.now_s, again.reader._offset_s = looking.clock.now_s + 15, looking.reader._offset_s
    assert again.reader.restore(kept)
    look = again.look()
    assert (look.canary, look.unassigned) == (Targets(1, 2), ())
    for each in (looking, again):
        each.reader.close()


@pytest.mark.parametrize("baseline", ['track=~"canary|stable"', 'instance!=""', 'track="canary"'])
def test_arms_that_overlap_are_refused(pods: list[Pod], baseline: str) -> None:
    """The canary would be compared with itself."""
    looking = Looking(pods, arms={**ARMS, Arm.BASELINE: parse_matchers(baseline)})
    with pytest.raises(
        Hopeless, match=r'^hits_total\{.*track="canary"\} is in both arms: `canary` \(track="canary"\)'
    ) as seen:
        looking.reader.look()
    assert f"`baseline` ({baseline})" in seen.value.cause
    looking.reader.close()


def test_what_is_not_counted_may_be_in_both_arms(pods: list[Pod]) -> None:
    """Such as series of another endpoint, which only show that there is such a counter."""
    total = parse_selector('hits_total{endpoint=""}')
    for pod in pods:
        pod.own_label = True
        pod.lines = ['hits_total{endpoint="/other",status="500"} 7']
        pod.say()
    arms = {Arm.CANARY: parse_matchers('track!="stable"'), Arm.BASELINE: parse_matchers('track!="canary"')}
    looking = Looking(pods, Wanted("errors", total, parse_selector('hits_total{endpoint="",status="500"}')), arms=arms)
    looking.reader.look()
    for pod in pods:
        pod.serve(20, 1)
    assert seen(looking.look()) == Counts(42, 2)
    looking.reader.close()


@pytest.mark.parametrize(
    ("kind", "body", "says"),
    [
        ("text/html", "<html>", "answers with a page"),
        (TEXT, "hits_total{ 1", "is not in the format"),
        (TEXT, "", "answers with nothing"),
        (OPEN, "hits_total 1\n", "is not in the format"),
    ],
)
def test_what_is_no_metrics_is_no_answer(pods: list[Pod], kind: str, body: str, says: str) -> None:
    """Pages, broken lines, and nothing at all."""
    for pod in pods:
        pod.site.answers["/metrics"] = (200, kind, body)
    looking = Looking(pods)
    assert says in (looking.reader.look().unreadable or "")
    looking.reader.close()


def test_an_address_that_several_processes_answer_is_refused(pods: list[Pod], looking: Looking) -> None:
    """Their start times take turns."""
    own = pods[0].started_s
    pods[0].started_s = own + 500
    pods[0].serve(1)
    looking.look()
    pods[0].started_s = own
    pods[0].serve(1)
    with pytest.raises(Hopeless, match="several processes in turn"):
        looking.look()


def test_labels_that_no_pod_has(pods: list[Pod]) -> None:
    """Are most likely misspelt."""
    for pod in pods:
        pod.track = "stable"
    looking = Looking(pods)
    assert "no target is one of the canary's" in (looking.reader.look().unreadable or "")
    looking.reader.close()


def test_pods_that_warm_up_do_not_count(pods: list[Pod]) -> None:
    """Until they are old enough; what they have counted by then is left out."""
    looking = Looking(pods, warm_up_s=60.0)
    looking.reader.look()
    for pod in pods[:2]:
        pod.started_s = looking.reader._now() + 1
        pod.good = pod.bad = 0
        pod.serve(9, 9)
    assert isinstance(seen(looking.look()), Missing)
    for _ in range(4):
        looking.look()
    for pod in pods[:2]:
        pod.serve(5)
    assert seen(looking.look()) == Counts(10, 0)
    looking.reader.close()


def test_a_limit_above_the_largest_edge_ends_it(pods: list[Pod]) -> None:
    """It could never be observed."""
    looking = Looking(pods, Wanted("latency", histogram=parse_selector("took_seconds"), promote_edge=7.0))
    with pytest.raises(Hopeless, match="above the largest finite edge"):
        looking.reader.look()
    looking.reader.close()


def test_another_run_goes_on(pods: list[Pod], looking: Looking) -> None:
    """What was counted in between is there, and covers the pause; its state is JSON."""
    looking.look()
    kept = json.loads(json.dumps(looking.reader.state()))
    for pod in pods:
        pod.serve(40)
    again = Looking(pods)
    again.clock.now_s = looking.clock.now_s + 30
    again.reader._offset_s = looking.reader._offset_s
    assert again.reader.restore(kept)
    look = again.look()
    assert seen(look) == Counts(80, 0)
    assert look.intervals[0].end_s - look.intervals[0].start_s == 30
    again.reader.close()


def test_another_run_begins_anew(pods: list[Pod], looking: Looking) -> None:
    """After a long pause, and where all of the canary is newer."""
    looking.look()
    kept = json.loads(json.dumps(looking.reader.state()))
    late = Looking(pods)
    late.reader._offset_s = looking.reader._offset_s + 10_000
    assert not late.reader.restore(kept)
    for pod in pods[:2]:
        pod.started_s = looking.reader._now() + 5
        pod.say()
    newer = Looking(pods)
    newer.clock.now_s = looking.clock.now_s + 30
    newer.reader._offset_s = looking.reader._offset_s
    assert not newer.reader.restore(kept)
    for each in (late, newer):
        each.reader.close()
