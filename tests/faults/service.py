"""Ways to break the service."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.probes import peers

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
