"""What the tests of the placeholder audit share: a text is looked at as if it stood in a file."""

from __future__ import annotations

import functools
from pathlib import Path

from readiness.static.interface import Hit
from readiness.static.placeholders import RULES
from readiness.static.placeholders.analyser import Audit
from readiness.static.placeholders.options import Options
from readiness.static.source import Source

SEVERITIES = {rule.id: rule.severity.value for rule in RULES}


def audit(
    files: dict[str, str | bytes], options: Options | None = None, folder: Path | None = None
) -> list[tuple[str, Hit]]:
    """Returns the hits in the files, of single ones and of all together, with the path of each."""
    analyser = Audit(options or Options(), folder or Path(), "readiness.toml")
    found: list[tuple[str, Hit]] = []
    facts = {}
    for path, text in files.items():
        if not analyser.wants(path):
            continue
        looked = analyser.analyse(Source(path, text if isinstance(text, bytes) else text.encode()))
        found.extend((path, hit) for hit in looked.hits)
        if looked.facts is not None:
            facts[path] = looked.facts
    return [*found, *analyser.conclude(facts)]


def rules_in(path: str, text: str | bytes, options: Options | None = None) -> list[str]:
    """Returns the names of the rules that are broken in one file, without the gate's."""
    return [hit.rule.partition("/")[2] for _, hit in audit({path: text}, options)]


def severity_of(hit: Hit) -> str:
    """Returns what a hit does: its own severity, else its rule's."""
    return hit.severity or SEVERITIES[hit.rule]


production = functools.partial(Options, environment="production", strict=True)
