"""Prometheus rules and Grafana dashboards: expressions parse, and each alert says how bad it is and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint import promql
from readiness.static.config_lint.lint import ADVISORY, BLOCKING, INFORMATION, mapping, semantic, sequence, shown

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

_ALERTING = "https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/"
_PRACTICE = "https://prometheus.io/docs/practices/alerting/"

PROMQL = semantic(
    "promql",
    BLOCKING,
    "Every PromQL expression parses",
    "Prometheus refuses the whole file with one bad rule: on a reload it keeps the old rules, on a restart it does not start.",
    "Correct the expression; `promtool check rules FILE` says the same.",
    "https://prometheus.io/docs/prometheus/latest/querying/basics/",
)
SEVERITY = semantic(
    "alert-severity",
    ADVISORY,
    "Every alert has a severity",
    "Alerts are routed by their labels: one without a severity goes to the default receiver, which nobody may read.",
    "Add `labels: {severity: critical}` (or warning).",
    _ALERTING,
)
RUNBOOK = semantic(
    "alert-runbook",
    INFORMATION,
    "Every alert links to its runbook",
    "Who is woken up has to know what to do.",
    "Add `annotations: {runbook_url: ...}`.",
    _PRACTICE,
)
FOR = semantic(
    "alert-for",
    INFORMATION,
    "Every alert waits before it fires",
    "Without `for` one bad scrape wakes somebody up.",
    "Add `for: 5m`, or `for: 0m` where it is meant.",
    _ALERTING,
)
CONDITION = semantic(
    "alert-condition",
    ADVISORY,
    "Every alert can fire, and can stop",
    "An alert fires while its expression has a result, whatever the value: without a comparison it always fires, with one that"
    " nothing satisfies it never does.",
    "Compare with a threshold that the value can reach.",
    _ALERTING,
)
UNCHECKED = semantic(
    "promql-unchecked",
    INFORMATION,
    "Every PromQL expression is short enough to be checked",
    "What is not parsed is not known to be right.",
    "Split it with recording rules.",
)
RULES = (PROMQL, SEVERITY, RUNBOOK, FOR, CONDITION, UNCHECKED)

_TEMPLATED = re.compile(r"\{\{|\{%|<%|%\(")
_FOREIGN = re.compile(r"loki|logql|victoria|vmalert|vmrule|mimir-?logs|metricsql", re.IGNORECASE)
_METRICSQL = re.compile(r"unknown function|keep_metric_names|\bdefault\b|\bifnot\b|\bWITH\b")
_DEEPEST_PANELS = 20


def rule_groups(value: object) -> tuple[Keys, list[Any]] | None:
    """Returns where the rule groups of a document stand, and the groups; None where it has none."""
    whole = mapping(value)
    at: Keys = ("groups",)
    if whole.get("kind") == "PrometheusRule":
        at, whole = ("spec", "groups"), mapping(whole.get("spec"))
    groups = whole.get("groups")
    if not isinstance(groups, list) or not any(isinstance(mapping(group).get("rules"), list) for group in groups[:50]):
        return None
    return at, groups


def prometheus(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields what is wrong with the rules of a document."""
    at, groups = rule_groups(value) or ((), [])
    for number, group in enumerate(groups):
        for place, rule in enumerate(sequence(mapping(group).get("rules"))):
            if isinstance(rule, dict) and isinstance(rule.get("expr"), str | int | float):
                yield from _rule(lint, document, (*at, number, "rules", place), rule)


def _rule(lint: Lint, document: int, at: Keys, rule: dict[Any, Any]) -> Iterator[Hit]:
    expression = str(rule["expr"])
    name = shown(rule.get("alert") or rule.get("record") or "(no name)")
    where = (document, (*at, "expr"))
    is_foreign = bool(_FOREIGN.search(lint.source.path)) or promql.is_logql(expression)
    if not is_foreign and not _TEMPLATED.search(expression):
        yield from _expression(lint, where, f"rule {name}", expression, BLOCKING)
        if isinstance(rule.get("alert"), str):
            yield from _condition(lint, where, name, expression)
    if isinstance(rule.get("alert"), str):
        yield from _alert(lint, (document, at), name, rule)


def _expression(lint: Lint, at: tuple[int, Keys], owner: str, expression: str, severity: Any) -> Iterator[Hit]:
    parsed = promql.parse(expression)
    if parsed.error:
        if _METRICSQL.search(parsed.error) or _METRICSQL.search(expression[: promql.LONGEST]):
            severity = ADVISORY  # a dialect, or a function of a newer Prometheus
        text = f"the expression of {owner} does not parse: {shown(parsed.error)}"
        yield lint.hit(PROMQL, at, text, excerpt=expression, severity=severity, anchor=f"{owner}: {expression}")
    elif parsed.tree is None:
        text = f"the expression of {owner} has {len(expression)} characters or too many operators to be parsed"
        yield lint.hit(UNCHECKED, at, text, anchor=owner)


def _condition(lint: Lint, at: tuple[int, Keys], name: str, expression: str) -> Iterator[Hit]:
    tree = promql.parse(expression).tree
    if tree is not None:
        for when, why in promql.doubts(tree, name):
            text = f"alert {name} {when} fires: {shown(why)}"
            yield lint.hit(CONDITION, at, text, excerpt=expression, anchor=f"{name}: {expression}")


def _alert(lint: Lint, at: tuple[int, Keys], name: str, rule: dict[Any, Any]) -> Iterator[Hit]:
    labels, annotations = mapping(rule.get("labels")), mapping(rule.get("annotations"))
    if not any("severity" in str(label).lower() or str(label).lower() in ("priority", "level") for label in labels):
        yield lint.hit(SEVERITY, at, f"alert {name} has no severity", anchor=name)
    if "for" not in rule:
        yield lint.hit(FOR, at, f"alert {name} has no `for`", anchor=name)
    if not any("runbook" in str(key).lower() or "playbook" in str(key).lower() for key in annotations):
        yield lint.hit(RUNBOOK, at, f"alert {name} has no runbook annotation", anchor=name)


def is_dashboard(value: object) -> bool:
    """Returns whether a document is a Grafana dashboard, or the answer that holds one."""
    board = _board(value)[1]
    return isinstance(board.get("panels", board.get("rows")), list) and (
        "schemaVersion" in board or "templating" in board
    )


def grafana(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields queries of a dashboard that do not parse with its variables filled in."""
    at, board = _board(value)
    left: list[tuple[Keys, Any, int]] = [((*at, part), board.get(part), 0) for part in ("panels", "rows")]
    while left:
        place, panels, depth = left.pop()
        for number, panel in enumerate(sequence(panels)):
            if not isinstance(panel, dict):
                continue
            yield from _panel(lint, document, (*place, number), panel)
            if depth < _DEEPEST_PANELS:
                left.append(((*place, number, "panels"), panel.get("panels"), depth + 1))


def _board(value: object) -> tuple[Keys, dict[Any, Any]]:
    whole = mapping(value)
    inner = whole.get("dashboard")
    return (("dashboard",), inner) if isinstance(inner, dict) else ((), whole)


def _panel(lint: Lint, document: int, at: Keys, panel: dict[Any, Any]) -> Iterator[Hit]:
    title = shown(panel.get("title") or "(no title)")
    for number, target in enumerate(sequence(panel.get("targets"))):
        expression = mapping(target).get("expr")
        if not isinstance(expression, str) or not expression.strip() or _TEMPLATED.search(expression):
            continue
        if not _is_of_prometheus(target.get("datasource") or panel.get("datasource")) or promql.is_logql(expression):
            continue
        filled = promql.with_variables(expression)
        where = (document, (*at, "targets", number, "expr"))
        yield from _expression(lint, where, f"panel {title}", filled, ADVISORY)


def _is_of_prometheus(datasource: object) -> bool:
    """Returns whether a query goes to Prometheus, as far as its data source says."""
    named = mapping(datasource).get("type") if isinstance(datasource, dict) else datasource
    return not isinstance(named, str) or "loki" not in named.lower()
