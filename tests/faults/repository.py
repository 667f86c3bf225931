"""A repository that is in order, and ways to put it out of order."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.faults.entry import Fault, advised, failed, unmeasured

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.faults.targets import Break, Changes, Targets

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
spec:
  replicas: 2
  selector:
    matchLabels: {app: shop}
  template:
    metadata:
      labels: {app: shop}
    spec:
      containers:
        - name: shop
          image: registry.shop.io/shop:2.0.0
          ports:
            - containerPort: 8000
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
          readinessProbe:
            httpGet: {path: /health, port: 8000}
          livenessProbe:
            httpGet: {path: /health, port: 8000}
          securityContext:
            allowPrivilegeEscalation: false
            runAsNonRoot: true
            readOnlyRootFilesystem: true
"""
SETTINGS = "workers: 4\ntimeout: 30\nmail:\n  host: smtp.shop.io\n"
RUNBOOK = """\
# Runbook of the shop

## Contacts

| Role | Name | Phone |
|---|---|---|
| On call | Ada Byron | +44 20 7946 3100 |

## Sign-off

Approved by: Ada Byron, 2026-11-02
"""
CODE = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
FILES = {
    "shop/deploy/deployment.yaml": DEPLOYMENT,
    "shop/settings/staging.yaml": SETTINGS,
    "shop/settings/production.yaml": SETTINGS,
    "shop/runbook.md": RUNBOOK,
    "shop/prices.py": CODE,
}
"""What the static gates of the healthy run judge."""


def holding(files: Mapping[str, str | bytes], told: Changes | None = None) -> Break:
    """The repository holds these files, below `shop/`, in place of its own, or besides them."""

    @contextmanager
    def breaks(targets: Targets) -> Iterator[Changes]:
        paths = {targets.project.folder / "shop" / name: content for name, content in files.items()}
        before = {path: path.read_bytes() if path.exists() else None for path in paths}
        try:
            for path, content in paths.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
            yield told or {}
        finally:
            for path, content in before.items():
                path.unlink(missing_ok=True) if content is None else path.write_bytes(content)

    return breaks


def told(**keys: object) -> Break:
    """The configuration says something else of which files are read."""

    @contextmanager
    def breaks(_targets: Targets) -> Iterator[Changes]:
        yield {key.replace("__", ".").replace("_", "-"): value for key, value in keys.items()}

    return breaks


SYNTAX, SCHEMA, SEMANTICS, DRIFT = (f"config-lint/{name}" for name in ("syntax", "schema", "semantics", "drift"))
CRITICAL, WARNING = "placeholder-audit/critical", "placeholder-audit/warning"
COMPOSE = """\
services:
  shop:
    image: registry.shop.io/shop:2.0.0
    healthcheck: {test: [CMD, curl, -f, "http://127.0.0.1:8000/health"]}
    mem_limit: 256m
"""
BLANK = "password: change" + "me\n"

FAULTS: tuple[Fault, ...] = (
    failed(SYNTAX, "key twice", holding({"settings/common.yaml": "a: 1\nb: 2\na: 3\n"}), "settings/common.yaml:3:"),
    failed(SYNTAX, "JSON cut short", holding({"deploy/limits.json": '{"a": 1,'}), "deploy/limits.json:1:"),
    failed(
        SYNTAX,
        "aliases without end",
        holding(
            {
                "settings/laughs.yaml": "a: &a [x, x, x, x, x, x, x, x, x]\n"
                + "".join(
                    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
                    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
                )
            }
        ),
        "settings/laughs.yaml",
    ),
    failed(
        SYNTAX,
        "configuration that is binary",
        holding({"settings/common.yaml": b"a: 1\0\n"}),
        "this was not looked at: it holds NUL bytes, though its name is that of a text. (config-lint/unreadable-file)",
    ),
    unmeasured(
        SYNTAX,
        "pattern without files",
        told(config_lint__paths=["shop", "shop/*.toml"]),
        "no file was found for 'shop/*.toml' (readiness.toml [config-lint] paths)",
        "config-lint/*",
    ),
    unmeasured(
        SYNTAX,
        "no configuration at all",
        told(config_lint__paths=["shop/prices.py"]),
        "none of the files in 'shop/prices.py'",
        "config-lint/*",
    ),
    failed(
        SCHEMA,
        "misspelt key of compose",
        holding({"docker-compose.yml": COMPOSE.replace("image:", "imgae:")}),
        "docker-compose.yml:",
    ),
    failed(
        SEMANTICS,
        "privileged container",
        holding({"deploy/deployment.yaml": DEPLOYMENT.replace("runAsNonRoot: true", "privileged: true")}),
        "deploy/deployment.yaml:",
    ),
    failed(
        SEMANTICS,
        "image without a tag",
        holding({"deploy/deployment.yaml": DEPLOYMENT.replace("shop:2.0.0", "shop")}),
        "deploy/deployment.yaml:",
    ),
    failed(
        DRIFT,
        "production lacks a variable",
        holding(
            {
                ".env.staging": "SHOP_NAME=shop\nSHOP_CURRENCY=EUR\n",
                ".env.production": "SHOP_NAME=shop\n",
                "prices.py": f'import os\n\n{CODE}\nCURRENCY = os.environ["SHOP_CURRENCY"]\nNAME = os.environ["SHOP_NAME"]\n',
            }
        ),
        "SHOP_CURRENCY",
    ),
    failed(
        CRITICAL, "password to be changed", holding({"settings/production.yaml": SETTINGS + BLANK}), "production.yaml:"
    ),
    failed(
        CRITICAL,
        "contact not filled in",
        holding({"runbook.md": RUNBOOK.replace("Ada Byron | +44", "[Add " + "contact] | +44")}),
        "runbook.md:7:",
    ),
    unmeasured(
        CRITICAL,
        "pattern without files",
        told(placeholder_audit__paths=["shop", "shop/*.conf"]),
        "no file was found for 'shop/*.conf'",
        "placeholder-audit/*",
    ),
    advised(
        WARNING,
        "body that is not there",
        holding({"prices.py": CODE + "\n\ndef tax(price: int) -> int:\n    raise NotImplementedError\n"}),
        "placeholders left: observed 1, expected at most 0",
    ),
)
