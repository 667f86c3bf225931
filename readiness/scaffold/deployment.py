"""What the files that deploy a service say: images of compose files, and the application that a server is started with.

Only a few lines of a compose file matter, and no YAML library is among this package's dependencies: an optional one
would make the result depend on what happens to be installed. So its `services` are read by indentation. What is
written in another way (flow style, anchors, tabs) is passed over; the worst of it is a line to be filled in by hand.

Whole commands are never taken over, since they may hold a password.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.scaffold.files import Files, depth, is_aside

_COMPOSE = re.compile(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml")
_SERVERS = re.compile(
    r"\b(uvicorn|gunicorn|hypercorn)\b[^\n]*?(?<![\w./:-])(?!unix:)([A-Za-z_][\w.]*):([A-Za-z_]\w*)(\(\))?"
)
_POSTGRES = re.compile(r"(?:.*/)?(?:postgres|postgresql|postgis|timescaledb(?:-ha)?|pgvector)")
_REDIS = re.compile(r"(?:.*/)?(?:redis|redis-stack|redis-stack-server|valkey)")
_KEY = re.compile(r"""( *)(?:"([^"]+)"|'([^']+)'|([\w.-]+))\s*:(?:\s+(.*))?""")
_FEW = 10
"""Deployment files that are read."""
_LONGEST = 2_000
"""Characters of a command that are looked at."""


@dataclass(frozen=True, slots=True)
class Mention:
    """An application that a deployment file starts a server with."""

    server: str
    module: str
    name: str
    is_factory: bool
    file: str

    @property
    def target(self) -> str:
        """`module:name`, as a server is given it."""
        return f"{self.module}:{self.name}"


@dataclass(slots=True)
class ComposeService:
    """One service of a compose file."""

    name: str
    file: str
    image: str = ""
    command: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """A PostgreSQL or a Redis that a compose file runs."""

    image: str
    file: str
    major: int | None
    """Major version, where the tag tells."""


def compose_services(files: Files) -> tuple[ComposeService, ...]:
    """Returns the services of the compose files, of `docker-compose.yml` and `compose.yaml` before those of variants."""
    names = [name for name in files.names if _COMPOSE.fullmatch(name.rpartition("/")[2]) and not is_aside(name)]
    names.sort(key=lambda name: (depth(name), name.rpartition("/")[2].count("."), name))
    return tuple(service for name in names[:_FEW] for service in read_services(files.text(name), name))


def postgres_of(services: tuple[ComposeService, ...]) -> Store | None:
    """Returns the first PostgreSQL; None where there is none."""
    return _store(services, _POSTGRES)


def redis_of(services: tuple[ComposeService, ...]) -> Store | None:
    """Returns the first Redis; None where there is none."""
    return _store(services, _REDIS)


def _store(services: tuple[ComposeService, ...], images: re.Pattern[str]) -> Store | None:
    for service in services:
        # A registry may have a port: the tag is what follows the last colon after the last slash.
        folder, slash, last = service.image.partition("@")[0].rpartition("/")
        name, _, tag = last.partition(":")
        if images.fullmatch(folder + slash + name):
            version = re.search(r"pg(\d+)", tag) or (re.match(r"v?(\d+)", tag) if name in _PLAIN_IMAGES else None)
            image = f"{name}:{tag}" if re.fullmatch(r"[\w.-]+", tag) else name
            return Store(image, service.file, int(version[1]) if version else None)
    return None


_PLAIN_IMAGES = ("postgres", "postgresql", "postgis", "redis")
"""Images whose tag starts with the server's own version."""


def mentions(files: Files, services: tuple[ComposeService, ...]) -> tuple[Mention, ...]:
    """Returns the applications that compose files, Dockerfiles and Procfiles start a server with."""
    found = [mention for service in services for mention in _mentions(service.command, service.file)]
    names = [name for name in files.names if re.fullmatch(r"Dockerfile[\w.-]*|Procfile", name.rpartition("/")[2])]
    for name in [name for name in names if not is_aside(name)][:_FEW]:
        lines = files.text(name).replace("\\\n", " ").splitlines()
        found += _mentions("\n".join(line for line in lines if not line.lstrip().startswith("#")), name)
    return tuple(dict.fromkeys(found))


def _mentions(text: str, file: str) -> Iterator[Mention]:
    for line in text.splitlines():
        if match := _SERVERS.search(line[:_LONGEST]):
            is_factory = bool(match[4]) or "--factory" in line
            yield Mention(match[1], match[2], match[3], is_factory, file)


# --- compose files --------------------------------------------------------------------------------------------------


def read_services(text: str, file: str) -> list[ComposeService]:
    """Returns name, image and command of each service of a compose file in block style."""
    services: list[ComposeService] = []
    inner: list[int] = []  # indentation of the services' names and of their keys, once seen
    is_inside = is_command = False
    for line in filter(None, map(_without_comment, text.splitlines())):
        indent = len(line) - len(line.lstrip(" "))
        if is_command and line.lstrip().startswith("- ") and services and indent >= inner[-1]:
            services[-1].command += f" {_plain(line.lstrip()[2:])}"
            continue
        match = _KEY.fullmatch(line)
        if match is None:
            continue
        key, value = match[2] or match[3] or match[4], (match[5] or "").strip()
        if indent == 0:
            is_inside, is_command = key == "services", False
            inner.clear()
            continue
        if not is_inside:
            continue
        if not inner:
            inner.append(indent)
        if indent == inner[0]:
            services.append(ComposeService(key, file))
            is_command = False
            del inner[1:]
            continue
        if len(inner) == 1 and indent > inner[0]:
            inner.append(indent)
        if services and inner[1:] == [indent]:
            is_command = key == "command" and not value
            if key == "image":
                services[-1].image = _plain(value)
            elif key == "command":
                services[-1].command = _command(value)
    return services


def _without_comment(line: str) -> str:
    return re.sub(r"(?:^|\s)#.*$", "", line).rstrip()


def _plain(value: str) -> str:
    value = value.strip()
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if is_quoted else value


def _command(value: str) -> str:
    if value.startswith("["):
        try:
            return " ".join(str(word) for word in json.loads(value))
        except ValueError:
            return value.strip("[]").replace(",", " ").replace("'", "").replace('"', "")
    return _plain(value)
