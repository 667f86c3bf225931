"""`config-lint/syntax`: what is wrong with a file as text, before its meaning is looked at."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from readiness.model import FindingSeverity
from readiness.static.config_lint.recognise import recognise
from readiness.static.documents.yaml import YamlDocument
from readiness.static.interface import Hit, Rule

if TYPE_CHECKING:
    from readiness.static.documents import Keys
    from readiness.static.source import Source

CHECK = "config-lint/syntax"
_MOST_AMBIGUOUS = 50
_WORD = r"[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF"
_NUMBER = r"[-+]?0[0-9_]*[0-9]|0o[0-7]+|[-+]?[0-9]+(?::[0-5]?[0-9])+(?:\.[0-9]+)?|[-+]?[0-9]+(?:\.[0-9]*)?[eE]\+?[0-9]+|[0-9]+(?:_[0-9]+)+"
_MAYBE = re.compile(
    rf"(?<![^\s\[{{,:-])(?:{_WORD}|[-+]?(?:0[0-9o]|[0-9]++(?:\.[0-9]*+)?[:_eE][0-9+])[0-9:_.+]*+)(?=[ \t]*+(?:[\n\r,\]}}#:]|\Z))"
)
"""What may be such a value; a word in a text matches as well, so that it only decides whether to look closer."""
_IS_WORD = re.compile(_WORD)
_IS_NUMBER = re.compile(_NUMBER)
_ANSIBLE = re.compile(
    r"(?:^|/)(?:roles|playbooks|tasks|handlers|group_vars|host_vars|defaults|vars|molecule)/|(?:^|/)(?:playbook|site)[\w-]*\.ya?ml$"
)


def _rule(name: str, title: str, why: str, remedy: str, *, source: str = "", severity: str = "blocking") -> Rule:
    return Rule(f"config-lint/{name}", CHECK, FindingSeverity(severity), title, why, remedy, source)


RULES: tuple[Rule, ...] = (
    _rule(
        "yaml-syntax",
        "Every YAML file is YAML",
        "A file that its reader cannot parse stops the deployment that needs it, or is skipped in silence.",
        "Correct the line that the finding names; most often an indentation, a quote or a bracket before it is wrong.",
        source="YAML 1.2.2",
    ),
    _rule(
        "yaml-duplicate-key",
        "No mapping of a YAML file has a key twice",
        "Most readers keep the last value and say nothing, so that the first one, which someone wrote on purpose, is lost.",
        "Remove one of the two, or rename it.",
        source="YAML 1.2.2, section 3.2.1.1",
    ),
    _rule(
        "yaml-tab",
        "No YAML file is indented with tabs",
        "YAML forbids tabs as indentation; readers stop there, or take the line for a part of the one before.",
        "Replace the tab by spaces.",
        source="YAML 1.2.2, section 6.1",
    ),
    _rule(
        "yaml-dialect",
        "Every YAML file is read by strict and by lenient readers",
        "Readers built on libyaml let it pass, those that follow YAML 1.2 to the letter stop: a change of tool breaks it.",
        "Correct the line that the finding names; most often a quoted text goes on with too little indentation.",
        source="YAML 1.2.2",
        severity="advisory",
    ),
    _rule(
        "yaml-aliases",
        "The aliases of a YAML file do not multiply without end",
        "A few lines of aliases of aliases stand for billions of values, and exhaust the memory of whoever reads them.",
        "Write the values out, or let aliases not refer to lists of aliases.",
    ),
    _rule(
        "yaml-ambiguous",
        "No bare value of a YAML file means one thing in YAML 1.1 and another in YAML 1.2",
        "One reader takes `no` for false, `012` for ten and `1:30` for ninety, another for text or another number; both"
        " kinds read such files.",
        'Quote it, or write what is meant: "no" or false, "012" or 10.',
        source="YAML 1.1 type repository; YAML 1.2.2, section 10.3",
        severity="advisory",
    ),
    _rule(
        "json-syntax",
        "Every JSON file is JSON",
        "A file that its reader cannot parse stops what needs it.",
        "Correct the line that the finding names; most often a comma or a quote is missing or one too many.",
        source="RFC 8259",
    ),
    _rule(
        "json-duplicate-key",
        "No object of a JSON file has a name twice",
        "Readers keep the last value, the first one, or stop: the same file configures two programs differently.",
        "Remove one of the two, or rename it.",
        source="RFC 8259, section 4",
    ),
    _rule(
        "json-comment",
        "A JSON file whose reader takes no comments has none",
        "Standard readers stop at a comment and at a comma after the last value; few tools allow them.",
        "Remove it, or name the file .jsonc if its reader takes comments.",
        source="RFC 8259",
    ),
    _rule(
        "toml-syntax",
        "Every TOML file is TOML",
        "A file that its reader cannot parse stops what needs it.",
        "Correct the line that the finding names.",
        source="TOML 1.0.0",
    ),
    _rule(
        "toml-duplicate-key",
        "No table of a TOML file has a key twice",
        "TOML forbids it, and readers stop.",
        "Remove one of the two, or rename it.",
        source="TOML 1.0.0",
    ),
    _rule(
        "ini-syntax",
        "Every INI file has sections of keys and values",
        "Its reader stops at a line that is neither, or attaches it to the value before.",
        "Correct the line that the finding names.",
    ),
    _rule(
        "ini-duplicate",
        "No INI file that Python reads has a section or a key twice",
        "Python's reader stops with an error.",
        "Merge the two.",
        source="Python, configparser",
    ),
    _rule(
        "ini-interpolation",
        "Every % in an INI file with interpolation is a reference to a key or doubled",
        "Its reader replaces %(name)s and stops at any other %, such as one in a password inside a URL.",
        "Write %% for a percent sign, or define the key that is named.",
        source="Python, configparser; Alembic, alembic.ini",
    ),
    _rule(
        "env-syntax",
        "Every line of a file of variables sets one",
        "Readers skip a line that they do not understand, or stop; a quote that is never closed takes the lines after it.",
        "Write NAME=value, and close each quote.",
    ),
    _rule(
        "env-duplicate",
        "No file of variables sets one twice",
        "Some readers take the first value, others the last.",
        "Remove one of the two.",
    ),
    _rule(
        "env-name",
        "The names in a file of variables can be names of variables",
        "A name with a dot or a hyphen cannot be exported by a shell, and is skipped by some readers.",
        "Use letters, digits and _, and no digit first.",
        source="POSIX.1-2024, XBD 8.1",
        severity="advisory",
    ),
    _rule(
        "encoding",
        "Every configuration file is UTF-8",
        "Readers stop at bytes of another encoding, or take them for other characters.",
        "Save the file as UTF-8.",
    ),
    _rule(
        "too-deep",
        "No configuration file has hundreds of containers in each other",
        "Readers overflow their stack or need minutes; this one does not read such a file at all.",
        "Generate less nesting, or exclude the file if it is no configuration.",
    ),
    _rule(
        "too-large",
        "No configuration file is too large to be parsed",
        "A file of this size is data; it was not read, so that nothing is known about it.",
        "Exclude it if it is no configuration, or split it.",
    ),
)


def syntax(source: Source) -> Iterator[Hit]:
    """Yields what is wrong with the text of a file."""
    parsed = source.parsed
    if parsed is None or parsed.is_template:
        return
    for problem in parsed.problems:
        where = ".".join(map(str, problem.keys))
        yield _hit(source, problem.rule, (problem.line, problem.column), f"{problem.text}.", anchor=where)
    if isinstance(parsed, YamlDocument) and parsed.values:
        yield from _ambiguous(source, parsed)


def _ambiguous(source: Source, parsed: YamlDocument) -> Iterator[Hit]:
    """Yields the bare values whose meaning depends on the version of YAML."""
    if not _MAYBE.search(source.text) or _ANSIBLE.search(source.path):  # Ansible's own words are yes and no
        return
    kinds = [recognise(source.path, parsed.kind, value) for value in parsed.values]
    count = 0
    for plain in parsed.nodes.plain():
        kind = kinds[plain.document] if plain.document < len(kinds) else ""
        meanings = _meanings(plain.value)
        if not meanings or (plain.is_key and plain.value == "on" and kind == "github-workflows"):
            continue
        count += 1
        if count > _MOST_AMBIGUOUS:
            return
        what = "key" if plain.is_key else "value"
        text = f"the bare {what} {plain.value[:40]} is {meanings}."
        # Where no kind is known, perhaps one program alone reads the file.
        severity = "" if kind else "information"
        where = f"{_dotted(plain.keys)}={plain.value}"
        place = (plain.line, plain.column)
        yield _hit(source, "config-lint/yaml-ambiguous", place, text, anchor=where, severity=severity)


def _dotted(keys: Keys) -> str:
    return ".".join(map(str, keys))


def _meanings(value: str) -> str:
    """Returns what a bare value is in either version; empty where both agree."""
    if _IS_WORD.fullmatch(value):
        truth = "true" if value.lower() in ("yes", "on") else "false"
        return f"{truth} in YAML 1.1 and the text '{value}' in YAML 1.2"
    if len(value) > 40 or not _IS_NUMBER.fullmatch(value):  # noqa: PLR2004 - no number that is meant is longer
        return ""
    for mark, meanings in _BY_MARK.items():
        if mark in value.lower():
            return meanings
    is_octal = not set(value.lstrip("+-")) - set("01234567")
    return f"{'an octal number' if is_octal else 'text'} in YAML 1.1 and a decimal number in YAML 1.2"


_BY_MARK = {
    ":": "a number to the base of 60 in YAML 1.1 and text in YAML 1.2",
    "_": "a number in YAML 1.1 and text in YAML 1.2",
    "e": "text for most readers of YAML 1.1 and a number in YAML 1.2",
    "o": "text in YAML 1.1 and an octal number in YAML 1.2",
}


def _hit(source: Source, rule: str, place: tuple[int, int], text: str, *, anchor: str, severity: str = "") -> Hit:
    line, column = place
    return Hit(rule, line, column, text, anchor or _line(source, line).strip() or text, severity=severity)


def _line(source: Source, line: int) -> str:
    lines = source.text.split("\n", line) if 0 < line < 100_000 else []  # noqa: PLR2004 - no more is worth splitting
    return lines[line - 1][:300] if len(lines) >= line > 0 else ""
