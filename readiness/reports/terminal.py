"""The last lines of a run in the terminal: the decision, why, and where the evidence is."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TypeAlias

from readiness.model import Decision, Finding
from readiness.reports.findings import baseline_text, by_gate, grouped, without_list
from readiness.reports.findings import counts_text as findings_text
from readiness.reports.interface import Document
from readiness.reports.json import decision_from
from readiness.reports.overview import NotableWaiver, Overview, overview
from readiness.reports.rollout import Rollout, metric_text, sentences
from readiness.reports.text import (
    Excerpted,
    count_of,
    counts_text,
    duration_text,
    excerpted,
    expiry_text,
    one_line,
    visible,
)

Markup: TypeAlias = dict[str, bool]
"""Keyword arguments of pytest's `TerminalReporter.write_line`."""
Line: TypeAlias = tuple[str, Markup]

_REASONS = 20
_WAIVERS = 20
_FINDINGS = 10
"""Findings of one reason."""
_TEXT = 300
"""Characters of one reason."""
_LOG_LINES = 5
_VERDICTS: dict[str, Markup] = {
    "pass": {"green": True},
    "warn": {"yellow": True},
    "waived": {"yellow": True},
    "fail": {"red": True},
    "unmeasured": {"red": True},
    "not-configured": {"red": True},
}


def panel(document: Document, width: int, *, folder: str = "", files: Sequence[str] = ()) -> list[Line]:
    """Returns the lines, none longer than `width` where a word allows it, each with its markup.

    Args:
        document: content of `report.json`.
        width: columns of the terminal.
        folder: where the reports are, as the user knows it; empty leaves the last lines out.
        files: names of the reports in it.
    """
    width = max(width, 40)
    decision = decision_from(document)
    seen = overview(decision)
    colour: Markup = {"green": True} if seen.is_go else {"red": True}
    about = [decision.service.name, decision.service.commit[:12], decision.environment.name]
    lines: list[Line] = [
        (f"{seen.headline}  {' | '.join(one_line(part, 80) for part in about if part)}", colour | {"bold": True})
    ]
    lines += _wrapped(seen.sentence, width)
    if seen.coverage:
        lines += _wrapped(seen.coverage, width, {"yellow": True})
    lines += _reasons(decision, seen, width)
    lines += _rollout(document.get("rollout"), width)
    lines += _gates(decision, width)
    lines += _waivers(decision, seen, width)
    if decision.baseline is not None:
        lines.append(("", {}))
        text = f"Baseline {one_line(decision.baseline.file, 200)}: {baseline_text(decision.baseline)}"
        lines += _wrapped(text, width, hang="  ")
    if folder:
        lines.append(("", {}))
        names = f" ({', '.join(files)})" if files else ""
        lines += _wrapped(f"Reports: {one_line(folder)}{names}", width)
    return lines


def _wrapped(text: str, width: int, markup: Markup | None = None, indent: str = "", hang: str = "") -> list[Line]:
    # Long words stay whole: a path or a node id that is broken cannot be clicked or copied.
    wrapped = textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=hang or indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [(line, dict(markup or {})) for line in wrapped]


def _rollout(rollout: Rollout | None, width: int) -> list[Line]:
    if rollout is None:
        return []
    first, *more = sentences(rollout)
    tone: Markup = {"green": True} if rollout.get("action") == "promote" else {"red": True}
    lines: list[Line] = [("", {}), ("Rollout:", {"bold": True}), *_wrapped(first, width, tone, "  ", "    ")]
    for each in more:
        lines += _wrapped(one_line(each, _TEXT), width, None, "  ", "    ")
    for metric in rollout.get("metrics", ()):
        text = f"{one_line(str(metric.get('name', '')), 60)}: {metric_text(metric)}"
        lines += _wrapped(text, width, None, "  ", "    ")
    return lines


def _reasons(decision: Decision, seen: Overview, width: int) -> list[Line]:
    if not seen.reasons:
        return []
    checks = {check.id: check for check in decision.checks}
    lines: list[Line] = [("", {}), ("Why not:", {"bold": True})]
    for reason in seen.reasons[:_REASONS]:
        where = one_line(reason.check or reason.gate or "run", 120)
        blocking = [found for found in checks[reason.check].findings if found.blocks] if reason.check in checks else []
        said = excerpted(without_list(reason.text, blocking))
        text = f"{where} [{one_line(reason.outcome, 40)}] {one_line(said.before, _TEXT)}"
        lines += _wrapped(text, width, {"red": True}, "  ", "      ")
        lines += _log(said, width)
        lines += _findings(blocking, width)
    more = len(seen.reasons) - _REASONS
    if more > 0:
        lines.append((f"  and {more:,} more in report.json", {"red": True}))
    return lines


def _log(said: Excerpted, width: int) -> list[Line]:
    """Returns the last lines of a quoted log as they are, and then what to do."""
    if not said.lines:
        return []
    lines: list[Line] = [(f"    The end of {one_line(said.name, 80)}:", {})]
    # Not on one line each: the indentation of a traceback says what belongs together.
    shown = [visible(line).expandtabs(4)[: max(width - 8, 20)] for line in said.lines[-_LOG_LINES:]]
    lines += [(f"      > {line}", {}) for line in shown]
    return [*lines, *_wrapped(one_line(said.after, _TEXT), width, {}, "    ", "      ")]


def _findings(blocking: list[Finding], width: int) -> list[Line]:
    lines: list[Line] = []
    shown = 0
    for group in grouped(blocking, _FINDINGS):
        if not group.listed:
            continue
        remedy = one_line(group.remedy, _TEXT)
        lines += _wrapped(
            f"{group.number:,} {one_line(group.rule, 120)}{': ' if remedy else ''}{remedy}", width, {}, "    ", "      "
        )
        for found in group.listed:
            shown += 1
            lines += _wrapped(f"{one_line(found.place)} {one_line(found.text, _TEXT)}", width, {}, "      ", "        ")
            if found.excerpt:
                lines.append((f"        > {one_line(found.excerpt, max(width - 10, 20))}", {}))
    more = len(blocking) - shown
    return [*lines, (f"    and {count_of(more, 'more finding')} in report.html and report.json", {})] if more else lines


def _gates(decision: Decision, width: int) -> list[Line]:
    if not decision.gates:
        return []
    findings = by_gate(decision)
    lines: list[Line] = [("", {}), ("Gates:", {"bold": True})]
    names = [one_line(gate.name, 40) for gate in decision.gates]
    column = max(len(name) for name in names)
    for gate, name in zip(decision.gates, names, strict=True):
        extra = [counts_text(gate.outcomes), duration_text(gate.duration_s)] + (
            [] if gate.required else ["not required"]
        )
        if found := findings.get(gate.name):
            extra.append(f"findings: {findings_text(found)}")
        # Only what the decision stands on may be red.
        markup = _VERDICTS[gate.verdict] if gate.required or gate.verdict == "pass" else {"yellow": True}
        text = f"{name:<{column}}  {gate.verdict:<14}  {', '.join(extra)}"
        hang = " " * (column + 20)
        # Not through textwrap where it fits: it would fold the columns' spaces.
        lines += (
            [(f"  {text}", dict(markup))]
            if len(text) + 2 <= width
            else _wrapped(text, width, markup, "  ", hang[: width // 2])
        )
    return lines


def _waivers(decision: Decision, seen: Overview, width: int) -> list[Line]:
    notable = [waiver for waiver in seen.waivers if waiver.is_notable]
    if not notable:
        return []
    lines: list[Line] = [("", {}), ("Waivers to look at:", {"bold": True})]
    for waiver in notable[:_WAIVERS]:
        lines += _wrapped(_waiver_text(decision, waiver), width, {"yellow": True}, "  ", "      ")
    more = len(notable) - _WAIVERS
    return [*lines, (f"  and {count_of(more, 'more waiver')} in report.json", {"yellow": True})] if more > 0 else lines


def _waiver_text(decision: Decision, waiver: NotableWaiver) -> str:
    result = waiver.result
    note = f"; {one_line(result.note, _TEXT)}" if result.note else ""
    return f"{one_line(result.check, 120)} [{result.state}] {expiry_text(decision.run.finished, result.expires)}{note}"
