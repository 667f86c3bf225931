"""One pass of google-re2 over a file's bytes, which says what is worth a closer look: linear in time for any content.

Most files have nothing of it, and are done. The patterns are loose on purpose: what they point to is read by the judges
of its family; what they do not point to, no judge would find.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

_YOUR_NOUN = r"(?:name|user|pass|token|key|secret|org|company|project|bucket|account|app|repo|team|e?mail|domain|host|site|server|business|website|service|[-_][a-z])"
_DOMAIN = (
    r"(?i)(?:your|my)[-_]?[a-z_-]*(?:domain|company|org|corp|business|site|server|host|app|project|service|instance|cluster|registry|team|startup"
    r"|firm|store|shop|brand|product|tenant|realm)[a-z_-]*\.[a-z]|\b(?:domain|company)\.(?:com|tld)\b"
)
PATTERNS: tuple[tuple[str, str], ...] = (
    (
        "changeme",
        r"(?i)change[-_]?(?:me|this|it|in|before)|be[-_](?:changed|replaced|filled)|replace[-_]?(?:me|this|with)|fill[-_]?(?:me|this)"
        r"|(?:set|edit|update)[-_]me|(?:insert|put|paste|goes)[-_a-z]*[-_]here\b|(?:add|enter|insert)[-_]your",
    ),
    (
        "change",
        r"(?i)change (?:me|this|it|in|before)|be (?:changed|replaced|filled)|replace (?:me|this|with)|fill (?:me|this)|[- ]here\b"
        r"|(?:add|enter|insert) your",
    ),
    (
        "credential",
        r"(?i)(?:passw(?:or)?d|passwort|pwd|passphrase|secret|token|api_?-?key|credential|pepper|[a-z]_?-?key|_pass)s?[a-z0-9_]*[\"']?\]?\s*[:=]"
        r"|://[^:/@\s]*:[^@/\s]+@",
    ),
    (
        "fallback",
        r"(?i)(?:getenv|environ|env|config)[\w.]*[(\[]\s*[\"'][a-z0-9_]*(?:pass|secret|token|key|pwd)[a-z0-9_]*[\"']\s*,"
        r"|process\.env[.\[\"'a-z_0-9\]]+\s*(?:\|\||\?\?)",
    ),
    (
        "literal",
        r"(?i)[=:,(]\s*[rbfu]?[\"'`](?:[^\"'`\n]*[^a-z\"'`\n])?(?:change[-_ ]?(?:me|this|it|in|before)\b|(?:to|must|should)[-_ ]be[-_ ](?:ch|re|fi)|replace[-_ ]?(?:me|this|with)\b"
        r"|fill[-_ ]?(?:me|this)|(?:set|edit|update)[-_]me|(?:insert|put|paste)[-_][a-z]|(?:add|enter)[-_]your|[a-z]+[-_]goes|your[-_]?[a-z]|my[-_]?[a-z-]+\.[a-z]"
        r"|<[a-z]|(?:sk|pk|rk)_test_|AKIA|wJalr|hooks\.slack|[a-z.]*webhook)",
    ),
    (
        "angle",
        r"(?i)<\s*(?:your|insert|enter|replace|fill|specify|provide|todo|tbd|placeholder|add|change|set|put|my)[-_ >]|://[^/\s<>]*<[a-z]",
    ),
    ("bracket", r"(?i)[\"':= /]<[a-z][a-z0-9_. -]*>"),
    ("your", rf"(?i)\byour{_YOUR_NOUN}"),
    ("yours", r"(?i)[\"':=\[<]\s*your "),
    ("domain", _DOMAIN),
    ("filler", r"(?i)\bx{3,}|[-_]x{4,}|\?\?\?|\*\*\*|\.\.\."),
    ("note", r"(?i)\b(?:todo|to[-_ ]do|tbd|tba|fixme|to[-_ ]be|fill[-_ ]in|placeholder)\b"),
    ("example", r"(?i)example\.(?:com|org|net|edu)"),
    ("hook", r"hooks\.slack\.com|/api/webhooks|\.office\.com/|chat\.googleapis\.com"),
    ("key", r"_test_[A-Za-z0-9]|EXAMPLE"),
    ("mock", r"(?i)mock|fake|dummy|stub|sandbox|httpbin|typicode|reqres\.in|webhook\.site|mailtrap"),
    ("contact", r"(?i)555|\[[a-z][^\[\]\n]+\]|123[-. )]+456|000[-. )]+000|x{3}[-. )]+x{3}|999[-. )]+999"),
    ("variable", r"__[A-Z]|@@[A-Z]|%%[A-Z]|#\{[A-Z]|~~[A-Z]"),
    ("marker", r"\b(?:TODO|FIXME|XXX|HACK)\b"),
    ("stub", r"NotImplementedError"),
    (
        "empty",
        r"->[ \t]*(?:[^N\s:]|N[^o])[^\n]*:[ \t]*\r?\n?[ \t]*(?:pass\b|\.\.\.)|(?:\"{3}|'{3})[ \t]*\r?\n[ \t]*(?:pass\b|\.\.\.[ \t]*\r?\n)"
        r"|\.(?:get|post|put|patch|delete|route|websocket|task)\([^\n]*\r?\n(?:[ \t]*@[^\n]*\n)*[ \t]*(?:async )?def [^\n]*:[ \t]*\r?\n[ \t]*(?:pass\b|\.\.\.)",
    ),
    ("runbook", r"(?i)\brun-?book|play-?book|on-?call|escalation|emergency contact|sign-?off|roll-?back|incident"),
    (
        "sample",
        r"(?i)lorem ipsum|\b(?:doe|mustermann)\b|0{8}-0{4}|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|dummy|coming soon",
    ),
)
"""Family to its pattern, in the syntax that google-re2 and ripgrep share."""
EVERY = frozenset(family for family, _ in PATTERNS)
MEMORY = 64 << 20
"""Bytes that the automaton may take; where they did not suffice a file would be looked at by every judge."""
_MARKS = (b"\xff\xfe", b"\xfe\xff")


@functools.cache
def _set() -> Any:
    import re2  # type: ignore[import-untyped] # google-re2 ships no types

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = MEMORY
    options.log_errors = False
    patterns = re2.Set.SearchSet(options)
    for _, pattern in PATTERNS:
        patterns.Add(pattern)
    patterns.Add(r"\z")  # the end of any text: where it is missing in the answer the automaton has given up before
    patterns.Compile()
    return patterns


def families(data: bytes, text: str | None = None) -> frozenset[str]:
    """Returns which families have something in the file.

    Args:
        data: its bytes.
        text: the same as text, where that is not UTF-8: in UTF-16 no pattern would be seen.
    """
    seen = _set().Match(data if text is None else text.encode("utf-8", "surrogatepass"))
    return frozenset(PATTERNS[index][0] for index in seen if index < len(PATTERNS)) if seen else EVERY


def is_wide(data: bytes) -> bool:
    """Returns whether the file is UTF-16 or UTF-32, by its byte order mark."""
    return data.startswith(_MARKS)


GATE = (
    r"(?i)chang|replac|fill|be[-_ ]|_me\b|here\b|your|<|\bx{3,}|[-_]x{4,}|\?\?\?|\*\*\*|\.\.\.|todo|to[-_ ]|tb[da]\b|fixme|placeholder|example|secret|s3cr3t|passw|\.(?:com|tld)\b"
    r"|hooks|webhook|_test_|mock|fake|dummy|stub|sandbox|httpbin|typicode|reqres|mailtrap|555|^\s*\[|__|@@|%%|#\{|~~|\$\{|=|\n|://|\d{3}[-. )]"
)
"""What a value holds of which any judge has something to say, besides those that are whole words of a list."""


@functools.cache
def gate() -> Any:
    """Returns `search` of a pattern for values that a judge may have something to say of."""
    import re2

    return re2.compile(GATE).search


@functools.lru_cache(maxsize=64)
def _loose(families_: frozenset[str]) -> Any:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    pattern = "|".join(f"(?:{pattern})" for family, pattern in PATTERNS if family in families_)
    return re2.compile(pattern.encode(), options)


def lines_with(families_: frozenset[str], text: str) -> Iterator[tuple[int, str]]:
    """Yields number and text of the lines in which one of these families may have something.

    The file is searched as a whole: line by line it would take many times as long.
    """
    data = text.encode("utf-8", "surrogatepass")
    number, counted, end = 1, 0, -1
    for found in _loose(families_).finditer(data):
        if found.start() < end:
            continue
        start = data.rfind(b"\n", 0, found.start()) + 1
        end = data.find(b"\n", found.start())
        end = len(data) if end < 0 else end
        number += data.count(b"\n", counted, start)
        counted = start
        yield number, data[start:end].decode("utf-8", "replace").rstrip("\r")
