"""Where a document holds settings: environment variables of containers, `.env` files, and configuration of the service's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint.compose import is_compose
from readiness.static.config_lint.kubernetes import containers_of, is_manifest, manifests
from readiness.static.config_lint.lint import mapping, sequence, shown
from readiness.static.config_lint.settings import Setting, command_hits, setting_hits
from readiness.static.config_lint.workflows import is_workflow
from readiness.static.paths import environment_of

if TYPE_CHECKING:
    from readiness.static.config_lint.kubernetes import Manifest
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

_OWN = re.compile(
    r"(?:^|/)(?:config|configuration|settings|application|app|appsettings|values|secrets?|alembic|database|credentials)"
    r"(?:[._-][^/]*)?\.(?:ya?ml|json|toml|ini|cfg|conf|properties)$",
    re.IGNORECASE,
)
"""Names that the configuration of a service has."""
_DEEPEST = 12
_URL_KEYS = ("sqlalchemy.url",)


def settings_of(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields what is wrong with the settings of one document."""
    path = lint.source.path
    for setting in all_settings(lint, document, value):
        yield from setting_hits(lint, setting)
    if is_manifest(value):
        for manifest in manifests(document, value):
            for _, at, container in containers_of(manifest):
                owner = f"container {shown(container.get('name') or '(no name)')}"
                for key in ("command", "args"):
                    if key in container:
                        yield from command_hits(lint, (document, (*at, key)), owner, container[key])
    elif is_compose(path, value):
        for name, service in mapping(mapping(value).get("services")).items():
            for key in ("command", "entrypoint"):
                if key in mapping(service):
                    where = (document, ("services", name, key))
                    yield from command_hits(lint, where, f"service {shown(name)}", service[key])


def all_settings(lint: Lint, document: int, value: object) -> Iterator[Setting]:
    """Yields every setting that a document holds; none of a kind of document that holds none."""
    path = lint.source.path
    parsed = lint.source.parsed
    if is_manifest(value):
        for manifest in manifests(document, value):
            yield from of_manifest(manifest)
    elif is_compose(path, value):
        yield from of_compose(document, value)
    elif is_workflow(path):
        return
    elif parsed is not None and parsed.kind == "env":
        for name, each in mapping(value).items():
            yield Setting(document, (name,), str(name), each)
    elif _OWN.search(path) or (environment_of(path) and lint.path_class.ships):
        yield from _of_file(document, value)


def of_compose(document: int, value: object) -> Iterator[Setting]:
    """Yields the environment of each service, in both of its forms."""
    for name, service in mapping(mapping(value).get("services")).items():
        at = ("services", name, "environment")
        yield from of_environment(document, at, mapping(service).get("environment"))


def of_environment(document: int, at: Keys, value: object) -> Iterator[Setting]:
    """Yields variables that are written as a mapping or as a list of `NAME=value`."""
    for key, each in mapping(value).items():
        yield Setting(document, (*at, key), str(key), each)
    for number, each in enumerate(sequence(value)):
        if isinstance(each, str):
            key, equals, text = each.partition("=")
            yield Setting(document, (*at, number), key.strip(), text if equals else None)


def of_manifest(manifest: Manifest) -> Iterator[Setting]:
    """Yields the variables of containers, and the data of ConfigMaps and Secrets."""
    document, whole = manifest.document, manifest.value
    for _, at, container in containers_of(manifest):
        for number, each in enumerate(sequence(container.get("env"))):
            if isinstance(each, dict) and isinstance(each.get("name"), str):
                yield Setting(document, (*at, "env", number, "value"), each["name"], each.get("value"))
    if manifest.kind in ("ConfigMap", "Secret") and "sops" not in whole:
        parts = ("data",) if manifest.kind == "ConfigMap" else ("stringData", "data")
        for part in parts:
            for key, each in mapping(whole.get(part)).items():
                if isinstance(each, str) and "\n" not in each.strip():
                    yield Setting(document, (*manifest.at, part, key), str(key), each)


def _of_file(document: int, value: object) -> Iterator[Setting]:
    """Yields the leaves of a file of the service's own, named by their keys."""
    left: list[tuple[Keys, Any]] = [((), value)]
    while left:
        at, each = left.pop()
        for key, below in mapping(each).items():
            here = (*at, key)
            if isinstance(below, dict):
                if len(here) < _DEEPEST:
                    left.append((here, below))
            elif not isinstance(below, list):
                # The parent's name says what `level` and `url` are about.
                name = f"{at[-1]}.{key}" if at and str(key).lower() in ("level", "debug", "enabled") else str(key)
                yield Setting(document, here, name, below, is_runtime=False)
