"""Settings wherever they stand, in `.env` files, manifests, compose files and the service's own: secrets, debug switches, localhost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from readiness.static.config_lint.lint import ADVISORY, BLOCKING, INFORMATION, semantic, shown
from readiness.static.config_lint.naming import credentials_in, is_literal, is_secret_name, words_of

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

SECRET = semantic(
    "plain-secret",
    ADVISORY,
    "No secret stands in a configuration file",
    "Whoever can read the repository, its history or an image of it has the secret, and it cannot be changed without a release.",
    "Take it from a secret store or the environment (`${NAME}`, `secretKeyRef`), and change it: it has been seen.",
    "https://12factor.net/config",
)
DEBUG = semantic(
    "debug-switch",
    BLOCKING,
    "Nothing is in debug mode in production",
    "Debug mode shows source, settings and stack traces to whoever causes an error, reloads code, and logs what is confidential.",
    "Turn it off in the file of this environment.",
    "https://docs.djangoproject.com/en/stable/howto/deployment/checklist/#debug",
)
LOG_LEVEL = semantic(
    "debug-logging",
    ADVISORY,
    "Production does not log at debug level",
    "Debug logs hold requests, tokens and personal data, and fill the disk.",
    "Set the level to INFO or WARNING.",
)
LOCALHOST = semantic(
    "localhost",
    ADVISORY,
    "Production's files name real hosts",
    "In a container or on another machine localhost is the service itself: what was reached in development is not there.",
    "Name the host of the dependency, or take it from the environment.",
)
RULES = (SECRET, DEBUG, LOG_LEVEL, LOCALHOST)

_TRUE = frozenset({"true", "1", "yes", "on"})
_MODES = re.compile(
    r"(?:^|_)(?:FLASK|NODE|APP|RAILS|RACK|DJANGO|FASTAPI|ASPNETCORE|DOTNET|SERVICE|QUARKUS|SPRING|GO)_?(?:ENV|ENVIRONMENT)$"
)
_LOCAL = re.compile(r"(?:^|[/@,\s])(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/,\s]|$)", re.IGNORECASE)
_LISTENS = frozenset(
    {
        "bind",
        "listen",
        "cors",
        "allowed",
        "origin",
        "origins",
        "hosts",
        "whitelist",
        "allowlist",
        "trusted",
        "proxy",
        "proxies",
    }
)
"""Words of names whose localhost is an own address or one that is let in."""
_SIDECARS = frozenset(
    {
        "statsd",
        "agent",
        "sidecar",
        "envoy",
        "otel",
        "otlp",
        "jaeger",
        "dogstatsd",
        "dd",
        "health",
        "healthcheck",
        "probe",
        "admin",
        "metrics",
    }
)
"""Words of names whose localhost is another container of the same pod, or the service's own check."""
_RELOADS = re.compile(
    r"(?:^|\s)(--reload|--debug|--auto-reload|--use-reloader)(?=\s|=(?:true|1)\b|$)|manage\.py\s+(runserver)\b|\bflask\s+(run)\b"
)


@dataclass(frozen=True, slots=True)
class Setting:
    """A name with its value, and where the value stands."""

    document: int
    keys: Keys
    name: str
    value: object
    is_runtime: bool = True
    """Whether a program gets it as it stands, such as an environment variable; a key of a file may mean anything."""

    @property
    def at(self) -> tuple[int, Keys]:
        """Where the value stands."""
        return self.document, self.keys


def setting_hits(lint: Lint, setting: Setting) -> Iterator[Hit]:
    """Yields what is wrong with one setting."""
    yield from _secret(lint, setting)
    if lint.is_productions or lint.may_be_productions:
        yield from _debug(lint, setting)
        yield from _localhost(lint, setting)


def command_hits(lint: Lint, at: tuple[int, Keys], owner: str, value: object) -> Iterator[Hit]:
    """Yields that a command starts a program in debug mode; `value` is its line, or a list of its words."""
    if not (lint.is_productions or lint.may_be_productions):
        return
    words = [str(each)[:200] for each in value[:200]] if isinstance(value, list) else [str(value)[:2000]]
    found = _RELOADS.search(" ".join(words))
    if found:
        switch = next(group for group in found.groups() if group)
        switch = {"runserver": "manage.py runserver", "run": "flask run"}.get(switch, switch)
        yield lint.hit(DEBUG, at, f"{owner} is started with {switch}", excerpt=switch, severity=lint.doubted(BLOCKING))


def _secret(lint: Lint, setting: Setting) -> Iterator[Hit]:
    """Yields that the value is a secret; a file of production's own carries what production uses."""
    value, name = setting.value, setting.name
    severity = BLOCKING if lint.is_productions and setting.is_runtime else ADVISORY
    excerpt = f"{name}: ***"
    if isinstance(value, str):
        found = credentials_in(value)
        if found:
            _, host = found
            is_local = host.lower() in (
                "localhost",
                "127.0.0.1",
                "db",
                "postgres",
                "redis",
                "mysql",
                "rabbitmq",
                "mongo",
            )
            text = f"{shown(name)} holds a connection string with its password"
            weight = INFORMATION if is_local and not lint.is_productions else severity
            yield lint.hit(SECRET, setting.at, text, excerpt=excerpt, severity=weight, anchor=_anchor(setting))
            return
    if is_secret_name(name) and is_literal(value):
        text = f"{shown(name)} has a literal value"
        yield lint.hit(SECRET, setting.at, text, excerpt=excerpt, severity=severity, anchor=_anchor(setting))


def _anchor(setting: Setting) -> str:
    """Returns the name and the value's hash: another secret at the same place is another finding."""
    return f"{setting.name}={sha256(str(setting.value).encode('utf-8', 'replace')).hexdigest()[:16]}"


def _debug(lint: Lint, setting: Setting) -> Iterator[Hit]:
    words, value = words_of(setting.name), str(setting.value).strip().lower()
    excerpt = f"{setting.name}: {setting.value}"
    if not words or len(value) > 20:  # noqa: PLR2004 - no switch is that long
        return
    is_debug = words[-1] in ("debug", "reload") and "log" not in words and value in _TRUE
    is_mode = value in ("development", "dev") and _MODES.search(setting.name.upper().replace("-", "_"))
    if is_debug or is_mode:
        text = f"{shown(setting.name)} is {shown(value)}"
        yield lint.hit(DEBUG, setting.at, text, excerpt=excerpt, severity=lint.doubted(BLOCKING))
    elif value in ("debug", "trace") and (
        "log" in words or "logging" in words or words[-1] in ("loglevel", "loglevels")
    ):
        text = f"{shown(setting.name)} is {shown(value)}"
        yield lint.hit(LOG_LEVEL, setting.at, text, excerpt=excerpt, severity=lint.doubted(ADVISORY))


def _localhost(lint: Lint, setting: Setting) -> Iterator[Hit]:
    value = setting.value
    if not isinstance(value, str) or len(value) > 500 or not _LOCAL.search(value):  # noqa: PLR2004 - a document
        return
    words = set(words_of(setting.name))
    if words & _LISTENS or words & _SIDECARS:
        return
    text = f"{shown(setting.name)} points to localhost"
    excerpt = f"{setting.name}: ***" if is_secret_name(setting.name) or "@" in value else f"{setting.name}: {value}"
    yield lint.hit(LOCALHOST, setting.at, text, excerpt=excerpt, severity=lint.doubted(ADVISORY))
