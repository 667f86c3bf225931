"""Which rules look at which file, rules about workflows and charts, and what bounds them all."""

from __future__ import annotations

import time
from importlib import import_module

import pytest

from readiness.static.config_lint.lint import MOST_HITS
from readiness.static.config_lint.options import Options
from readiness.static.paths import PathClass
from tests.static.config_lint.cases import RULES, Cases, lint, one, rules_in, severities

WORKFLOW = ".github/workflows/release.yml"
PIN = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hunter" + "2-and-more"
"""Assembled, so that no scanner takes it for somebody's."""
TARGET = "on: pull_request_target\njobs:\n  a:\n    steps:\n"
VALUES = "chart/values.yaml"
TABLE = {
    "action-pin": Cases(
        one(WORKFLOW, "on: push\njobs: {a: {steps: [{uses: 'owner/action@v1'}]}}\n", "on: push\njobs: {a: {uses: 'owner/repo/.github/workflows/b.yml@main'}}\n")
        + one("action.yml", "runs: {using: composite, steps: [{uses: 'owner/action@master'}]}\n"),
        one(WORKFLOW, f"on: push\njobs: {{a: {{steps: [{{uses: 'owner/action@{PIN}'}}]}}}}\n", "on: push\njobs: {a: {steps: [{uses: actions/checkout@v5}, {uses: ./here}]}}\n"),
    ),
    "pull-request-target": Cases(
        one(
            WORKFLOW,
            TARGET + "    - {uses: actions/checkout@v5, with: {ref: '${{ github.event.pull_request.head.sha }}'}}\n",
            TARGET.replace("pull_request_target", "{pull_request_target: {types: [opened]}}") + "    - {uses: actions/checkout@v5, with: {ref: 'refs/pull/${{ github.event.number }}/merge'}}\n",
        ),
        one(
            WORKFLOW,
            TARGET + "    - {uses: actions/checkout@v5}\n",
            TARGET.replace("_target", "") + "    - {uses: actions/checkout@v5, with: {ref: '${{ github.head_ref }}'}}\n",
        ),
    ),
    "image-tag": Cases(
        one("Dockerfile", "FROM python\n", "FROM --platform=linux/amd64 python:latest AS build\nFROM build\n")
        + one(VALUES, "image: {repository: api, tag: latest}\n", "web: {proxy: {image: {repository: api, tag: edge}}}\n"),
        one("Dockerfile", "FROM a:1 AS build\nFROM build\n", "ARG V=3\nFROM python:${V}\n")
        + one(VALUES, "image: {repository: api, tag: ''}\n", "image: {repository: api, tag: '1.4'}\n", "image: {repository: api, tag: latest, digest: 'sha256:0'}\n"),
    ),
    "image-digest": Cases(
        one("Dockerfile", "FROM python:3.12\n", "from a:1 as b\n"),
        one("Dockerfile", "FROM python:3.12@sha256:00\n", "FROM ${BASE}\n", "FROM scratch\n", "# FROM a:1\n"),
    ),
    "image-secret": Cases(
        one("Dockerfile", f"FROM a:1\nENV A=b \\\n  API_TOKEN='{TOKEN}'\n", f"FROM a:1\nARG DB_PASSWORD={TOKEN}\n", f"FROM a:1\nENV SECRET_KEY {TOKEN}\n"),
        one("Dockerfile", "FROM a:1\nENV API_TOKEN=${API_TOKEN}\n", "FROM a:1\nARG DB_PASSWORD\n", f"FROM a:1\nENV TOKEN_FILE={TOKEN}\n", f"FROM a:1\nRUN x API_TOKEN={TOKEN}\n"),
    ),
}  # fmt: skip
TABLES = ("kubernetes", "compose", "prometheus", "flags_file", "settings", "drift", "semantics")


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.finds])
def test_rule_finds(rule: str, files: dict[str, str]) -> None:
    """What the rule is there for is found."""
    assert rule in rules_in(files)


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.passes])
def test_rule_passes(rule: str, files: dict[str, str]) -> None:
    """What only looks like it is not."""
    assert rule not in rules_in(files)


def test_every_rule_has_its_examples() -> None:
    """Each rule has two examples that it finds and two near misses that it does not, in one of the tables."""
    finds = dict.fromkeys(RULES, 0)
    passes = dict.fromkeys(RULES, 0)
    for name in TABLES:
        for rule, cases in import_module(f"tests.static.config_lint.test_{name}").TABLE.items():
            finds[rule] += len(cases.finds)
            passes[rule] += len(cases.passes)
    assert {rule for rule in RULES if finds[rule] < 2 or passes[rule] < 2} == set()


def test_rules_are_told_apart() -> None:
    """No two rules have one id, and each says what holds, why, and what to do."""
    assert len(RULES) == len({rule.id for rule in RULES.values()})
    assert all(rule.title and rule.why and rule.remedy.endswith((".", "`.")) for rule in RULES.values())


def test_template_and_broken_file_have_no_meaning() -> None:
    """What cannot be read has no finding here: its syntax has."""
    assert lint({"chart/templates/a.yaml": "image: {{ .Values.image }}\nkind: Pod\n"}) == []
    assert lint({"a.yaml": "a: [\n"}) == []


def test_users_classes_come_first() -> None:
    """A folder that the user calls production's is judged as such, whatever its name."""
    files = {"examples/live/docker-compose.yml": "services: {a: {image: a}}\n"}
    assert severities(files, "image-tag") == ["information"]
    options = Options("production", is_production=True, classes=(("examples/live/*", PathClass.CONFIG),))
    assert severities(files, "image-tag", options) == ["blocking"]


def test_findings_of_one_rule_are_counted_beyond_a_limit() -> None:
    """Ten thousand of the same are so many and a number, not ten thousand lines of a report."""
    names = ", ".join(f"s{number}: {{image: a}}" for number in range(MOST_HITS + 50))
    found = [
        hit for _, hit in lint({"docker-compose.yml": f"services: {{{names}}}\n"}) if hit.rule.endswith("image-tag")
    ]
    assert len(found) == MOST_HITS + 1
    assert (found[-1].text, found[-1].severity) == ("50 more like these", "blocking")


@pytest.mark.parametrize(
    ("path", "head", "item", "foot"),
    [
        ("docker-compose.yml", "x: &x [{0}]\nservices:\n", "  s{0}: {{image: 'a:1', ports: *x, volumes: *x}}\n", ""),
        (
            "k8s/a.yaml",
            "x: &x [{0}]\napiVersion: v1\nkind: List\nitems:\n",
            "- {{apiVersion: v1, kind: Pod, spec: {{containers: *x, volumes: *x}}}}\n",
            "",
        ),
        ("rules.yml", "x: &x [{0}]\ngroups:\n", "- {{name: a, rules: *x}}\n", ""),
    ],
    ids=["compose", "kubernetes", "prometheus"],
)
def test_aliases_do_not_multiply_the_work(path: str, head: str, item: str, foot: str) -> None:
    """A list that is used a thousand times is not looked at a thousand times a thousand."""
    listed = ", ".join(["{image: 'a:1', alert: A, expr: 'a > 1'}"] * 1000)
    text = head.format(listed) + "".join(item.format(number) for number in range(1000)) + foot
    before = time.process_time()
    lint({path: text})
    assert time.process_time() - before < 20
