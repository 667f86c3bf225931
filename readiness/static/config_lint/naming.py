"""What a setting's name says: whether its value is a secret, and whether a value is a literal or points elsewhere."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_NAME = re.compile(r"[\w.-]{1,200}", re.ASCII)
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SECRET_WORDS = frozenset(
    {"password", "passwd", "pwd", "passphrase", "secret", "token", "apikey", "credential", "credentials"}
)
_SECRET_PAIRS = frozenset(
    {
        ("api", "key"),
        ("access", "key"),
        ("private", "key"),
        ("secret", "key"),
        ("signing", "key"),
        ("encryption", "key"),
        ("auth", "key"),
        ("account", "key"),
        ("master", "key"),
    }
)
_SECRET_ENDS = ("password", "passwd", "apikey", "secretkey", "authtoken")
"""Of one word that is written together, such as `dbpassword`."""
_ABOUT = frozenset(
    [
        *(
            "file",
            "path",
            "dir",
            "name",
            "names",
            "url",
            "uri",
            "endpoint",
            "host",
            "ttl",
            "expiry",
            "expires",
            "expiration",
            "expire",
        ),
        *(
            "length",
            "size",
            "header",
            "type",
            "kind",
            "algorithm",
            "alg",
            "id",
            "ids",
            "enabled",
            "disabled",
            "policy",
            "count",
        ),
        *(
            "limit",
            "max",
            "min",
            "ref",
            "version",
            "arn",
            "prefix",
            "suffix",
            "field",
            "format",
            "regex",
            "pattern",
            "required",
        ),
        *(
            "minutes",
            "seconds",
            "hours",
            "days",
            "timeout",
            "lifetime",
            "age",
            "interval",
            "hint",
            "label",
            "location",
            "issuer",
        ),
        *(
            "audience",
            "method",
            "mode",
            "provider",
            "rotation",
            "store",
            "engine",
            "manager",
            "backend",
            "mount",
            "budget",
            "usage",
        ),
        *(
            "generator",
            "reset",
            "validators",
            "hashers",
            "class",
            "cookie",
            "key_name",
            "claim",
            "scopes",
            "scope",
            "username",
            "user",
        ),
    ]
)
"""Last words with which a name is about a secret, and not one: `TOKEN_TTL`, `SECRET_NAME`."""
_PUBLIC = frozenset(
    {
        "public",
        "publishable",
        "vite",
        "max",
        "min",
        "num",
        "per",
        "csrf",
        "total",
        "input",
        "output",
        "completion",
        "prompt",
        "context",
    }
)
"""Words with which it is no secret: `PUBLIC_KEY`, `NEXT_PUBLIC_TOKEN`, `MAX_TOKEN`."""
_ELSEWHERE = re.compile(
    r"\$\{|\$\(|\$[A-Za-z_]|\{\{|\{%|%\(|%[A-Z_]{3,60}%|ENC\[|^(?:vault|secret|secretsmanager|ssm|arn|ref\+|op|file|env|gcp|aws-sm|awssm|azurekv|bao|doppler|keyring|sops|kms|infisical|akv)[:+]"
    r"|^[./~]|^<.{0,200}>$|^__.{0,100}__$|^@.{0,100}@$"
)
_UNSET = re.compile(
    r"^(?:true|false|yes|no|on|off|none|null|nil|undefined|unset|empty|\*+|x+|-+|\.+|_+|#+|required|optional|todo|tbd|redacted"
    r"|change[-_ ]?(?:me|this|it).{0,40}|replace[-_ ]?(?:me|this|with).{0,40}|your[-_ ].{1,60}|placeholder|dummy|example)$",
    re.IGNORECASE,
)
"""Says that no value is there yet: the placeholder audit's business."""
_VARIABLE_NAME = re.compile(r"^[A-Z][A-Z0-9]{0,60}(?:_[A-Z0-9]{1,60}){1,10}$")
_CREDENTIALS = re.compile(
    r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://([^\s:/@\"'?#]{0,100}):([^\s@/\"'?#]{1,200})@([^\s/:@\"'?#,]{1,253})"
)
LONGEST = 2000
"""Longer values are certificates and documents, not passwords."""


def words_of(name: str) -> tuple[str, ...]:
    """Returns the words of a name in lower case: `dbPassword`, `DB_PASSWORD` and `db-password` have the same."""
    return tuple(word.lower() for word in _WORDS.findall(name[:200]))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Returns whether the value of a setting with this name is a secret."""
    words = words_of(name) if _NAME.fullmatch(name) else ()
    if not words or words[-1] in _ABOUT or not _PUBLIC.isdisjoint(words):
        return False
    if not _SECRET_WORDS.isdisjoint(words) or words[-1] == "pass":
        return True
    pairs = set(pairwise(words))
    return not _SECRET_PAIRS.isdisjoint(pairs) or any(word.endswith(_SECRET_ENDS) for word in words)


def is_literal(value: object) -> bool:
    """Returns whether a value stands there itself: no variable, no reference to a store, no path, not left to be filled in."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return False
    text = str(value).strip()
    if not 3 <= len(text) <= LONGEST or _VARIABLE_NAME.match(text) or text.count(" ") > 1:  # noqa: PLR2004 - prose
        return False
    return not _ELSEWHERE.search(text) and not _UNSET.match(text)


def credentials_in(value: str) -> tuple[str, str] | None:
    """Returns user and host of a connection string that holds its password; None where it holds none or a reference."""
    found = _CREDENTIALS.search(value[:LONGEST]) if "://" in value else None
    if found is None:
        return None
    user, password, host = found.groups()
    if password.lower() in ("pass", "password", "pwd", "pw") and user.lower() in ("user", "username"):  # documentation
        return None
    return (user, host) if is_literal(password + "   "[: 3 - len(password)]) or len(password) < 3 else None  # noqa: PLR2004
