"""The allow-lists: values that stand for a secret and are none, and strings that are random and no secret."""

from __future__ import annotations

import hashlib
import re

from readiness.static.secrets.entropy import bits_per_character, is_sequence

_TEMPLATE = re.compile(
    r"""\$\{ | \$\( | \$\[ | \{\{ | \}\} | \{% | <% | %\( | \#\{ | @@ | \$\$
    | ^\$?\{[^}]*\}$ | \{[A-Za-z_][\w.\[\]'"!:-]*\} | ^\$[A-Za-z_:][\w:.-]*$ | ^%[A-Za-z_]\w*%$ | ^__\w+__$ | %[sdr]\b
    | ^<[^<>]*>$ | ^\[[^\[\]]*\]$ | ^\([^()]*\)$ | ^\.{2,}$ | ^[*\u2022\u2026.xX#?_-]+$ | \u2026 | \.\.\.
    | ^Ag[A-Za-z0-9+/=]{150,}$ | ^ENC\[ | ^\{cipher\} | ^\$ANSIBLE_VAULT | ^vault: | ^op:// | ^arn: | ^ssm: | ^secretsmanager: | ^sm:// | ^akv?:// | ^keyvault
    | ^env[:.(] | ^process\.env | ^os\.(?:environ|getenv) | ^getenv\b | ^!\w+ | ^ref\+
    """,
    re.VERBOSE,
)
"""Of every kind: shells, Jinja, Helm, ERB, Python, Terraform, SOPS, sealed secrets, references to stores of secrets, and blanked out values."""
_SPOKEN = re.compile(
    r"example|sample|placeholder|replace[-_ ]?(?:me|this|with)|change[-_ ]?(?:me|this|it)|redacted|dummy|not[-_]?(?:a[-_]?)?(?:real|secret|used|set)"
    r"|your[-_ ]?|insert[-_ ]|fill[-_ ]?(?:in|me)|to[-_ ]?be[-_ ]|x{5,}|\*{3,}|0{8}|to[-_]?do\b|lorem|ipsum|<[a-z _-]+>|my[-_]?(?:super)?[-_]?(?:secret|password|token|key|api)"
    r"|(?:^|[^a-z])(?:test|testing|fake|mock|foo|bar|baz|demo|none|null|nil|undefined|tbd|n/?a|stub|unset|unused|disabled|empty|invalid|bogus|wrong|insecure|unsafe)(?:[^a-z]|$)"
    r"|^(?:test|fake|mock|foo|demo|dummy|some|any|bad|wrong|invalid|no|an?)(?:[-_ ]?(?:user|auth|api|access|secret|bearer|db|app|old|new|correct|valid|refresh))*[-_ ]?(?:password|passwd|pwd|pass|token|secret|key|value|string|creds|credentials?)"
)
_WEAK = frozenset(
    [
        "password",
        "passwd",
        "pass",
        "pwd",
        "passw0rd",
        "p@ssw0rd",
        "password1",
        "password12",
        "password123",
        "secret",
        "secrets",
        "s3cret",
        "s3cr3t",
        "supersecret",
        "topsecret",
        "hunter2",
        "letmein",
        "changeit",
        "admin",
        "administrator",
        "root",
        "guest",
        "user",
        "username",
        "postgres",
        "mysql",
        "mariadb",
        "redis",
        "mongo",
        "mongodb",
        "rabbitmq",
        "minio",
        "minioadmin",
        "elastic",
        "kafka",
        "default",
        "public",
        "private",
        "anonymous",
        "qwerty",
        "qwerty123",
        "abc123",
        "abcdef",
        "abcd1234",
        "1234",
        "12345",
        "123456",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "welcome",
        "welcome1",
        "login",
        "master",
        "test",
        "test123",
        "test1234",
        "testing",
        "tester",
        "true",
        "false",
        "yes",
        "token",
        "key",
        "apikey",
        "api_key",
        "value",
        "string",
        "text",
        "bytes",
        "hidden",
        "masked",
        "empty",
        "blank",
        "required",
        "optional",
        "development",
        "dev",
        "local",
        "localhost",
        "swordfish",
        "airflow",
        "sa",
    ]
)
_DOCUMENTED = frozenset(
    {
        "0011cc25eb432071",  # storage account of Azure's emulator
        "aa6547439583c3a2",  # database account of Azure's emulator
        "3543c50b0cb9cea8",  # GitHub's pages about tokens
        "0b5dd075ccdd03c4",  # Telegram's pages about bots
        "7f75367e78812551",  # the token that jwt.io opens with
        "ca7459e2b26776de",  # RFC 6749
        "6c96130f130ab0d6",  # RFC 6749
        "00cf4c781dc37003",  # RFC 6749
        "53f5da0aaa93d64c",  # RFC 6749
        "e9974c507d2a8021",  # RFC 6749
        "a35b81a7d7927b70",  # RFC 6749
        "b8e148545b13c78b",  # RFC 6750
        "cf4d418ed3de92d7",  # RFC 7617
        "41ef4bb0b23661e6",  # RFC 7617
        "73f71af093fdf154",  # RFC 7617
        "5ff0e82e56c3cf64",  # RFC 7617
    }
)
"""Hashes of values that vendors print, cut to 16 digits, so that this file holds none of them."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_DIGEST = re.compile(
    r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{56}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})", re.IGNORECASE
)
_PUBLIC = re.compile(
    r"MII[A-Z]|AAAAB3NzaC1|AAAAC3NzaC1|AAAAE2Vj|iVBORw0KGgo|/9j/|R0lGOD|UklGR|PHN2Zy|PD94bWwg|d09GR|AAEAAAA|T1RUTw|JVBERi|H4sIA|data:|sha(?:1|256|384|512)[-:]|h1:|pub"
)
"""How certificates, public keys, images, fonts, documents, archives and integrity hashes begin."""
_HASHED = re.compile(
    r"\$(?:2[abxy]|5|6|y|apr1|argon2\w*|scrypt|pbkdf2[\w-]*)\$|\{S?SHA\d*\}|(?:pbkdf2|bcrypt|scrypt|argon2)\w*\$"
)
_SAME = re.compile(r"(.)\1{5}")
_COUNTING = re.compile(
    r"0123456|1234567|2345678|abcdefg|bcdefgh|9876543|qwertyu|deadbeef|cafebabe|asdfgh", re.IGNORECASE
)
_INVENTED = re.compile(
    r"example|placeholder|redacted|dummy|changeme|sample|replace|insert|notreal|your[-_]|yourtoken|yourkey|my[-_]token|[-_]fake|fake[-_]|xxxx",
    re.IGNORECASE,
)
_LOWEST_BITS = 2.6
_LONG = 16
_FEW_CHARACTERS = 2


def is_template(value: str) -> bool:
    """Returns whether the value is taken from elsewhere, encrypted, or blanked out."""
    return _TEMPLATE.search(value) is not None


def is_placeholder(value: str) -> bool:
    """Returns whether a person wrote the value to stand for a secret. Those are the placeholder audit's business."""
    lower = value.lower().strip()
    return (
        lower in _WEAK
        or _SPOKEN.search(lower) is not None
        or len(set(lower)) <= _FEW_CHARACTERS
        or (lower.isdigit() and is_sequence(lower))
    )


def is_weak(value: str) -> bool:
    """Returns whether it is one of the passwords that everyone tries first."""
    return value.lower() in _WEAK


def is_invented(token: str) -> bool:
    """Returns whether something in the form of a vendor's key was typed, or is printed in the vendor's documents."""
    if _INVENTED.search(token) or _SAME.search(token) or _COUNTING.search(token) or is_documented(token):
        return True
    return len(token) >= _LONG and bits_per_character(token) < _LOWEST_BITS


def is_documented(token: str) -> bool:
    """Returns whether a vendor prints this very value in public documents."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()[:16] in _DOCUMENTED


def is_uuid(value: str) -> bool:
    """Returns whether it is a UUID, which names something; keys that are UUIDs have rules of their own."""
    return _UUID.fullmatch(value) is not None


def is_digest(value: str) -> bool:
    """Returns whether it has the form of a hash: MD5, SHA-1 as of git, SHA-2."""
    return _DIGEST.fullmatch(value) is not None


def is_public(value: str) -> bool:
    """Returns whether it begins as certificates, public keys, images and the like do."""
    return _PUBLIC.match(value) is not None


def is_hashed(value: str) -> bool:
    """Returns whether it is the salted hash of a password."""
    return _HASHED.match(value) is not None
