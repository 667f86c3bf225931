"""What the template places: the page as text, status words and counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from readiness.reports.html.rollout import RolloutPart


class Status(NamedTuple):
    """A word with its colour and icon."""

    word: str
    tone: str
    """`good`, `warn` or `bad`; class and icon in the template."""


class Fact(NamedTuple):
    """One line of what is released, where and when."""

    name: str
    value: str


class Blocker(NamedTuple):
    """One reason for the NO-GO."""

    where: str
    anchor: str
    """Id of the evidence in this page; empty where there is none."""
    status: Status
    text: str
    runbook: str
    """Address; empty where there is none."""


class Measured(NamedTuple):
    """One measurement as text."""

    name: str
    value: str
    limit: str
    status: Status | None
    """None where it was recorded for information."""


class Place(NamedTuple):
    """One finding under its rule."""

    where: str
    text: str
    excerpt: str
    remedy: str
    """Empty where the rule says it for all of them."""
    note: str
    """Who accepted it, and until when; empty where nobody said."""


class RuleFindings(NamedTuple):
    """Findings of one rule."""

    rule: str
    title: str
    status: Status
    number: str
    """How many there are, listed or not."""
    remedy: str
    places: tuple[Place, ...]


class FindingSection(NamedTuple):
    """Findings that are told together."""

    title: str
    is_quiet: bool
    """True where they do nothing: closed until somebody asks."""
    rules: tuple[RuleFindings, ...]
    more: str
    """What has no room; empty where all are listed."""


class Evidence(NamedTuple):
    """One check."""

    id: str
    anchor: str
    title: str
    status: Status
    notes: tuple[str, ...]
    """Short remarks beside the outcome, such as `passed on attempt 2`."""
    took: str
    message: str
    measurements: tuple[Measured, ...]
    more_measurements: int
    findings: tuple[FindingSection, ...]
    remedy: str
    runbook: str
    runbook_address: str
    waiver: str
    command: str
    is_open: bool
    is_brief: bool
    """True where the page has room for one line only."""


class Gate(NamedTuple):
    """One gate with its checks."""

    name: str
    anchor: str
    title: str
    required: bool
    status: Status
    counts: str
    findings: str
    """How many of each kind; empty where there are none."""
    took: str
    attention: tuple[Evidence, ...]
    passed: tuple[Evidence, ...]
    unlisted: str
    """What the page has no room for; empty where it lists all."""


class WaiverRow(NamedTuple):
    """One waiver of the configuration."""

    check: str
    status: Status
    ends: str
    why: str


class Page(NamedTuple):
    """All that the template needs."""

    headline: str
    tone: str
    title: str
    subtitle: str
    coverage: str
    because: str
    further: str
    facts: tuple[Fact, ...]
    blockers: tuple[Blocker, ...]
    more_blockers: int
    gates: tuple[Gate, ...]
    totals: str
    baseline: str
    """What became of the baseline; empty where there is none."""
    waivers: tuple[WaiverRow, ...]
    more_waivers: int
    versions: tuple[Fact, ...]
    rollout: RolloutPart | None
    """What was observed of the rollout; None where that gate did not run."""
