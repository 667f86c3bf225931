"""Ways to break the service."""

from __future__ import annotations

import itertools
import json
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from tests.faults.entry import Fault, failed, unmeasured
from tests.probes import peers
from tests.project import serving_site

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.targets import Break, Changes, Targets
    from tests.project import Answer

PAGE = (200, "text/html", "<!doctype html><title>Sign in</title>")
"""What a proxy or a login page in front of the service answers."""


def answering(path: str, *answers: Answer) -> Break:
    """The service answers like this; with several answers in turn."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        before = dict(targets.site.answers)
        targets.site.answers[path] = answers[0] if len(answers) == 1 else itertools.cycle(answers)
        try:
            yield {}
        finally:
            targets.site.answers.clear()
            targets.site.answers.update(before)

    return breaks


def slow(path: str, after_s: float, **limits: str) -> Break:
    """The service answers late, measured against limits that it keeps when it is healthy."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        targets.site.delays_s[path] = after_s
        try:
            yield {f"health.{name}": value for name, value in limits.items()}
        finally:
            del targets.site.delays_s[path]

    return breaks


@contextmanager
def gone(_targets: Targets) -> Iterator[Changes]:
    """Nothing listens where the service should be."""
    with peers.refusing() as url:
        yield {"url": url}


@contextmanager
def hanging_up(_targets: Targets) -> Iterator[Changes]:
    """The service takes each request and closes the connection."""
    with peers.hanging_up() as url:
        yield {"url": url}


def with_instances(path: str, answer: Answer | None) -> Break:
    """The service has three instances; the last one answers otherwise, or is gone where there is no answer."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        with ExitStack() as stack:
            sites = [stack.enter_context(serving_site()) for _ in range(3)]
            for site in sites:
                site.answers |= targets.site.answers
            urls = [site.url for site in sites]
            if answer is None:
                urls[-1] = stack.enter_context(peers.refusing())
            else:
                sites[-1].answers[path] = answer
            yield {"instances": urls}

    return breaks


# --- what an answer says of itself --------------------------------------------------------------------------------

READY, TEXT, TYPED, DEGRADED = (f"health/endpoint[/{name}]" for name in ("ready", "text", "typed", "degraded"))


def _json(document: object, kind: str = "application/json", status: int = 200) -> Answer:
    return status, kind, json.dumps(document)


_DOWN = _json({"status": "down"})
_READ: tuple[tuple[str, Answer, str], ...] = (
    ("says down", _DOWN, 'signs of ill health: observed 1, expected at most 0'),
    ("says null", _json({"status": None}), "/status is null"),
    ("is not ready", _json({"ready": False}), "/ready is false"),
    ("is degraded", _json({"status": "Degraded"}), '/status is "Degraded"'),
    ("says what nobody knows", _json({"status": "tired"}), 'not known to mean healthy; if it counts as healthy, add accept = ["tired"]'),
    ("health+json warns", _json({"status": "pass", "checks": {"db:time": [{"status": "warn"}]}}, "application/health+json"), '/checks/db:time/0/status is "warn"'),
    ("a component is down", _json({"status": "UP", "components": {"db": {"status": "DOWN"}}}), '/components/db/status is "DOWN"'),
    ("a dependency is false", _json({"status": "ok", "dependencies": {"redis": False}}), "/dependencies/redis is false"),
    ("a check is null", _json({"status": "ok", "checks": {"queue": None}}), "/checks/queue is null"),
    ("tells an error", _json({"error": "no connection to the database"}), "/error is"),
    ("single-page app", PAGE, 'the answer is an HTML page titled "Sign in"'),
    ("nothing", (200, "application/json", ""), "the body is empty"),
    ("not the JSON it says it is", (200, "application/json", "OK, all fine"), "answered 200 with application/json, not JSON"),
)  # fmt: skip

FAULTS: tuple[Fault, ...] = (
    *(failed(READY, what, answering("/ready", answer), says) for what, answer, says in _READ),
    failed(READY, "flaps", answering("/ready", _json({"status": "up"}), _DOWN), '/status is "down"'),
    failed(TEXT, "not ok", answering("/text", (200, "text/plain", "not ok")), 'the answer is "not ok"'),
    failed(DEGRADED, "more than accepted", answering("/degraded", _json({"status": "down"})), '/status is "down"'),
    failed(
        TYPED,
        "another content type",
        answering("/typed", _json({"status": "healthy"}, "text/json")),
        "content type: observed text/json, expected exactly application/json",
    ),
    failed(
        TYPED,
        "oversize body",
        answering("/typed", _json({"status": "healthy", "log": "x" * 5000})),
        "KiB, expected at most 2 KiB (readiness.toml [health] max-body)",
    ),
    failed(
        TYPED,
        "violates a schema in another file",
        answering("/typed", _json({"status": "up"})),
        "/status: 'up' is not one of ['healthy']",
    ),
    failed(
        READY, "one bad instance of three", with_instances("/ready", _DOWN), "signs of ill health of http://127.0.0.1"
    ),
    failed(
        "health/version",
        "one instance of the release before",
        with_instances("/release", _json({"version": "1.9.9"})),
        "observed 1.9.9, expected exactly 2.0.0",
    ),
    unmeasured(READY, "one instance is gone", with_instances("/", None), "1 of 4 addresses of the service", "health/*"),
    unmeasured(READY, "401", answering("/ready", _json({}, status=401)), "answered 401: it wants to know who asks"),
    unmeasured(READY, "403", answering("/ready", _json({}, status=403)), "answered 403: not everybody may ask"),
    unmeasured(
        READY,
        "429 now and then",
        answering("/ready", _json({"status": "up"}), _json({}, status=429)),
        "request 2 of 3: GET http",
    ),
    unmeasured("health/version", "401", answering("/release", _json({}, status=401)), "it wants to know who asks"),
)
