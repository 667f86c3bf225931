"""Secrets in files that say themselves that they hold some: Kubernetes Secrets and the state of Terraform."""

from __future__ import annotations

import base64
import binascii
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from readiness.static.secrets import harmless
from readiness.static.secrets.detector import KEEP, Candidate, Detector, Judgement
from readiness.static.secrets.entropy import looks_random

if TYPE_CHECKING:
    from readiness.static.documents import Keys, Parsed
    from readiness.static.secrets.place import Place

_NO_SECRET = frozenset(
    [
        "username",
        "user",
        "login",
        "host",
        "hostname",
        "port",
        "database",
        "dbname",
        "db",
        "name",
        "namespace",
        "email",
        "region",
        "bucket",
        "endpoint",
        "url",
        "uri",
        "ca.crt",
        "tls.crt",
        "ca",
        "cert",
        "certificate",
        "server",
        "service",
        "scheme",
        "type",
        "issuer",
        "clientid",
        "client-id",
        "client_id",
        "realm",
        "tenant",
        "path",
        "environment",
        "env",
        "project",
    ]
)
"""Names in a Secret whose values are no secret by themselves."""
_MOST_VALUES = 2000
LARGEST_MANIFEST = 4 << 20
"""Bytes of a file whose Secrets are read; one of them has at most 1 MiB in a cluster."""
LONGEST_NAME = 60
STATE_NOTE = "this is the state itself, which holds what every resource was made with, passwords among it"


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a Kubernetes Secret."""

    document: int
    keys: Keys
    name: str
    value: str
    """Decoded."""
    raw: str
    """As it stands in the manifest."""


def is_manifest(data: bytes) -> bool:
    """Returns whether the file may hold a Kubernetes Secret."""
    at = data.find(b"kind")
    while at >= 0:
        if b"Secret" in data[at + 4 : at + 24]:
            return True
        at = data.find(b"kind", at + 4)
    return False


def entries(parsed: Parsed | None) -> Iterator[Entry]:
    """Yields what the Secrets of a manifest hold, but for what is empty, public, a template or a placeholder."""
    if parsed is None or parsed.is_template:
        return
    for number, document in enumerate(parsed.values):
        for keys, secret in _secrets(document, ()):
            for where, name, value, raw in itertools.islice(_values(secret), _MOST_VALUES):
                if _is_secret(str(name), value):
                    yield Entry(number, (*keys, where, name), str(name), value, raw)


def _secrets(document: object, keys: Keys) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    if not isinstance(document, Mapping):
        return
    if document.get("kind") == "Secret":
        yield keys, document
    items = document.get("items")
    if document.get("kind") in ("List", "SecretList") and isinstance(items, list):
        for index, item in enumerate(items):
            if isinstance(item, Mapping) and item.get("kind", "Secret") == "Secret":
                yield (*keys, "items", index), item


def _values(secret: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    for where in ("data", "stringData"):
        pairs = secret.get(where)
        if not isinstance(pairs, Mapping):
            continue
        for name, value in pairs.items():
            if isinstance(value, str) and value:
                text = value if where == "stringData" else _decoded(value)
                if text:
                    yield where, name, text, value


def _decoded(value: str) -> str:
    """Returns what the base64 holds; empty where it is none, as with a template or a placeholder."""
    try:
        return base64.b64decode("".join(value.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return ""


def _is_secret(name: str, value: str) -> bool:
    text = value.strip()
    if not text or harmless.is_template(text) or ("BEGIN CERTIFICATE" in text[:100] and "PRIVATE KEY" not in text):
        return False
    if name.lower().replace("_", "-") in _NO_SECRET or name.lower() in _NO_SECRET:
        return looks_random(text)
    return harmless.is_weak(text) or not harmless.is_placeholder(text)


def _output(found: Candidate, _place: Place) -> Judgement | None:
    """The value of an output that Terraform marks as sensitive."""
    return None if harmless.is_template(found.text) or not found.text.strip() else Judgement()


def is_state(place: Place) -> bool:
    """Returns whether the file is the state of Terraform by its name."""
    return place.name.endswith((".tfstate", ".tfstate.backup"))


# fmt: off
DETECTORS: tuple[Detector, ...] = (
    Detector("terraform-state", "a sensitive output in the state of Terraform", ('"sensitive"',),
             r"\"value\"\s{0,8}:\s{0,8}\"([^\"\r\n]+)\"\s{0,8},\s{0,20}(?:\"type\"\s{0,8}:\s{0,8}\"[a-z]{1,20}\"\s{0,8},\s{0,20})?\"sensitive\"\s{0,8}:\s{0,8}true", _output,
             is_guessable=True, shown='"value": ***, "sensitive": true', files=is_state,
             remedy="Move the state to a remote backend, delete it here and in the history, and replace each secret that it holds.", source="Terraform, sensitive data in state"),
)
DERIVED: tuple[Detector, ...] = (
    Detector("kubernetes-secret", "a value of a Kubernetes Secret", (), "", is_guessable=True, is_format=False,
             why="base64 hides nothing: whoever can read the manifest can read the value.",
             remedy=f"Replace the value where it is used, and keep only a sealed or an external secret in the repository: {KEEP}.", source="Kubernetes, good practices for Secrets"),
)
"""Rules that no pattern finds."""
# fmt: on
