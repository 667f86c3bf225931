"""Rules about Prometheus' rules and Grafana's dashboards."""

from __future__ import annotations

import json
import time

import pytest

from readiness.static.config_lint import promql
from tests.static.config_lint.cases import Cases, lint, one, rules_in, severities

RULES = "prometheus/rules.yml"
BOARD = "grafana/service.json"
WHOLE = "labels: {severity: page}, annotations: {runbook_url: https://wiki.test/a}, for: 5m"


def alert(expression: str, rest: str = WHOLE, *, name: str = "Slow") -> str:
    """Returns a rule file with one alert."""
    return f"groups:\n- name: a\n  rules:\n  - {{alert: {name}, expr: {json.dumps(expression)}{', ' * bool(rest)}{rest}}}\n"


def board(expression: str, **panel: object) -> str:
    """Returns a dashboard with one panel in a row."""
    inner = {"title": "P", "targets": [{"expr": expression}], **panel}
    return json.dumps({"schemaVersion": 30, "panels": [{"type": "row", "panels": [inner]}]}, indent=1)


TABLE = {
    "promql": Cases(
        one(RULES, alert("sum(rate(a[5m]) > 1"), alert("rate(a) > 1"), alert("nothing_of(a) > 1"))
        + one(BOARD, board("sum(rate(a[5m])"), board("rate(a{b=~'$c'}[$__rate_interval]"))
        + one("k8s/rules.yaml", "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nspec:\n  groups:\n  - {name: a, rules: [{record: 'b:c', expr: 'sum('}]}\n"),
        one(RULES, alert("sum(rate(a[5m])) > 1"), alert('{{ template }} >'), "groups: [{name: a, rules: [{record: 'a:b', expr: 5}]}]\n")
        + one(BOARD, board('topk($n, rate(a{b=~"$c"}[$__rate_interval]))'), board("a[$range] offset $back"), board('sum by ($by) (rate({job="$a"} |= "x" [5m]))'))
        + one(BOARD, board('{job="a"} | json', datasource={"type": "loki"}), board("$query"), board('sum by (${by}) ($m{x="[[y]]"}) / $scale'))
        + one("loki/rules.yml", alert('sum(rate({a="b"} | json [5m])) > 1')),
    ),
    "alert-severity": Cases(
        one(RULES, alert("a > 1", "for: 5m"), alert("a > 1", "labels: {team: a}")),
        one(RULES, alert("a > 1"), alert("a > 1", "labels: {opsgenie_priority: P1, priority: P1}"), "groups: [{name: a, rules: [{record: 'a:b', expr: a}]}]\n"),
    ),
    "alert-for": Cases(
        one(RULES, alert("a > 1", ""), alert("a > 1", "labels: {severity: page}")),
        one(RULES, alert("a > 1"), alert("a > 1", "for: 0m")),
    ),
    "alert-runbook": Cases(
        one(RULES, alert("a > 1", ""), alert("a > 1", "annotations: {summary: a}")),
        one(RULES, alert("a > 1"), alert("a > 1", "annotations: {runbook: a}")),
    ),
    "alert-condition": Cases(
        one(RULES, alert("rate(errors_total[5m])"), alert("sum(a) / sum(b)"), alert("a > bool 1"))
        + one(RULES, alert('count(up{job="a"} == 1) == 0'), alert("count(a) < 1"), alert("rate(a[5m]) < 0"), alert("up > 1"), alert("a > 5 and a < 3")),
        one(RULES, alert("rate(errors_total[5m]) > 0"), alert('absent(up{job="a"})'), alert("vector(1)", name="Watchdog"), alert("a unless b"), alert("job:errors:ratio"))
        + one(RULES, alert("count(a) == 0 or vector(0) == 0"), alert("count(a) == 1"), alert("sum(a) < 1"), alert("a > 3 and a < 5"), alert("up < 1"), alert("delta(a[5m]) < 0")),
    ),
    "promql-unchecked": Cases(
        one(RULES, alert("+".join("a" * 600) + " > 1"), alert("(" * 500 + "a" + ")" * 500 + " > 1"), alert('a{b="' + "x" * 30_000 + '"} > 1')),
        one(RULES, alert(" or ".join("abcd" * 20) + " > 1"), alert('a{b="' + "(" * 1000 + '"} > 1')),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.finds])
def test_rule_finds(rule: str, files: dict[str, str]) -> None:
    """What the rule is there for is found."""
    assert rule in rules_in(files)


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.passes])
def test_rule_passes(rule: str, files: dict[str, str]) -> None:
    """What only looks like it is not."""
    assert rule not in rules_in(files)


def test_whole_alert_has_no_finding() -> None:
    """An alert with everything that the rules ask for passes them all."""
    assert rules_in({RULES: alert("sum(rate(errors_total[5m])) > 1")}) == set()


def test_rule_blocks_and_panel_warns() -> None:
    """Prometheus refuses a file with a bad rule; a panel's variables are only guessed."""
    assert severities({RULES: alert("sum(")}, "promql") == ["blocking"]
    assert severities({BOARD: board("sum(")}, "promql") == ["advisory"]


def test_dialect_warns() -> None:
    """An expression that only a relative of Prometheus understands may be meant."""
    assert severities({RULES: alert("rollup_rate(a[5m]) > 1")}, "promql") == ["advisory"]


def test_finding_stands_at_the_expression() -> None:
    """Line and column are those of the expression in its panel."""
    text = board("sum(")
    ((_, hit),) = lint({BOARD: text})
    assert text.splitlines()[hit.line - 1].strip() == '"expr": "sum("'


@pytest.mark.parametrize(
    "expression",
    [
        "a+" * 100_000 + "a",
        "-" * 100_000 + "a",
        "(" * 100_000,
        'a{b="' + "\\" * 19_000,
        "$a" * 9000,
        "[" * 9000,
        "by (" * 4000,
    ],
    ids=["chain", "signs", "brackets", "string", "variables", "squares", "grouping"],
)
def test_hostile_expression_is_bounded(expression: str) -> None:
    """No expression ends the process or takes longer than a moment; thousands of nested operators would do both."""
    before = time.process_time()
    promql.parse(expression)
    promql.with_variables(expression)
    assert time.process_time() - before < 2


@pytest.mark.parametrize(
    "text",
    [
        "groups: [1, {rules: [2, {expr: [3]}, {alert: [4], expr: a}]}]\n",
        "groups: [{rules: [{alert: A, expr: 5, labels: 6}]}]\n",
    ],
)
def test_wrong_shapes_do_not_crash(text: str) -> None:
    """Rules whose values have the wrong types are the schema's business, not a crash."""
    lint({RULES: text})
    lint({BOARD: '{"schemaVersion": 1, "panels": [1, {"targets": [2, {"expr": 3}], "panels": {"a": 4}}]}'})
