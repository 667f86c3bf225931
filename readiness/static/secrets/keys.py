"""Private keys, service accounts and signed tokens: what is recognised by its armour or by what it decodes to."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any

from readiness.model import FindingSeverity
from readiness.static.secrets import harmless
from readiness.static.secrets.detector import KEEP, Candidate, Detector, Judgement, token

if TYPE_CHECKING:
    from readiness.static.secrets.place import Place

ADVISORY, INFORMATION = FindingSeverity.ADVISORY, FindingSeverity.INFORMATION
_BODY = 600
"""Bytes behind the first line of a key that are looked at."""
_SHORTEST_BODY = 40
"""Characters of base64 that make a key of the first line of one; 48 encode the shortest, an Ed25519 key."""
_ARMOURED_LINE = re.compile(r"(?:\n|\\n)[ \t\"']*[A-Za-z0-9+/=]{40,}")
_LINE_END = re.compile(r"[\s\"'`,+|>#/*;-]|\\r|\\n|\\t|\\\\")
_PLAIN_SSH = b"openssh-key-v1\0\0\0\0\x04none"
_NAMED_PUBLIC = frozenset({"anon", "anonymous", "public", "guest"})


def _unarmoured(text: str) -> str:
    """Returns the base64 that stands between the first and the last line, whatever is around each line of it."""
    return _LINE_END.sub("", text.partition("-----END")[0])


def _private_key(found: Candidate, place: Place) -> Judgement | None:
    rest = place.data[found.end : found.end + _BODY].decode("utf-8", "replace")
    if re.match(r"\s*(?:\\n|\\r|[\"'\s])*Proc-Type:\s*4,ENCRYPTED", rest):
        return Judgement(rule="private-key-encrypted")
    body = _unarmoured(rest)
    length = len(re.match(r"[A-Za-z0-9+/=]*", body)[0])  # type: ignore[index] # it matches the empty text too
    if length < _SHORTEST_BODY or harmless.is_invented(body[:_SHORTEST_BODY].replace("AAAA", "")):
        return None
    if "ENCRYPTED" in found.text:
        return Judgement(rule="private-key-encrypted")
    if "OPENSSH" in found.text:
        start = _decoded(body[:60])
        if start is not None and start.startswith(_PLAIN_SSH[:15]) and not start.startswith(_PLAIN_SSH):
            return Judgement(rule="private-key-encrypted")
    around = place.data[max(0, found.start - 1000) : found.start].decode("utf-8", "replace")
    if '"service_account"' in around or ('"private_key"' in around and '"private_key_id"' in around):
        return Judgement(rule="google-service-account")
    return Judgement()


def _pgp(found: Candidate, place: Place) -> Judgement | None:
    rest = place.data[found.end : found.end + _BODY].decode("utf-8", "replace")
    return Judgement() if _ARMOURED_LINE.search(rest.partition("-----END")[0]) else None


def _putty(found: Candidate, place: Place) -> Judgement | None:
    rest = place.data[found.end : found.end + _BODY]
    if b"Private-Lines:" not in rest:
        return None
    return Judgement() if re.search(rb"Encryption:\s*none", rest) else Judgement(rule="private-key-encrypted")


def _encoded(found: Candidate, _place: Place) -> Judgement | None:
    """A key inside base64, as in a Kubernetes Secret or an environment variable."""
    inside = _decoded(found.text[: 4 * (_BODY // 4)])
    if inside is None or b"PRIVATE KEY" not in inside[:60]:
        return None
    return Judgement(rule="private-key-encrypted" if b"ENCRYPTED" in inside[:120] else "private-key")


def _jwt(found: Candidate, _place: Place) -> Judgement | None:
    """A token counts where it is signed; what it says of itself tells how bad it is."""
    header, _, rest = found.text.partition(".")
    payload, _, signature = rest.partition(".")
    head, claims = _object(header), _object(payload)
    if head is None or claims is None or "alg" not in head or not signature or str(head["alg"]).lower() == "none":
        return None
    if harmless.is_documented(found.text) or claims.get("name") == "John Doe" or claims.get("sub") == "1234567890":
        return None
    if str(claims.get("role", "")).lower() in _NAMED_PUBLIC:
        return Judgement(INFORMATION, note="its role says that it is public")
    return Judgement(ADVISORY, note="it has an expiry") if "exp" in claims else Judgement(note="it never expires")


def _object(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part[:8192] + "=" * (-len(part[:8192]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _decoded(text: str) -> bytes | None:
    """Returns what whole groups of base64 hold; None where it is none."""
    try:
        return base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return None


# fmt: off
DETECTORS: tuple[Detector, ...] = (
    Detector("private-key", "a private key", ("PRIVATE KEY-----",), r"(-----BEGIN (?:[A-Z0-9]{2,12} ){0,2}PRIVATE KEY-----)", _private_key,
             shown="-----BEGIN ... PRIVATE KEY-----", is_long=True, remedy=f"Make a new pair, take the old public key from wherever it is trusted, and {KEEP}.",
             source="RFC 7468; OpenSSH PROTOCOL.key"),
    Detector("private-key", "a private key in base64", ("LS0tLS1CRUdJTi",), r"\b(LS0tLS1CRUdJTi[A-Za-z0-9+/]{60,})", _encoded, shown="LS0tLS1CRUdJTi..."),
    Detector("pgp-private-key", "a private PGP key", ("PGP PRIVATE KEY BLOCK",), r"(-----BEGIN PGP PRIVATE KEY BLOCK-----)", _pgp,
             shown="-----BEGIN PGP PRIVATE KEY BLOCK-----", is_long=True, remedy=f"Publish its revocation certificate, make a new key, and {KEEP}.", source="RFC 9580"),
    Detector("putty-private-key", "a private key of PuTTY", ("PuTTY-User-Key-File-",), r"(PuTTY-User-Key-File-[23]:)", _putty, shown="PuTTY-User-Key-File",
             remedy=f"Make a new pair, take the old public key from wherever it is trusted, and {KEEP}.", source="PuTTY, PPK file format"),
    Detector("age-secret-key", "a secret key of age", ("AGE-SECRET-KEY-1",), r"\b(AGE-SECRET-KEY-1[0-9A-Z]{58})\b", token, shown="AGE-SECRET-KEY-1",
             remedy="Make a new key, encrypt again what the old one opens, and replace what was encrypted.", source="age, C2SP specification"),
    Detector("jwt", "a signed JSON web token", ("eyJ",), r"\b(eyJ[0-9A-Za-z_-]{10,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{20,})", _jwt, shown="eyJ...",
             where="where it was issued", source="RFC 7519"),
)
DERIVED: tuple[Detector, ...] = (
    Detector("private-key-encrypted", "an encrypted private key", (), "", severity=INFORMATION, is_long=True,
             why="Its passphrase is all that protects it, and can be tried offline for ever.",
             remedy=f"Keep it out of the repository, or see that its passphrase is long and drawn by a machine: {KEEP}.", source="RFC 7468"),
    Detector("google-service-account", "a key of a Google service account", (), "", is_long=True,
             where="among the service account's keys", source="Google Cloud, service account keys"),
)
"""Rules that only a judge names: what another rule's pattern found turned out to be this."""
# fmt: on
