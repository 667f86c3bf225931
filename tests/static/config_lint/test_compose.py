"""Rules about compose files."""

from __future__ import annotations

import pytest

from readiness.static.config_lint.compose import published
from tests.static.config_lint.cases import STAGING, Cases, lint, one, rules_in, severities

COMPOSE = "docker-compose.yml"


def services(**lines: str) -> str:
    """Returns a compose file; each service is a mapping in flow style."""
    return "services:\n" + "".join(f"  {name}: {text}\n" for name, text in lines.items())


DB = "{image: 'postgres:17', healthcheck: {test: [CMD, pg_isready]}}"
TABLE = {
    "image-tag": Cases(
        one(COMPOSE, services(db="{image: postgres}"), services(db="{image: 'postgres:latest'}"), services(db="{image: 'pg:${T:-latest}'}")),
        one(COMPOSE, services(db=DB), services(api="{build: ., image: api}"), services(db="{image: 'postgres:${TAG}'}"), services(db="{image: 'localhost:5000/pg:17'}"))
        + one("config/services.yaml", "services: {a: {image_size: 5}}"),
    ),
    "privileged": Cases(
        one(COMPOSE, services(a="{image: 'a:1', privileged: true}"), services(a="{privileged: true}")),
        one(COMPOSE, services(a="{image: 'a:1', privileged: false}"), services(a="{image: 'a:1', labels: {privileged: 'true'}}")),
    ),
    "compose-healthcheck": Cases(
        one(COMPOSE, services(a="{image: 'a:1', ports: ['80:80']}"), services(a="{build: ., expose: [80]}")),
        one(COMPOSE, services(a="{image: 'a:1', ports: ['80:80'], healthcheck: {disable: true}}"), services(a="{ports: ['80:80']}"), services(a="{image: 'a:1'}")),
    ),
    "depends-on-condition": Cases(
        one(COMPOSE, services(a="{image: 'a:1', depends_on: [db]}", db=DB), services(a="{build: ., depends_on: {db: {condition: service_started}}}", db=DB)),
        one(
            COMPOSE,
            services(a="{image: 'a:1', depends_on: {db: {condition: service_healthy}}}", db=DB),
            services(a="{image: 'a:1', depends_on: {db: {condition: service_started}}}", db="{image: 'b:1'}"),
            services(a="{image: 'a:1', depends_on: [elsewhere]}"),
        ),
    ),
    "open-port": Cases(
        one(COMPOSE, services(a="{image: 'a:1', ports: ['5432:5432']}"), services(a="{image: 'a:1', ports: [{target: 6379, published: 6379}]}"), services(a="{image: 'a:1', ports: ['0.0.0.0:15432:5432/tcp']}"), services(a="{image: 'a:1', ports: ['${P:-5432}:5432']}")),
        one(COMPOSE, services(a="{image: 'a:1', ports: ['127.0.0.1:5432:5432']}"), services(a="{image: 'a:1', ports: ['5432']}"), services(a="{image: 'a:1', ports: ['80:8080']}"), services(a="{image: 'a:1', expose: [5432]}")),
    ),
    "engine-socket": Cases(
        one(COMPOSE, services(a="{image: 'a:1', volumes: ['/var/run/docker.sock:/var/run/docker.sock:ro']}"), services(a="{image: 'a:1', volumes: [{type: bind, source: /run/docker.sock, target: /s}]}")),
        one(COMPOSE, services(a="{image: 'a:1', volumes: ['data:/var/lib']}"), services(a="{image: 'a:1', volumes: ['./docker.sock.md:/x']}")),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.finds])
def test_rule_finds(rule: str, files: dict[str, str]) -> None:
    """What the rule is there for is found."""
    assert rule in rules_in(files)


@pytest.mark.parametrize(("rule", "files"), [(rule, files) for rule, cases in TABLE.items() for files in cases.passes])
def test_rule_passes(rule: str, files: dict[str, str]) -> None:
    """What only looks like it is not."""
    assert rule not in rules_in(files)


@pytest.mark.parametrize(
    ("path", "severity"),
    [("docker-compose.yml", "advisory"), ("docker-compose.prod.yml", "blocking"), ("compose.dev.yml", "advisory")],
)
def test_database_port_blocks_in_productions_file(path: str, severity: str) -> None:
    """A database that is open to the world blocks where the file is production's by its name."""
    assert severities({path: services(a="{image: 'a:1', ports: ['5432:5432']}")}, "open-port", STAGING) == [severity]


@pytest.mark.parametrize(
    ("port", "expected"),
    [
        ("5432:5432", ("", 5432)),
        ("127.0.0.1:5432:5432", ("127.0.0.1", 5432)),
        ("[::1]:5432:5432", ("[::1]", 5432)),
        ("3000-3005:3000-3005", ("", 0)),
        ("${PORT}:5432", ("", 0)),
        ("99999999999999999999:99999999999999999999", ("", 0)),
        (5432, ("", 0)),
        ({"target": 5432, "published": "5432", "host_ip": "::1"}, ("::1", 5432)),
        ({"target": 5432}, ("", 0)),
    ],
)
def test_published_port_is_read_in_every_form(port: object, expected: tuple[str, int]) -> None:
    """Address and port of the short and of the long form; 0 where it is not known."""
    assert published(port) == expected


@pytest.mark.parametrize(
    "text", ["services: [1]\n", "services: {a: 1, b: {image: [1], ports: 5, depends_on: {c: 1}}}\n"]
)
def test_wrong_shapes_do_not_crash(text: str) -> None:
    """A compose file whose values have the wrong types is the schema's business, not a crash."""
    lint({COMPOSE: text})
