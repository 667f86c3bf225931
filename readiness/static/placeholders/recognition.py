"""Which files are runbooks, contact lists and sign-off sheets: by their names, or by their headings."""

from __future__ import annotations

import re

from readiness.static.placeholders.outline import outline

_SUFFIXES = frozenset({"md", "mdx", "markdown", "txt", "rst", "adoc", "asciidoc", "org", ""})
_NAMED = re.compile(
    r"(?:^|[/_.\- ])(?:run-?books?|play-?books?|on-?call|escalations?|contacts|sign-?offs?|go-?live|disaster-?recovery|incident-?response"
    r"|production-?readiness|operational-?readiness|release-?checklist|definition-?of-?done|emergency)(?:[/_.\- ]|$)"
)
_TITLE = re.compile(
    r"(?i)\brun-?books?\b|\bplay-?books?\b|\bon-?call (?:guide|handbook|manual|rota|rotation)|operations (?:guide|manual|handbook)"
)
_SECTION = re.compile(
    r"(?i)\b(?:emergency|on-?call|escalation|incident|key) contacts?\b|\bon-?call (?:rotation|rota|schedule|roster|escalation)"
    r"|\bescalation (?:path|matrix|procedure|polic|contact|chain)|\bsign-?offs?\b|\brollback (?:procedure|plan)|\bincident response\b"
    r"|\bcontact information\b|\bemergency (?:response|procedure)|\bpaging\b"
)


def is_text(path: str) -> bool:
    """Returns whether the file is text for readers, by its name."""
    name = path.rpartition("/")[2].lower()
    suffix = name.rpartition(".")[2] if "." in name else ""
    return suffix in _SUFFIXES


def is_runbook(path: str, text: str) -> bool:
    """Returns whether people act by this file: by its name, or by its title and headings."""
    lowered = path.lower()
    if _NAMED.search(lowered):
        return True
    titles = _titles(text)
    return bool(titles) and (
        bool(_TITLE.search(titles[0]))
        or sum(bool(_SECTION.search(title)) for title in titles) > 1
        or any(
            re.search(
                r"(?i)emergency contacts?|on-?call (?:rotation|rota|contacts?)|^\W*(?:final )?sign-?offs?\W*$", title
            )
            for title in titles
        )
    )


def _titles(text: str) -> list[str]:
    lines = text[:1_000_000].splitlines()
    found: list[str] = []
    for line in outline(lines):
        for title in line.headings:
            if title not in found[-8:]:
                found.append(title)
    return found
