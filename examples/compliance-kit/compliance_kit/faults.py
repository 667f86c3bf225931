"""The faults that the variable `FAULTS` switches on, for tests of the checks.

`FAULTS=slow-health=800ms,old-version` gives the service two of them. This module
knows their names and arguments and counts; the code that misbehaves asks it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from compliance_kit.settings import SettingsError


def _duration_s(text: str) -> float:
    """Return the seconds in `"800ms"` or `"3s"`."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s)", text)
    if match is None:
        raise ValueError("a duration such as 800ms or 3s")
    return float(match[1]) * {"ms": 0.001, "s": 1.0}[match[2]]


def _ratio(text: str) -> float:
    """Return the ratio in `"30%"`, between 0 and 1."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)%", text)
    if match is None or float(match[1]) > 100:
        raise ValueError("a percentage such as 30%, at most 100%")
    return float(match[1]) / 100


def _count(text: str) -> float:
    """Return the whole number in `text`, at least 1."""
    if re.fullmatch(r"[1-9][0-9]*", text) is None:
        raise ValueError("a whole number such as 5")
    return float(text)


@dataclass(frozen=True, slots=True)
class Fault:
    """One way for the service to be broken."""

    effect: str
    """What a client sees."""
    argument: Callable[[str], float] | None = None
    """Reads what stands after `=`; None when nothing may stand there."""


KNOWN: Mapping[str, Fault] = {
    "health-503": Fault("/health answers 503"),
    "health-says-down": Fault('/health answers 200 with {"status": "down"}'),
    "health-html": Fault("/health answers 200 with an HTML page"),
    "health-not-json": Fault("/health answers 200, typed as JSON, which it is not"),
    "health-empty": Fault("/health answers 200 with no body"),
    "slow-health": Fault("/health answers after this long", _duration_s),
    "flaky-health": Fault("the first N requests to /health answer 503", _count),
    "redirect-loop": Fault("/health redirects to itself"),
    "huge-body": Fault("/health streams 1 GB"),
    "drip": Fault("/health sends one byte per second and never ends"),
    "old-version": Fault("/health reports version 0.0.1"),
    "db-disconnected": Fault('/health/db answers 200 with {"status": "disconnected"}'),
    "redis-disconnected": Fault('/health/redis answers 200 with {"status": "disconnected"}'),
    "dies-after": Fault(
        "the process exits with status 3 after N answers, /health/ready not counted",
        _count,
    ),
    "flags-500": Fault("every request under /feature-flags answers 500"),
    "flags-drift": Fault("a flag is evaluated anew for every request, not per user"),
    "flags-forgets": Fault("a change of a flag is acknowledged and ignored"),
    "errors": Fault("this share of the requests to /evaluate answers 500", _ratio),
    "slow-evaluate": Fault("/evaluate answers after this long", _duration_s),
    "never-ready": Fault("/health/ready answers 503 for ever"),
    "exits-at-start": Fault("the process exits while it starts"),
}


class Faults:
    """The faults of this process, with what they have to count."""

    def __init__(self, active: Mapping[str, float] | None = None) -> None:
        """Have the faults in `active`, a name of `KNOWN` each with its argument."""
        self._active = dict(active or {})
        self._health_requests = 0
        self._evaluations = 0
        self._answers = 0

    @classmethod
    def parse(cls, text: str) -> Faults:
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
            active[name] = _argument_of(name, argument)
        return cls(active)

    def __contains__(self, name: str) -> bool:
        """Say whether fault `name` is switched on."""
        return name in self._active

    def names(self) -> list[str]:
        """Return the names of what is switched on."""
        return sorted(self._active)

    def seconds(self, name: str) -> float:
        """Return the duration of fault `name`, 0 when it is switched off."""
        return self._active.get(name, 0.0)

    def health_fails_now(self) -> bool:
        """Count a request to /health; true for the first N of `flaky-health=N`."""
        self._health_requests += 1
        return self._health_requests <= self._active.get("flaky-health", 0)

    def evaluation_fails_now(self) -> bool:
        """Count an evaluation; true for exactly the share that `errors` gives.

        The failures are spread evenly and not drawn, so that a test that sends ten
        requests sees three of `errors=30%`.
        """
        share = self._active.get("errors", 0.0)
        before = int(self._evaluations * share + 1e-9)
        self._evaluations += 1
        return int(self._evaluations * share + 1e-9) > before

    def dies_now(self, path: str) -> bool:
        """Count an answer to `path`; true once `dies-after` is reached."""
        if "dies-after" not in self._active or path == "/health/ready":
            return False
        self._answers += 1
        return self._answers >= self._active["dies-after"]


def _argument_of(name: str, text: str) -> float:
    """Return the argument of fault `name`; 1 for a fault that takes none."""
    fault = KNOWN.get(name)
    if fault is None:
        near = difflib.get_close_matches(name, KNOWN, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise SettingsError(f"FAULTS names {name!r}, which is unknown. Known: {', '.join(KNOWN)}.{hint}")
    if fault.argument is None:
        if text:
            raise SettingsError(f"FAULTS: {name!r} takes no argument, got {text!r}")
        return 1.0
    try:
        return fault.argument(text)
    except ValueError as error:
        raise SettingsError(f"FAULTS: {name}={text!r}, expected {error}") from None
