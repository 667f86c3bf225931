"""Rules about settings wherever they stand: secrets, debug switches, localhost."""

from __future__ import annotations

import pytest

from readiness.static.config_lint.naming import credentials_in, is_literal, is_secret_name
from tests.static.config_lint.cases import STAGING, Cases, lint, one, rules_in, severities

VALUE = "hunter" + "2-and-more"
"""Assembled, so that no scanner takes it for somebody's."""
URL = "postgresql://svc:" + VALUE + "@db.internal:5432/app"
COMPOSE, PROD = "docker-compose.yml", "docker-compose.prod.yml"


def environment(text: str) -> str:
    """Returns a compose file with one service's environment, in flow style."""
    return f"services: {{api: {{image: 'a:1', environment: {text}}}}}\n"


def command(text: str) -> str:
    """Returns a compose file with one service's command."""
    return f"services: {{api: {{image: 'a:1', command: {text}}}}}\n"


CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: 'b:1', env: [ENV]}]}\n"
TABLE = {
    "plain-secret": Cases(
        one(COMPOSE, environment(f"{{DB_PASSWORD: {VALUE}}}"), environment(f"['API_KEY={VALUE}']"), environment(f"{{DATABASE_URL: '{URL}'}}"))
        + one("k8s/a.yaml", CONFIG_MAP + f"  smtp-password: {VALUE}\n", SECRET + f"  token: {VALUE}\n", POD.replace("ENV", f"{{name: AUTH_TOKEN, value: {VALUE}}}"))
        + one(".env", f"SECRET_KEY={VALUE}\n") + one("alembic.ini", f"[alembic]\nsqlalchemy.url = {URL}\n") + one("config/app.toml", f"[db]\nclientSecret = '{VALUE}'\n"),
        one(COMPOSE, environment("{DB_PASSWORD: '${DB_PASSWORD}'}"), environment("['API_KEY']"), environment("{DB_PASSWORD_FILE: /run/secrets/db}"), environment("{DATABASE_URL: 'postgresql://svc:${PW}@db/app'}"))
        + one(COMPOSE, environment("{TOKEN_TTL: 3600}"), environment("{MAX_TOKENS: 4096}"), environment("{NEXT_PUBLIC_API_KEY: abcdef}"), environment("{USE_TOKEN: 'true'}"), environment("{PASSWORD: ''}"))
        + one("k8s/a.yaml", POD.replace("ENV", "{name: AUTH_TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}"), CONFIG_MAP + "  secret_name: app-secret\n", SECRET + "  token: ENC[AES256]\n")
        + one("alembic.ini", "[alembic]\nsqlalchemy.url = driver://user:pass@localhost/dbname\n") + one("i18n/de.json", '{"password": "Kennwort"}'),
    ),
    "debug-switch": Cases(
        one(PROD, environment("{DEBUG: 'true'}"), environment("['FLASK_ENV=development']"), command("uvicorn app:app --reload"), command("[python, manage.py, runserver]"))
        + one(".env.production", "DJANGO_DEBUG=1\n") + one("config/production.toml", "debug = true\n") + one("k8s/a.yaml", POD.replace("ENV", "{name: DEBUG, value: 'True'}")),
        one(PROD, environment("{DEBUG: 'false'}"), environment("['FLASK_ENV=production']"), command("uvicorn app:app"), environment("{DEBUG_TOOLBAR_HOSTS: a}"))
        + one("docker-compose.dev.yml", environment("{DEBUG: 'true'}"), command("uvicorn app:app --reload")),
    ),
    "debug-logging": Cases(
        one(PROD, environment("{LOG_LEVEL: debug}")) + one(".env.production", "LOGLEVEL=TRACE\n") + one("config/production.yaml", "logging: {level: DEBUG}\n"),
        one(PROD, environment("{LOG_LEVEL: info}"), environment("{BUILD_TYPE: debug}")) + one(".env.development", "LOG_LEVEL=debug\n"),
    ),
    "localhost": Cases(
        one(".env.production", "REDIS_URL=redis://localhost:6379/0\n", "API_HOST=127.0.0.1\n") + one(PROD, environment("{BROKER: 'amqp://127.0.0.1'}")),
        one(".env.production", "REDIS_URL=redis://cache:6379/0\n", "CORS_ORIGINS=http://localhost:3000\n", "STATSD_HOST=localhost\n", "A=mylocalhost.test\n", "BIND=127.0.0.1:8000\n")
        + one(".env.development", "REDIS_URL=redis://localhost:6379/0\n"),
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


@pytest.mark.parametrize("files", TABLE["plain-secret"].finds)
def test_secret_stands_in_no_part_of_a_finding(files: dict[str, str]) -> None:
    """Neither text nor excerpt nor anchor holds the value."""
    assert all(VALUE not in repr(hit) for _, hit in lint(files))


def test_another_secret_at_the_same_place_is_another_finding() -> None:
    """A baseline that accepts one secret does not accept the next one."""
    first, second = (lint({".env": f"SECRET_KEY={value}\n"})[0][1].anchor for value in (VALUE, VALUE[::-1]))
    assert first != second


@pytest.mark.parametrize(
    ("path", "severity"),
    [(".env.production", "blocking"), (".env", "advisory"), (".env.dev", "advisory"), (".env.example", "information")],
)
def test_secret_blocks_in_productions_file_only(path: str, severity: str) -> None:
    """A literal secret warns: it is what development is full of; in production's own file it is a real one."""
    assert severities({path: f"SECRET_KEY={VALUE}\n"}, "plain-secret", STAGING) == [severity]


def test_shared_file_counts_as_productions_where_that_is_judged() -> None:
    """A file without an environment in its name is what production runs, but with less certainty; else it says nothing."""
    files = {COMPOSE: environment("{DEBUG: 'true'}")}
    assert severities(files, "debug-switch") == ["advisory"]
    assert severities(files, "debug-switch", STAGING) == []


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "dbPassword",
        "db-passwd",
        "API_KEY",
        "apiKey",
        "AWS_SECRET_ACCESS_KEY",
        "authToken",
        "SMTP_PASS",
        "dbpassword",
    ],
)
def test_name_of_a_secret(name: str) -> None:
    """Words count however they are joined."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "TOKEN_TTL",
        "secretName",
        "PUBLIC_KEY",
        "AWS_ACCESS_KEY_ID",
        "tokenizer",
        "PASSWORD_FILE",
        "max_tokens",
        "keyboard",
        "BYPASS",
        "compass",
        "a password, in prose",
    ],
)
def test_name_of_no_secret(name: str) -> None:
    """A name about a secret is none."""
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    "value",
    [
        "${A}",
        "$A",
        "{{ a }}",
        "<your-key>",
        "changeme",
        "***",
        "/run/secret",
        "vault:a",
        "A_B_C",
        "",
        None,
        True,
        "a b c d",
        "x" * 3000,
    ],
)
def test_value_that_is_no_literal(value: object) -> None:
    """References, blanks and prose are no secrets."""
    assert not is_literal(value)


def test_connection_string_is_read_once_and_in_bounded_time() -> None:
    """User and host are told; a hostile line is cut."""
    assert credentials_in(URL) == ("svc", "db.internal")
    assert credentials_in("a://" * 500_000) is None
