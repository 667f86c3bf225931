"""The faults that the variable `FAULTS` switches on, for tests of the checks.

`FAULTS=slow-health=800ms,old-version` gives the service two of them. This module
knows names and arguments and counts; the code that misbehaves asks it.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service_base.settings import SettingsError


def duration_s(text: str) -> float:
    """Return the seconds in `"800ms"` or `"3s"`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text)
    if match is None:
        raise ValueError("a duration such as 800ms or 3s")
    return float(match[1]) * {"ms": 0.001, "s": 1.0}[match[2]]


def ratio(text: str) -> float:
    """Return the ratio in `"30%"`, between 0 and 1."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    if match is None or float(match[1]) > 100:
        raise ValueError("a percentage such as 30%, at most 100%")
    return float(match[1]) / 100


def count(text: str) -> float:
    """Return the whole number in `text`, at least 1."""
    if re.fullmatch(r"[1-9][0-9]*", text) is None:
        raise ValueError("a whole number such as 5")
    return float(text)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for the service, or for a server behind it, to be broken."""

    effect: str
    """What a client sees."""
    argument: Callable[[str], float] | None = None
    """Reads what stands after `=`; None when nothing may stand there."""


OF_HEALTH: Mapping[str, Fault] = {
    "health-503": Fault("/health answers 503"),
    "health-says-down": Fault('/health answers 200 with {"status": "down"}'),
    "health-degraded": Fault("/health answers 200 and names a dependency that is down"),
    "health-html": Fault("/health answers 200 with an HTML page"),
    "health-not-json": Fault("/health answers 200, typed as JSON, which it is not"),
    "health-empty": Fault("/health answers 200 with no body"),
    "slow-health": Fault("/health answers after this long", duration_s),
    "flaky-health": Fault("the first N requests to /health answer 503", count),
    "redirect-loop": Fault("/health redirects to itself"),
    "huge-body": Fault("/health streams 1 GB"),
    "drip": Fault("/health sends one byte per second and never ends"),
    "old-version": Fault("/health reports version 0.0.1"),
    "db-disconnected": Fault('/health/db answers 200 with {"status": "disconnected"}'),
    "redis-disconnected": Fault('/health/redis answers 200 with {"status": "disconnected"}'),
    "dies-after": Fault("the process exits with status 3 after N answers, /health/ready not counted", count),
    "never-ready": Fault("/health/ready answers 503 for ever"),
    "exits-at-start": Fault("the process exits while it starts"),
}
"""What the answers under /health, and the process, can have."""

OF_SERVERS: Mapping[str, Fault] = {
    "takes-connections": Fault("sessions that do nothing hold this share of max_connections", ratio),
    "idle-in-transaction": Fault(
        "a transaction was begun this long before the service is ready, and idles", duration_s
    ),
    "long-query": Fault("a query was begun this long before the service is ready, and runs", duration_s),
    "deadlocks": Fault("transactions deadlock over and over"),
    "old-revision": Fault("the database says that its last migration was not run"),
    "table-missing": Fault("the service's first table was renamed by hand"),
    "redis-full": Fault("Redis has a maxmemory of 16 MB, of which this share is in use", ratio),
    "no-eviction": Fault("Redis' maxmemory-policy is noeviction"),
    "save-fails": Fault("Redis could not save its data"),
    "redis-dies": Fault("Redis shuts down when the service is ready"),
    "redis-pauses": Fault("Redis takes requests and answers none from when the service is ready"),
}
"""What the servers can have; done to them by the service when it starts, in `sabotage.py`."""


class Faults:
    """The faults of this process, with what they have to count."""

    def __init__(self, active: Mapping[str, float] | None = None) -> None:
        """Have the faults in `active`, a name each with its argument."""
        self._active = dict(active or {})
        self._seen: Counter[str] = Counter()

    @classmethod
    def parse(cls, text: str, known: Mapping[str, Fault]) -> Faults:
        """Return the faults that `text` names, separated by commas.

        Raises:
            SettingsError: a name is unknown or twice there, an argument is missing,
                unreadable or not wanted. The text lists the known names.
        """
        active: dict[str, float] = {}
        for part in filter(None, (item.strip() for item in text.split(","))):
            name, _, argument = part.partition("=")
            if name in active:
                raise SettingsError(f"FAULTS names {name!r} twice")
            active[name] = _argument_of(name, argument, known)
        return cls(active)

    def __contains__(self, name: str) -> bool:
        """Say whether fault `name` is switched on."""
        return name in self._active

    def names(self) -> list[str]:
        """Return the names of what is switched on."""
        return sorted(self._active)

    def value(self, name: str) -> float:
        """Return the argument of fault `name`, 0 when it is switched off."""
        return self._active.get(name, 0.0)

    def is_among_first(self, name: str) -> bool:
        """Count a use; true for the first N of the fault `name=N`."""
        self._seen[name] += 1
        return self._seen[name] <= self.value(name)

    def is_due(self, name: str) -> bool:
        """Count a use; true for exactly the share that the fault `name` gives.

        The failures are spread evenly and not drawn, so that a test that sends ten
        requests sees three of `errors=30%`.
        """
        share, before = self.value(name), self._seen[name]
        self._seen[name] += 1
        return int((before + 1) * share + 1e-9) > int(before * share + 1e-9)

    def dies_now(self, path: str) -> bool:
        """Count an answer to `path`; true once `dies-after` is reached."""
        if "dies-after" not in self._active or path == "/health/ready":
            return False
        self._seen["dies-after"] += 1
        return self._seen["dies-after"] >= self.value("dies-after")


def _argument_of(name: str, text: str, known: Mapping[str, Fault]) -> float:
    """Return the argument of fault `name`; 1 for a fault that takes none."""
    fault = known.get(name)
    if fault is None:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"FAULTS names {name!r}, which is unknown. Known: {', '.join(known)}.{hint}")
    if fault.argument is None:
        if text:
            raise SettingsError(f"FAULTS: {name!r} takes no argument, got {text!r}")
        return 1.0
    try:
        return fault.argument(text)
    except ValueError as error:
        raise SettingsError(f"FAULTS: {name}={text!r}, expected {error}") from None
