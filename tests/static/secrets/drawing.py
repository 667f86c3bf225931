"""Secrets that are assembled when they are needed, so that no file of the repository holds one.

A template is text with fields: `{b62:36}` becomes 36 characters of base 62, `{pw}` a password that a person might think up.
The same template in the same place always becomes the same text.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
from collections.abc import Callable

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALPHABETS = {
    "b62": LOWER + UPPER + DIGITS,
    "b64": LOWER + UPPER + DIGITS + "+/",
    "url": LOWER + UPPER + DIGITS + "-_",
    "hex": DIGITS + "abcdef",
    "HEX": DIGITS + "ABCDEF",
    "b32": UPPER + "234567",
    "up": UPPER + DIGITS,
    "low": LOWER + DIGITS,
    "dig": DIGITS,
    "abc": LOWER + UPPER,
}
_FIELD = re.compile(r"\{([A-Za-z0-9]+)(?::([^{}]*))?\}")
_WORDS = ("Winter", "Falcon", "Tiger", "Maple", "River", "Copper", "Violet", "Harbor", "Rocket", "Walnut")
_SIGNS = "!#*+-=?"


def drawn(template: str, seed: str) -> str:
    """Returns the template with its fields filled in."""
    return drawn_with_parts(template, seed)[0]


def drawn_with_parts(template: str, seed: str) -> tuple[str, tuple[str, ...]]:
    """Returns the template with its fields filled in, and what they were filled with."""
    source = random.Random(f"{seed}\0{template}")
    parts: list[str] = []

    def fill(match: re.Match[str]) -> str:
        name, argument = match[1], match[2] or ""
        if name in ALPHABETS:
            text = _mixed(source, ALPHABETS[name], int(argument))
        else:
            text = _KINDS[name](source, argument) if name in _KINDS else match[0]
        if name in ALPHABETS or (name in _KINDS and name != "in"):
            parts.append(text)
        return text

    return _FIELD.sub(fill, template), tuple(parts)


def _mixed(source: random.Random, alphabet: str, size: int) -> str:
    return "".join(source.choice(alphabet) for _ in range(size))


def _password(source: random.Random, _: str) -> str:
    return source.choice(_WORDS) + str(source.randint(1000, 9999)) + source.choice(_SIGNS)


def _easy(source: random.Random, _: str) -> str:
    return source.choice(_WORDS).lower() + str(source.randint(10, 99)) + source.choice(_WORDS).lower()


def _pem(source: random.Random, label: str) -> str:
    body = "MII" + _mixed(source, ALPHABETS["b64"], 64 * 6 - 3)
    return _armoured(label, body)


def _armoured(label: str, body: str) -> str:
    lines = [body[start : start + 64] for start in range(0, len(body), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])


def _escaped_pem(source: random.Random, label: str) -> str:
    return _pem(source, label).replace("\n", "\\n")


def _ssh(source: random.Random, cipher: str) -> str:
    head = b"openssh-key-v1\0" + len(cipher).to_bytes(4, "big") + cipher.encode() + source.randbytes(240)
    return _armoured("OPENSSH PRIVATE KEY", base64.b64encode(head).decode())


def _base64(source: random.Random, inner: str) -> str:
    """`{in64:name}` is what the field `name` becomes, in base64."""
    text = _KINDS[inner](source, "RSA PRIVATE KEY") if inner in _KINDS else inner
    return base64.b64encode(text.encode()).decode()


def _word(_: random.Random, word: str) -> str:
    """`{in:PRIVATE}KEY` is two words that must not stand side by side here."""
    return f"{word} "


def _basic(source: random.Random, user: str) -> str:
    return base64.b64encode(f"{user}:{_password(source, '')}".encode()).decode()


def _jwt(source: random.Random, kind: str) -> str:
    claims: dict[str, object] = {"sub": f"svc-{source.randint(10_000, 99_999)}", "iss": "https://login.shop.internal"}
    if kind == "exp":
        claims["exp"] = 1_900_000_000
    if kind == "anon":
        claims["role"] = "anon"
    if kind == "doe":
        claims = {"sub": "1234567890", "name": "John Doe"}
    head = {"alg": "none" if kind == "none" else "HS256", "typ": "JWT"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (head, claims)]
    return ".".join([*parts, _mixed(source, ALPHABETS["url"], 43)])


def _bot(source: random.Random, _: str) -> str:
    number = base64.b64encode(str(source.randint(10**17, 10**18 - 1)).encode()).decode().rstrip("=")
    return f"{number}.{_mixed(source, ALPHABETS['url'], 6)}.{_mixed(source, ALPHABETS['b62'], 38)}"


def _uuid(source: random.Random, _: str) -> str:
    return "-".join(_mixed(source, ALPHABETS["hex"], size) for size in (8, 4, 4, 4, 12))


_KINDS: dict[str, Callable[[random.Random, str], str]] = {
    "pw": _password,
    "easy": _easy,
    "pem": _pem,
    "pemline": _escaped_pem,
    "ssh": _ssh,
    "in": _word,
    "in64": _base64,
    "basic": _basic,
    "jwt": _jwt,
    "bot": _bot,
    "uuid": _uuid,
}
