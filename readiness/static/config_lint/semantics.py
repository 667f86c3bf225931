"""What a configuration file that parses means: which rules look at it, by what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

from readiness.static.config_lint import compose as compose_rules
from readiness.static.config_lint import containers, kubernetes, prometheus, workflows
from readiness.static.config_lint import dockerfile as dockerfiles
from readiness.static.config_lint import flags_file as flags_rules
from readiness.static.config_lint import settings as settings_rules
from readiness.static.config_lint.lint import MOST_HITS, Lint, mapping
from readiness.static.config_lint.setting_places import settings_of
from readiness.static.interface import Hit

if TYPE_CHECKING:
    from readiness.static.config_lint.options import Options
    from readiness.static.source import Source

RULES = (
    *containers.RULES,
    *kubernetes.RULES,
    *settings_rules.RULES,
    *prometheus.RULES,
    *compose_rules.RULES,
    *flags_rules.RULES,
    *workflows.RULES,
    *dockerfiles.RULES,
)
"""Of the check `config-lint/semantics`, but those that need several files, which `drift.RULES` has."""

Judge: TypeAlias = Callable[[Lint, int, object], Iterator[Hit]]


def semantics(source: Source, options: Options) -> Iterable[Hit]:
    """Yields what is wrong with the meaning of a configuration file; nothing of one that cannot be read or is a template."""
    lint = Lint(source, options)
    if dockerfiles.is_dockerfile(source.path):
        yield from _at_most(MOST_HITS, dockerfiles.dockerfile(lint))
        return
    parsed = source.parsed
    if parsed is not None and not parsed.is_template:
        yield from _at_most(MOST_HITS, _hits(lint, parsed.values))


def _hits(lint: Lint, documents: tuple[object, ...]) -> Iterator[Hit]:
    for document, value in enumerate(documents):
        judge = judge_of(lint.source.path, value)
        if judge is not None:
            yield from judge(lint, document, value)
        yield from settings_of(lint, document, value)


def judge_of(path: str, value: object) -> Judge | None:
    """Returns the rules for a document by what it is; None where there are none for its kind."""
    if not isinstance(value, dict):
        return None
    kinds: tuple[tuple[bool, Judge], ...] = (
        (workflows.is_workflow(path), workflows.workflow),
        (prometheus.rule_groups(value) is not None, prometheus.prometheus),
        (kubernetes.is_manifest(value), kubernetes.kubernetes),
        (compose_rules.is_compose(path, value), compose_rules.compose),
        (prometheus.is_dashboard(value), prometheus.grafana),
        (flags_rules.is_flags_file(value), flags_rules.flags_file),
        (is_helm_values(path), helm_values),
    )
    return next((judge for applies, judge in kinds if applies), None)


_VALUES = re.compile(r"(?:^|[/._-])values(?:[._-][^/]*)?\.ya?ml$", re.IGNORECASE)
_DEEPEST = 12


def is_helm_values(path: str) -> bool:
    """Returns whether a file holds the values of a chart, by its name."""
    return bool(_VALUES.search(path))


def helm_values(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields images whose tag moves; one without a tag takes the chart's, and is no finding."""
    left: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    while left:
        at, each = left.pop()
        image = mapping(each)
        name, tag = image.get("repository"), image.get("tag")
        if isinstance(name, str) and isinstance(tag, str) and tag in containers.MOVING and not image.get("digest"):
            where = (document, (*at, "tag"))
            yield from containers.image_hits(lint, where, ".".join(map(str, at)) or "the chart", f"{name}:{tag}")
        if len(at) < _DEEPEST:
            left += [((*at, key), below) for key, below in mapping(each).items() if isinstance(below, dict)]


def _at_most(most: int, hits: Iterable[Hit]) -> Iterator[Hit]:
    """Yields so many findings of each rule, and then how many there are more."""
    seen: dict[str, int] = {}
    last: dict[str, Hit] = {}
    for hit in hits:
        seen[hit.rule] = seen.get(hit.rule, 0) + 1
        last[hit.rule] = hit
        if seen[hit.rule] <= most:
            yield hit
    for rule, count in seen.items():
        if count > most:
            yield Hit(rule, 0, 0, f"{count - most} more like these", f"more {rule}", severity=last[rule].severity)
