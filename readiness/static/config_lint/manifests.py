"""Which schema a Kubernetes object has, by its apiVersion and kind: of Kubernetes itself, or of a common extension."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from readiness.static.config_lint.store import OWN, NoSchema, compiled, package_folder, registry_of

if TYPE_CHECKING:
    from jsonschema_rs import Validator

_VERSION = re.compile(r"v(\d+)\.(\d+)\.\d+-local-strict")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,80}")
_API_VERSION = re.compile(r"(?:([a-z0-9.-]{1,200})/)?(v\d+(?:(?:alpha|beta)\d+)?)")
_OWN_GROUPS = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
"""API groups of Kubernetes itself; all others are extensions."""


class Unknown(NamedTuple):
    """An object that no Kubernetes serves."""

    key: str
    """`apiVersion` or `kind`, whichever is wrong."""
    text: str


def schema_of(api_version: str, kind: str) -> Validator | Unknown:
    """Returns the schema of an object, or what is wrong with its version or kind.

    Raises:
        NoSchema: none is known, or the package that has them is not installed.
    """
    return _schema_of(api_version[:300], kind[:100])


@cache
def _schema_of(api_version: str, kind: str) -> Validator | Unknown:
    parts = _API_VERSION.fullmatch(api_version)
    group = parts[1] or "" if parts else api_version.partition("/")[0]
    if group not in _OWN_GROUPS:
        return _extension(group, kind)
    folders = _folders()
    if not folders:
        raise NoSchema("install 'pytest-readiness[kubernetes]' for the schemas of Kubernetes")
    if kind == "List" and api_version == "v1":
        raise NoSchema("its items are validated one by one")
    if not parts or not _WORD.fullmatch(kind):
        return Unknown("kind" if parts else "apiVersion", f"'{api_version}' {kind} is no object of Kubernetes")
    suffix = f"{group.partition('.')[0]}-{parts[2]}" if group else parts[2]
    file = folders[-1] / f"{kind.lower()}-{suffix}.json"
    if file.is_file():
        schema = json.loads(file.read_text("utf-8"))
        if _is_exactly(schema, group, parts[2], kind):
            return compiled(schema, registry=registry_of(folders[-1]))
    return _missing(api_version, kind, suffix, file.name)


def _missing(api_version: str, kind: str, suffix: str, name: str) -> Unknown:
    """Returns why the newest Kubernetes has no such object."""
    folders = _folders()
    newest, oldest = _shown(folders[-1]), _shown(folders[0])
    for folder in reversed(folders[:-1]):
        if (folder / name).is_file():
            return Unknown(
                "apiVersion", f"{api_version} {kind} is no longer served: {_shown(folder)} was the last to have it"
            )
    if any(folders[-1].glob(f"*-{suffix}.json")):
        return Unknown("kind", f"{api_version} has no kind {kind} in Kubernetes {newest}")
    return Unknown("apiVersion", f"{api_version} is served by no Kubernetes from {oldest} to {newest}")


def _extension(group: str, kind: str) -> Validator:
    """Returns the schema of a common extension's object.

    Raises:
        NoSchema: none is known.
    """
    known = _extensions().get(f"{group}/{kind}")
    if known is None:
        raise NoSchema("no schema is known for this extension")
    return compiled(known)


@cache
def _extensions() -> dict[str, Any]:
    """Returns the schemas of extensions, `group/kind` to schema; each takes the definitions that all share."""
    whole = json.loads((OWN / "extensions.json").read_text("utf-8"))
    shared = whole.pop("$defs")
    shared["rules"] = json.loads((OWN / "prometheus-rules.json").read_text("utf-8"))["properties"]["groups"]
    shared |= json.loads((OWN / "prometheus-rules.json").read_text("utf-8"))["$defs"]
    return {name: {**schema, "$defs": shared} for name, schema in whole.items()}


def _is_exactly(schema: dict[str, Any], group: str, version: str, kind: str) -> bool:
    named = schema.get("x-kubernetes-group-version-kind") or []
    return {"group": group, "kind": kind, "version": version} in named


@cache
def _folders() -> list[Path]:
    """Returns the folders of schemas by version, the newest last; empty where the package is not installed."""
    package = package_folder("kubernetes_validate")
    if package is None:
        return []
    found = [folder for folder in (package / "kubernetes-json-schema").iterdir() if _VERSION.fullmatch(folder.name)]
    return sorted(found, key=_number)


def _number(folder: Path) -> tuple[int, int]:
    found = _VERSION.fullmatch(folder.name)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _shown(folder: Path) -> str:
    return ".".join(map(str, _number(folder)))
