"""Compose files: health, order of start, and what is open to the world."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from readiness.static.config_lint import containers
from readiness.static.config_lint.lint import ADVISORY, BLOCKING, INFORMATION, mapping, semantic, sequence, shown

if TYPE_CHECKING:
    from readiness.static.config_lint.lint import Keys, Lint
    from readiness.static.interface import Hit

HEALTHCHECK = semantic(
    "compose-healthcheck",
    INFORMATION,
    "Every compose service says whether it is healthy",
    "A service without a health check counts as up while its process lives; what waits for it starts too early.",
    "Add `healthcheck: {test: [...]}`, or `disable: true` where the image brings a check that must not run.",
    "https://docs.docker.com/reference/compose-file/services/#healthcheck",
)
DEPENDS_ON = semantic(
    "depends-on-condition",
    INFORMATION,
    "Services wait until what they need is healthy",
    "`depends_on` without a condition waits for the container, not for the service in it: the first requests fail.",
    "Write `depends_on: {db: {condition: service_healthy}}`.",
    "https://docs.docker.com/compose/how-tos/startup-order/",
)
OPEN_PORT = semantic(
    "open-port",
    ADVISORY,
    "No database or broker is published to the world",
    "A port that is published without an address listens on all interfaces, and the container engine's rules come before the"
    " host's firewall.",
    "Leave `ports` out, since services of one network reach each other, or publish on 127.0.0.1.",
    "https://docs.docker.com/engine/network/port-publishing/",
)
DOCKER_SOCKET = semantic(
    "engine-socket",
    INFORMATION,
    "No service holds the container engine's socket",
    "Whoever can write to the socket is root on the host.",
    "Use an API proxy that allows the few calls that are needed.",
    "https://docs.docker.com/engine/security/protect-access/",
)
RULES = (HEALTHCHECK, DEPENDS_ON, OPEN_PORT, DOCKER_SOCKET)

STORES = {
    1433: "SQL Server",
    1521: "Oracle",
    2375: "the container engine's API",
    2379: "etcd",
    2181: "ZooKeeper",
    3306: "MySQL",
    5432: "PostgreSQL",
    5672: "RabbitMQ",
    5984: "CouchDB",
    6379: "Redis",
    6380: "Redis",
    7474: "Neo4j",
    7687: "Neo4j",
    8086: "InfluxDB",
    8123: "ClickHouse",
    8500: "Consul",
    9042: "Cassandra",
    9092: "Kafka",
    9200: "Elasticsearch",
    9300: "Elasticsearch",
    11211: "memcached",
    26379: "Redis Sentinel",
    27017: "MongoDB",
}
"""Ports behind which data is, and what listens there."""
_NAME = re.compile(r"(?:^|/)(?:docker-)?compose[^/]*\.ya?ml$", re.IGNORECASE)
_LOOPBACK = ("127.", "localhost", "::1", "[::1]")


def is_compose(path: str, value: object) -> bool:
    """Returns whether a document is a compose file, by its path and its services."""
    services = mapping(mapping(value).get("services"))
    if not services or "apiVersion" in mapping(value):
        return False
    return bool(_NAME.search(path)) or all(
        isinstance(each, dict) and ("image" in each or "build" in each) for each in services.values()
    )


def compose(lint: Lint, document: int, value: object) -> Iterator[Hit]:
    """Yields what the services of a compose file lack."""
    services = mapping(mapping(value).get("services"))
    for name, service in services.items():
        if not isinstance(service, dict):
            continue
        at: Keys = ("services", name)
        owner = f"service {shown(name)}"
        if "build" not in service:  # else the image's name is that of what is built
            yield from containers.image_hits(lint, (document, (*at, "image")), owner, service.get("image"))
        yield from containers.privileged_hits(lint, (document, at), owner, service)
        yield from _depends_on(lint, (document, at), owner, service, services)
        yield from _ports(lint, (document, at), owner, service)
        yield from _socket(lint, (document, at), owner, service)
        if _serves(service) and "healthcheck" not in service:
            yield lint.hit(HEALTHCHECK, (document, at), f"{owner} has no healthcheck", anchor=owner)


def _serves(service: dict[Any, Any]) -> bool:
    """Returns whether a service is whole, not an override, and is there to be reached."""
    is_whole = "image" in service or "build" in service
    return is_whole and bool(service.get("ports") or service.get("expose")) and "extends" not in service


def _depends_on(
    lint: Lint, at: tuple[int, Keys], owner: str, service: dict[Any, Any], services: dict[Any, Any]
) -> Iterator[Hit]:
    document, keys = at
    needs = service.get("depends_on")
    if isinstance(needs, list):
        names = [name for name in needs if isinstance(name, str) and name in services]
        if names:
            text = f"{owner} does not wait for {', '.join(map(shown, names[:5]))} to be healthy"
            yield lint.hit(DEPENDS_ON, (document, (*keys, "depends_on")), text, anchor=owner)
        return
    for name, need in mapping(needs).items():
        if mapping(need).get("condition") == "service_started" and "healthcheck" in mapping(services.get(name)):
            text = f"{owner} waits until {shown(name)} has started, which has a healthcheck"
            yield lint.hit(DEPENDS_ON, (document, (*keys, "depends_on", name)), text, anchor=f"{owner} {name}")


def _ports(lint: Lint, at: tuple[int, Keys], owner: str, service: dict[Any, Any]) -> Iterator[Hit]:
    document, keys = at
    for number, port in enumerate(sequence(service.get("ports"))):
        address, target = published(port)
        if target in STORES and not address.startswith(_LOOPBACK):
            text = f"{owner} publishes port {target} ({STORES[target]}) on {address or 'all interfaces'}"
            severity = BLOCKING if lint.is_productions else None
            yield lint.hit(
                OPEN_PORT, (document, (*keys, "ports", number)), text, excerpt=str(port), severity=severity, anchor=text
            )


def published(port: object) -> tuple[str, int]:
    """Returns the address that a port is published on, empty for all, and the port in the container; 0 where unknown.

    Both forms of the compose specification: `[[address:]published:]target[/protocol]` and the mapping. A range and a port
    that is not published to a fixed number count as unknown.
    """
    if isinstance(port, dict):
        address, target = str(port.get("host_ip") or ""), port.get("target")
        return address, target if isinstance(target, int) and port.get("published") else 0
    text = containers.expanded(port) if isinstance(port, str) else None
    if text is None:
        return "", 0
    head, colon, target = text.partition("/")[0].rpartition(":")
    address = head.rpartition(":")[0] if colon else ""
    return address, int(target) if colon and target.isdecimal() and len(target) <= 5 else 0  # noqa: PLR2004 - 65535


def _socket(lint: Lint, at: tuple[int, Keys], owner: str, service: dict[Any, Any]) -> Iterator[Hit]:
    document, keys = at
    for number, volume in enumerate(sequence(service.get("volumes"))):
        source = mapping(volume).get("source") if isinstance(volume, dict) else str(volume).partition(":")[0]
        if isinstance(source, str) and source.endswith("/docker.sock"):
            text = f"{owner} mounts {shown(source)}"
            yield lint.hit(DOCKER_SOCKET, (document, (*keys, "volumes", number)), text, excerpt=source, anchor=text)
