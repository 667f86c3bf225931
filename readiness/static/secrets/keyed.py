"""Values whose name says that they are secret: `password = "..."`, `api_key: ...`, and random strings without a name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from readiness.model import FindingSeverity
from readiness.static.paths import PathClass
from readiness.static.secrets import harmless
from readiness.static.secrets.detector import Candidate, Detector, Judge, Judgement
from readiness.static.secrets.entropy import (
    BITS_PER_CHARACTER,
    HEX_BITS,
    LONGEST,
    bits_per_character,
    is_hex,
    is_slug,
    looks_random,
    reads_as_words,
)

if TYPE_CHECKING:
    from readiness.static.secrets.place import Place

BLOCKING, ADVISORY, INFORMATION = FindingSeverity.BLOCKING, FindingSeverity.ADVISORY, FindingSeverity.INFORMATION
_REACH = 60
_NAME_BEFORE = re.compile(r"[A-Za-z0-9_.-]*$")
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PASSWORD = re.compile(r"pass(?:word|wd|wort|phrase|code)?s?|pwd|pw")
_SECRET_WORDS = frozenset(
    [
        "secret",
        "secrets",
        "token",
        "tokens",
        "credential",
        "credentials",
        "apikey",
        "authkey",
        "accesskey",
        "secretkey",
        "privatekey",
        "bearer",
    ]
)
_KEY_BEFORE = frozenset(
    [
        "api",
        "access",
        "auth",
        "private",
        "secret",
        "encryption",
        "encrypt",
        "signing",
        "sign",
        "master",
        "session",
        "cookie",
        "service",
        "account",
        "storage",
        "hmac",
        "jwt",
        "client",
        "app",
        "application",
        "consumer",
        "webhook",
        "shared",
        "subscription",
        "admin",
        "deploy",
        "crypt",
        "crypto",
        "fernet",
        "aes",
        "user",
        "rest",
        "write",
        "server",
        "root",
        "integration",
        "ingest",
    ]
)
"""What makes a secret of a name that ends in `key`."""
_AFTER = frozenset(
    [
        "key",
        "keys",
        "secret",
        "token",
        "value",
        "val",
        "string",
        "str",
        "text",
        "plain",
        "plaintext",
        "raw",
        "base64",
        "b64",
        "hex",
        "default",
        "new",
        "old",
        "current",
        "primary",
        "secondary",
        "backup",
        "prod",
        "production",
        "staging",
        "stage",
        "dev",
        "development",
        "test",
        "testing",
        "qa",
        "live",
        "local",
        "eu",
        "us",
        "global",
        "main",
        "internal",
        "external",
        "master",
        "admin",
        "user",
        "root",
        "base",
        "override",
        "password",
        "s",
        "pem",
    ]
)
"""What may follow the telling word in a name without making it the name of something else, as `_url` or `_field` do."""
_INNOCENT = frozenset(
    [
        "public",
        "primary",
        "foreign",
        "csrf",
        "xsrf",
        "next",
        "previous",
        "continuation",
        "page",
        "cursor",
        "cache",
        "sort",
        "partition",
        "lookup",
        "hash",
        "has",
        "is",
        "no",
        "max",
        "min",
        "lexer",
        "pos",
        "tag",
        "end",
        "start",
    ]
)
_CODE = re.compile(
    r"\(.*\)|\[.*\]|\{.*\}|<.*>|\\|://|\s|=>|->|::|&&|\|\||^\w+\.\w+\.|^[\^(\[{]|[)\]}$]$|;$|^@[a-z]|^[&*]\w+$|^![A-Za-z]+$|^[|>][+-]?$"
)
"""Expressions, regular expressions, types, addresses, references of YAML: what stands there is no literal."""
_PATH = re.compile(r"^[./~]|^[A-Za-z]:[\\/]")
_SHORTEST_PASSWORD = 5
_SHORTEST_SECRET = 8
_LONG_PASSWORD = 64
_ENOUGH_KINDS = 3
_DIGIT = re.compile(r"[0-9]")
_COMMAND_GOES_ON = re.compile(r"\S+\s+(?:[|&>].*|\\)")
_HASH_NAMES = re.compile(
    r"sha\d*|md5|digest|checksum|hash|integrity|commit|revision|\brev\b|etag|fingerprint|uuid|guid|nonce|oid|blake|crc|version|\bid\b|public|cert|x5|thumbprint|signature",
    re.IGNORECASE,
)


def kind_of(name: str) -> str:
    """Returns `password` or `secret` for a name that says that its value is one; empty for any other."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or not _INNOCENT.isdisjoint(words):
        return ""
    for index in range(len(words) - 1, -1, -1):
        word = words[index]
        if _PASSWORD.fullmatch(word) and (word not in ("pass", "pw") or index > 0):
            return "password"
        if word in _SECRET_WORDS or (word in ("key", "keys") and index > 0 and words[index - 1] in _KEY_BEFORE):
            return "secret"
        if word not in _AFTER and not word.isdigit():
            return ""
    return ""


def _kinds(text: str) -> int:
    """Returns how many of the four kinds of characters are in it."""
    return sum(
        (
            any(map(str.islower, text)),
            any(map(str.isupper, text)),
            any(map(str.isdigit, text)),
            any(not each.isalnum() for each in text),
        )
    )


def judge_value(kind: str, value: str, *, is_settings: bool) -> Judgement | None:
    """Judges a value by the kind of its name.

    Args:
        kind: as `kind_of` says.
        value: as it stands, without quotes.
        is_settings: it stands in a configuration file, where a literal is what the service will use.
    """
    if len(value) > LONGEST or _CODE.search(value) or not value.isprintable():
        return None
    if (
        harmless.is_template(value)
        or harmless.is_placeholder(value)
        or harmless.is_hashed(value)
        or harmless.is_public(value)
    ):
        return None
    if harmless.is_uuid(value) or harmless.is_invented(value):
        return None
    if looks_random(value):
        return Judgement(rule="generic-secret")
    if _PATH.search(value):
        return None
    short = _thought_up if kind == "password" else _short_secret
    return short(value, is_settings=is_settings)


def _short_secret(value: str, *, is_settings: bool) -> Judgement | None:
    """What a token or a key may be although it is too short or too regular to be called random."""
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    if (
        len(value) < _SHORTEST_SECRET
        or not has_both
        or reads_as_words(value)
        or is_slug(value)
        or bits_per_character(value) < HEX_BITS - 0.25
    ):
        return None
    return Judgement(
        ADVISORY if is_settings or _kinds(value) >= _ENOUGH_KINDS else INFORMATION,
        "generic-secret",
        "it may be one: it is short, or regular",
    )


def _thought_up(value: str, *, is_settings: bool) -> Judgement | None:
    """What a person may have thought up for a password."""
    if not _SHORTEST_PASSWORD <= len(value) <= _LONG_PASSWORD:
        return None
    kinds = _kinds(value)
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    if (
        kinds >= _ENOUGH_KINDS
        and has_both
        and len(value) >= _SHORTEST_SECRET
        and not re.fullmatch(r"[A-Za-z]+(?:[_.:-][A-Za-z0-9]+)+", value)
    ):
        return Judgement(BLOCKING if is_settings else None, "generic-password")
    if has_both and not re.fullmatch(r"[A-Za-z]+(?:[_.:/-][A-Za-z0-9]+)+|[a-z]+\d", value):
        return Judgement(BLOCKING if is_settings else ADVISORY, "generic-password")
    if is_settings and re.fullmatch(r"[A-Za-z]{5,}[!@#$%^&*+?]*|\d{5,}", value):
        return Judgement(ADVISORY, "generic-password", "it is an easy one")
    return None


def _name_at(found: Candidate, place: Place) -> str:
    """Returns the whole name whose telling word was found."""
    before = place.data[max(0, found.at - _REACH) : found.at].decode("latin-1")
    behind = place.data[found.at : found.start].decode("latin-1")
    match = _NAME_BEFORE.search(before)
    rest = re.match(r"[A-Za-z0-9_.-]*", behind)
    return (match[0] if match else "") + (rest[0] if rest else "")


def _is_listed(found: Candidate, place: Place, length: int) -> bool:
    """Returns whether name and value are neighbours in a list of strings, and no argument and its value: `("token", "...")`."""
    between = place.data[found.at : found.start].decode("latin-1")
    if not re.search(r"[\"'`]\s*,\s*[rbfu]{0,2}[\"'`]$", between, re.IGNORECASE):
        return False
    rest = re.match(r"[A-Za-z0-9_.-]*", between)
    start = found.at - length + (len(rest[0]) if rest else 0)
    return re.search(r"\([\"'`]$", place.data[max(0, start - 2) : start].decode("latin-1")) is None


def _shown(name: str) -> str:
    """Returns what may be shown of the name: all of it where it reads as words, since a name can hold a secret as well."""
    short = name.strip("._-")[-40:]
    return f"{short} = ***" if not looks_random(short) and re.fullmatch(r"[A-Za-z_.-]+\d?", short) else "***"


def _quoted(found: Candidate, place: Place) -> Judgement | None:
    if place.is_lock or (place.is_compiled and place.is_on_long_line(found.start)):
        return None
    name = _name_at(found, place)
    if _is_listed(found, place, len(name)):
        return None
    kind = kind_of(name)
    judged = judge_value(kind, found.text, is_settings=place.kind is PathClass.CONFIG) if kind else None
    return judged and Judgement(judged.severity, judged.rule, judged.note, _shown(name))


def _unquoted(found: Candidate, place: Place) -> Judgement | None:
    name = _name_at(found, place)
    kind = kind_of(name)
    value = re.split(r"\s[#;]", found.text, maxsplit=1)[0].rstrip(" \t,;")
    if not kind or place.is_lock or (" " in value and not (name.startswith("-") or _COMMAND_GOES_ON.fullmatch(value))):
        return None
    judged = judge_value(kind, value.split(" ")[0], is_settings=True)
    return judged and Judgement(judged.severity, judged.rule, judged.note, _shown(name))


def _paired(found: Candidate, place: Place) -> Judgement | None:
    """Judges what has its name in the first group."""
    name = found.groups[0]
    kind = kind_of(name)
    judged = judge_value(kind, found.text, is_settings=True) if kind and not place.is_lock else None
    return judged and Judgement(judged.severity, judged.rule, judged.note, _shown(name))


def bare(bits: float) -> Judge:
    """Returns the judge of quoted strings without a telling name.

    Args:
        bits: wanted per character.
    """

    def judge(found: Candidate, place: Place) -> Judgement | None:
        value = found.text
        if not _DIGIT.search(value) or place.is_lock or place.is_on_long_line(found.start):
            return None
        if harmless.is_public(value) or harmless.is_uuid(value) or harmless.is_digest(value):
            return None
        if not looks_random(value, None if is_hex(value) else bits) or harmless.is_invented(value):
            return None
        before = place.data[max(0, found.start - _REACH) : found.start].decode("latin-1").rpartition("\n")[2]
        if _HASH_NAMES.search(before) or value.count("/") > max(1.0, len(value) / 24):
            return None
        return Judgement()

    return judge


_TELLING = (
    r"(?:pass(?:word|wd|wort|phrase|code)|pwd|_pass|secret|token|credential|api[_.-]?key|access[_.-]?key|auth[_.-]?key|private[_.-]?key|account[_.-]?key"
    r"|(?:encryption|encrypt|signing|sign|master|session|cookie|service|storage|hmac|jwt|client|app|application|consumer|webhook|shared|subscription"
    r"|admin|deploy|crypto|fernet|aes|user|rest|write|server|root|integration|ingest)[_.-]?key)"
)
_KEYWORDS = ("pass", "pwd", "secret", "token", "credential", "key")
_IS = r"(?:=>|:=|[=!]=|=|:|,|\)\s?=|[\"']\s{0,8}(?:,|\)|value)\s{0,4}[=:]?)"

# fmt: off
DETECTORS: tuple[Detector, ...] = (
    Detector("generic-secret", "a secret under a telling name", _KEYWORDS,
             rf"(?i){_TELLING}[a-z0-9_.-]{{0,40}}[\"'`\])]{{0,3}}\s{{0,8}}{_IS}\s{{0,8}}[rbfu]{{0,2}}(?:\"(?P<secret>[^\"\r\n]{{4,}})\"|'([^'\r\n]{{4,}})'|`([^`\r\n]{{4,}})`)",
             _quoted, ignore_case=True, is_guessable=True, is_format=False, shown="***", source="CWE-798"),
    Detector("generic-secret", "a secret under a telling name", _KEYWORDS,
             rf"(?i){_TELLING}[a-z0-9_.-]{{0,40}}[ \t]{{0,8}}[=:][ \t]{{0,8}}([^\s\"'`$<{{\[(|>&*!][^\r\n]{{3,}})",
             _unquoted, ignore_case=True, is_guessable=True, is_format=False, shown="***", files=lambda place: place.is_settings),
    Detector("generic-secret", "a secret under a telling name", ("name:",),
             rf"(?i)name:[ \t]{{1,8}}[\"']?[a-z0-9_.-]{{0,60}}?({_TELLING}[a-z0-9_.-]{{0,40}})[\"']?[ \t]{{0,8}}\r?\n[ \t]{{0,60}}value:[ \t]{{1,8}}[\"']?(?P<secret>[^\s\"'`$<{{\[(|>&*!][^\s\"']{{3,}})",
             _paired, is_guessable=True, is_format=False, shown="***", files=lambda place: place.is_settings),
    Detector("generic-secret", "a secret under a telling name", ("pass", "secret", "token", "key"),
             rf"(?i)<(?:[a-z0-9_.:-]{{0,40}}?)({_TELLING}[a-z0-9_.-]{{0,40}})>(?P<secret>[^<>\s]{{4,300}})</", _paired, ignore_case=True,
             is_guessable=True, is_format=False, shown="***", files=lambda place: place.name.endswith((".xml", ".config", ".plist", ".csproj", ".props"))),
)
DERIVED: tuple[Detector, ...] = (
    Detector("generic-password", "a password under a telling name", (), "", is_guessable=True, is_format=False, where="by changing it", source="CWE-798"),
    Detector("high-entropy", "a string that looks drawn by a machine", (), "", severity=INFORMATION, is_format=False,
             title="No quoted string looks as if a machine had drawn it", why="Keys of vendors without a form of their own look like this; so does much that is no secret.",
             remedy="Look at it. Where it is a secret, revoke it; where it is none, it needs nothing.", source="CWE-798"),
)
# fmt: on


def high_entropy(bits: float = BITS_PER_CHARACTER) -> Detector:
    """Returns the detector of random strings without a telling name."""
    return Detector("high-entropy", "a string that looks drawn by a machine", (), r"[\"'`]([A-Za-z0-9+/_-]{20,512}={0,2})[\"'`]", bare(bits), severity=INFORMATION,
                    is_format=False, shown="***")  # fmt: skip
