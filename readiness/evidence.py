"""What one check has observed so far: measurements held against limits, findings, attempts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, SupportsFloat, cast

from readiness.errors import NotMeasured
from readiness.model import Finding, Limit, Measurement, Scalar

MAX_FINDINGS_IN_MESSAGE = 10
_UNSET: Any = object()


@dataclass(slots=True)
class Evidence:
    """The evidence of the current attempt of one check; recorded by the fixtures `measure` and `findings`."""

    source: str
    """Where the limits come from, such as `readiness.toml [health]`; named in messages."""
    measurements: list[Measurement] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    scanned: bool = False
    """True once a scan has said that it is complete, so that no finding is evidence too."""
    notes: list[str] = field(default_factory=list)
    """What a message adds to each measurement: the limit's key and where it was observed."""
    compare: Callable[[Sequence[Finding]], tuple[Finding, ...]] = tuple
    """Marks the findings that the baseline knows."""

    def reset(self) -> None:
        """Nothing is recorded: a new execution begins."""
        self.measurements.clear()
        self.findings.clear()
        self.notes.clear()
        self.scanned = False

    def mark(self) -> tuple[int, int, bool]:
        """Returns how much is recorded, such as by fixtures before the call; see `rewind`."""
        return len(self.measurements), len(self.findings), self.scanned

    def rewind(self, mark: tuple[int, int, bool]) -> None:
        """Only what was recorded at the mark is left: another attempt begins."""
        del self.measurements[mark[0] :]
        del self.notes[mark[0] :]
        del self.findings[mark[1] :]
        self.scanned = mark[2]

    @property
    def is_empty(self) -> bool:
        """True where nothing was observed."""
        seen = any(measurement.value is not None for measurement in self.measurements)
        return not seen and not self.findings and not self.scanned

    def violations(self) -> list[str]:
        """Returns one line per measurement outside its limit and per finding that blocks."""
        lines = [
            describe(measurement) + note
            for measurement, note in zip(self.measurements, self.notes, strict=True)
            if not measurement.holds
        ]
        blocking = [finding for finding in self.compare(self.findings) if finding.blocks]
        lines += [f"{f.place}: {f.text} ({f.rule}{_expiry(f)})" for f in blocking[:MAX_FINDINGS_IN_MESSAGE]]
        if len(blocking) > MAX_FINDINGS_IN_MESSAGE:
            lines.append(f"and {len(blocking) - MAX_FINDINGS_IN_MESSAGE} more findings")
        return lines


@dataclass(frozen=True, slots=True)
class Measure:
    """The `measure` fixture: records an observed value and holds it against its limit."""

    evidence: Evidence

    def __call__(
        self,
        name: str,
        value: Scalar,
        *,
        unit: str = "",
        at_most: float | None = None,
        at_least: float | None = None,
        equals: Scalar = _UNSET,
        satisfies: str | None = None,
        key: str = "",
        where: str = "",
        detail: Sequence[str] = (),
    ) -> Measurement:
        """The value is part of the check's evidence; the check fails at its end where a limit does not hold.

        Args:
            name: what was measured, such as `latency p95`.
            value: number, text, truth value, or None where there was none to see: no limit holds for None.
            unit: of the value and of its bounds, such as `ms`.
            at_most: upper bound, inclusive.
            at_least: lower bound, inclusive.
            equals: the only acceptable value.
            satisfies: version range such as `>=14`.
            key: key of the gate's table that sets the limit, for the message.
            where: what was observed, such as `GET https://host/health`, for the message.
            detail: what the value stands for, such as each violation that was counted, for the message.

        Returns:
            The measurement; `.holds` says whether it is within its limit.

        Raises:
            TypeError: for an argument of another type, which no report could carry.
            ValueError: for a bound that is no finite number: nothing is below NaN.
            NotMeasured: `equals=None`: there is nothing to compare with, such as an environment variable that is unset.
        """
        if equals is None:
            raise NotMeasured(
                f"there is nothing that {name} could equal: equals is None", "Set what it is compared with."
            )
        limit = Limit(
            _bound(name, "at_most", at_most),
            _bound(name, "at_least", at_least),
            None if equals is _UNSET else _plain(name, "equals", equals),
            None if satisfies is None else _text(name, "satisfies", satisfies),
        )
        value = _plain(name, "value", value)
        shown = None if limit.is_empty else limit
        measurement = Measurement(
            _text(name, "name", name), value, _text(name, "unit", unit), shown, _holds(value, limit)
        )
        source = f" ({self.evidence.source}{f' {key}' if key else ''})" if measurement.limit else ""
        place = f", at {where}" if where else ""
        note = f"{source}{place}{': ' + '; '.join(detail) if detail else ''}"
        self.evidence.measurements.append(measurement)
        self.evidence.notes.append(note)
        return measurement


@dataclass(frozen=True, slots=True)
class Findings:
    """The `findings` fixture: records located problems; a blocking one fails the check at its end."""

    evidence: Evidence

    def add(self, found: Sequence[Finding]) -> tuple[Finding, ...]:
        """The findings are part of the check's evidence, and the scan that made them is complete.

        Returns:
            The same findings, those that the baseline knows with its entry.
        """
        self.evidence.findings.extend(found)
        self.evidence.scanned = True
        return self.evidence.compare(found)


def _expiry(finding: Finding) -> str:
    use = finding.baseline
    if use is not None and use.incomplete:
        return "; its baseline entry needs an owner, a reason and a last day before it accepts anything"
    return f"; its baseline entry was valid until {use.expires}" if use is not None and use.expired else ""


def _plain(name: object, argument: str, value: object) -> Scalar:
    """Returns the value as a builtin, since others do not travel: a subclass of `int` may be any library's."""
    if value is None or type(value) in (str, int, float, bool):
        return cast(Scalar, value)
    for kind in (float, int, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(
        f"measure({name!r}) takes text, a number or a truth value as {argument}, not {type(value).__name__}"
    )


def _text(name: object, argument: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"measure({name!r}) takes text as {argument}, not {type(value).__name__}")
    return str(value)


def _bound(name: object, argument: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, (str, bool)) or not isinstance(value, SupportsFloat):
        raise TypeError(f"measure({name!r}) takes a number as {argument}, not {type(value).__name__}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"measure({name!r}) takes a finite number as {argument}, not {number}")
    return number


def _holds(value: Scalar, limit: Limit) -> bool:
    if limit.is_empty:
        return True
    return (
        value is not None
        and _equals(value, limit.equals)
        and _satisfies(value, limit.satisfies)
        and _within(value, limit)
    )


def _equals(value: Scalar, wanted: Scalar) -> bool:
    # True == 1 in Python, but a flag is not a count.
    return wanted is None or (value == wanted and isinstance(value, bool) == isinstance(wanted, bool))


def _satisfies(value: Scalar, wanted: str | None) -> bool:
    if wanted is None:
        return True
    from readiness.probes.versions import satisfies

    return satisfies(str(value), wanted)


def _within(value: Scalar, limit: Limit) -> bool:
    if limit.at_most is None and limit.at_least is None:
        return True
    if not isinstance(value, (int, float)) or isinstance(value, bool) or math.isnan(value):
        return False
    return (limit.at_most is None or value <= limit.at_most) and (limit.at_least is None or value >= limit.at_least)


def show(value: Scalar, unit: str = "") -> str:
    """Returns a value as a person writes it, with its unit."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"{text} {unit}".rstrip()


def describe(measurement: Measurement) -> str:
    """Returns the measurement with its limit as one line, without saying whether it holds."""
    limit = measurement.limit or Limit()
    bounds = [
        ("at most", show(limit.at_most, measurement.unit) if limit.at_most is not None else ""),
        ("at least", show(limit.at_least, measurement.unit) if limit.at_least is not None else ""),
        ("exactly", show(limit.equals, measurement.unit) if limit.equals is not None else ""),
        ("in the range", limit.satisfies or ""),
    ]
    wanted = " and ".join(f"{word} {bound}" for word, bound in bounds if bound)
    observed = f"{measurement.name}: observed {show(measurement.value, measurement.unit)}"
    return f"{observed}, expected {wanted}" if wanted else observed
