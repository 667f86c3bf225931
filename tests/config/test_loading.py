"""From a file to settings."""

from __future__ import annotations

import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

import pytest

from readiness.config.base import Table
from readiness.config.model import Containers, Embedded, Endpoint, Health, Live, Own, Redis
from readiness.errors import UsageError
from readiness.gate import Gate, builtin_gates
from readiness.redact import Secret
from tests.config.samples import FULL, FULL_ENVIRON, MINIMAL, Folder, full


def test_full_example_loads(tmp_path: Path) -> None:
    """Everything that the full example shows is understood, for the environment asked for."""
    made = full(tmp_path)
    settings = made.load(environment="staging", environ=FULL_ENVIRON)
    assert settings.file == tmp_path / "readiness.toml"
    assert settings.environment == "staging"
    assert settings.is_protected
    assert isinstance(settings.where, Live)
    assert settings.where.headers == {"Authorization": Secret("Bearer tok-6f9a13c2e0")}
    assert settings.where.database is not None
    assert settings.where.database.url.reveal() == FULL_ENVIRON["STAGING_DATABASE_URL"]
    assert list(settings.gates) == [gate.name for gate in builtin_gates()]
    assert settings.waivers[0].expires == dt.date(2026, 12, 31)
    assert str(settings.policy.deadline) == "15m"
    health = settings.gates["health"]
    assert isinstance(health, Health)
    assert health.within.ms == 500
    assert health.targets[0] == Endpoint(path="/health", within=health.within)
    assert health.version is not None
    assert health.version.equals == "2026.11.3"
    assert settings.missing == ()
    assert made.redactor.names == ("STAGING_TOKEN", "STAGING_DATABASE_URL", "STAGING_REDIS_URL", "RELEASE")


def test_every_key_of_the_full_example_arrives(tmp_path: Path) -> None:
    """No key is accepted and then forgotten."""
    settings = full(tmp_path).load(environment="staging", environ=FULL_ENVIRON)
    document = tomllib.loads(FULL)
    parts: dict[str, tuple[Any, dict[str, Any]]] = {
        "service": (settings.service, document["service"]),
        "policy": (settings.policy, document["policy"]),
        "waiver": (settings.waivers[0], document["waiver"][0]),
        "env": (settings.where, {key: value for key, value in document["env"]["staging"].items() if key != "kind"}),
        **{name: (table, document[name]) for name, table in settings.gates.items()},
    }
    assert set(parts) == set(document)
    for name, (struct, table) in parts.items():
        for key in table:
            assert getattr(struct, key.replace("-", "_")) is not None, f"{name}.{key}"


@pytest.mark.parametrize(("name", "kind"), [("local", Embedded), ("container", Containers)])
def test_other_environments_need_only_their_own_variables(tmp_path: Path, name: str, kind: type) -> None:
    """Variables that another environment names may be missing."""
    settings = full(tmp_path).load(environment=name, environ={"RELEASE": "2026.11.3"})
    assert isinstance(settings.where, kind)
    assert not settings.is_protected


def test_environment_overrides_a_gate(folder: Folder) -> None:
    """Tables merge deeply, lists replace, and other environments keep what the top level says."""
    text = """
        [service]
        name = "shop"
        [health]
        endpoints = ["/health", "/ready"]
        within = "1s"
        version = { path = "/health", pointer = "/version", equals = "1.2.3" }
        [env.x]
        kind = "live"
        url = "https://shop.example"
        [env.x.health]
        endpoints = ["/other"]
        version.equals = "1.2.4"
        [env.y]
        kind = "live"
        url = "https://shop.example"
    """
    x, y = (folder.load(text, name).gates["health"] for name in ("x", "y"))
    assert isinstance(x, Health)
    assert isinstance(y, Health)
    assert x.endpoints == ["/other"]
    assert x.within.ms == 1000
    assert x.version is not None
    assert (x.version.path, x.version.equals) == ("/health", "1.2.4")
    assert y.endpoints == ["/health", "/ready"]


def test_gate_may_be_spread_over_both_tables(folder: Folder) -> None:
    """What a table needs may stand in the environment alone."""
    settings = folder.load(f"{MINIMAL}\n[env.x.health]\nendpoints = ['/a']\n[health]\nwithin = '2s'\n")
    assert settings.gates["health"] == Health(endpoints=["/a"], within=settings.gates["health"].within)  # type: ignore[attr-defined] # a table


def test_address_of_a_store_alone_configures_no_gate(folder: Folder) -> None:
    """`redis.url` says where, and only a table says what."""
    settings = folder.load(f"{MINIMAL}redis.url = 'redis://cache.example/0'\n")
    assert settings.gates == {}
    assert isinstance(settings.where, Live)
    assert settings.where.redis is not None


def test_address_and_override_share_a_table(folder: Folder) -> None:
    """`[env.x.redis]` holds the address and what it overrides."""
    settings = folder.load(f"{MINIMAL}redis = {{ url = 'redis://cache.example/0', ping-within = '9ms' }}\n")
    redis = settings.gates["redis"]
    assert isinstance(redis, Redis)
    assert redis.ping_within.ms == 9


def test_image_of_redis_is_no_override(folder: Folder) -> None:
    """In an environment of containers `redis` is an image, or a table that overrides the gate."""
    base = "[service]\nname = 's'\n[env.x]\nkind = 'containers'\n"
    image = folder.load(f"{base}redis = 'redis:7.4'\n")
    assert isinstance(image.where, Containers)
    assert image.where.redis == "redis:7.4"
    assert image.gates == {}
    override = folder.load(f"{base}[env.x.redis]\nping-within = '9ms'\n")
    assert isinstance(override.where, Containers)
    assert override.where.redis == "redis:7-alpine"
    assert list(override.gates) == ["redis"]


def test_pyproject_works_alike(tmp_path: Path) -> None:
    """The same configuration under [tool.readiness]; problems name the longer tables."""
    folder = Folder(tmp_path, name="pyproject.toml")
    text = """
        [project]
        name = "shop"
        [tool.readiness.service]
        name = "shop"
        [tool.readiness.env.x]
        kind = "live"
        url = "https://shop.example"
        [tool.readiness.health]
        endpoints = ["/health"]
    """
    assert list(folder.load(text).gates) == ["health"]
    assert folder.lines(text.replace("endpoints", "endpoint")) == [
        "pyproject.toml: [tool.readiness.health] endpoint: unknown key 'endpoint'. Known: endpoints, within, accept, "
        "max-body, samples, attempts, every, version. Did you mean 'endpoints'? Rename it or take it out.",
        "pyproject.toml: [tool.readiness.health] endpoints: 'endpoints' is missing and has no default. "
        "Add endpoints = ... to this table.",
    ]


def test_literal_reference(folder: Folder) -> None:
    """`$${` is the text `${`, and needs no variable."""
    settings = folder.load(f"{MINIMAL}[health]\nendpoints = [{{ path = '/a', json = {{ a = '$${{NAME}}' }} }}]\n")
    health = settings.gates["health"]
    assert isinstance(health, Health)
    assert health.targets[0].json == {"a": "${NAME}"}


def test_plan_names_missing_variables(tmp_path: Path) -> None:
    """A plan loads without its variables and says which ones a run would need."""
    settings = full(tmp_path).load(environment="staging", plan=True)
    assert settings.missing == ("STAGING_TOKEN", "STAGING_DATABASE_URL", "STAGING_REDIS_URL", "RELEASE")


@pytest.mark.parametrize(
    ("line", "table"),
    [
        ("within = '${A}'", "[health]"),
        ("samples = 3\nendpoints = ['/b', '${A}', '${B}', { path = '${C}', within = '${D}' }]", "[env.x.health]"),
        ("max-memory = '${A}'\nserver-version = '>=${B}'", "[redis]"),
        ("bandit = { paths = ['${A}'], severity = '${B}' }", "[security-scan]"),
        ("runbook = '${A}'\nchecks = ['${B}', '${C}']", "[service.more]"),
        ("[[waiver]]\ncheck = '${A}'\nreason = 'r'\nowner = 'o'\nexpires = '${B}'\nenv = ['${C}']", ""),
    ],
)
def test_plan_fits_any_place(folder: Folder, line: str, table: str) -> None:
    """Whatever a missing variable stands for, a plan can be made."""
    base = f"{MINIMAL}redis.url = '${{URL}}'\n[env.x.headers]\nA = 'Bearer ${{T}}'\n[health]\nendpoints = ['/a']\n"
    if table == "[service.more]":
        text = base.replace('name = "shop"', f'name = "shop"\n{line}')
    elif table == "[health]":
        text = f"{base}{line}\n"
    else:
        text = f"{base}{table}\n{line}\n"
    settings = folder.load(text, plan=True)
    assert {"URL", "T", "A"} <= set(settings.missing)


def test_plan_reports_what_is_wrong(folder: Folder) -> None:
    """Only missing variables are forgiven."""
    text = f"{MINIMAL}headers.A = '${{T}}'\n[health]\nendpoints = []\n"
    assert [problem.key for problem in folder.problems(text, plan=True)] == ["endpoints"]


JUDGED_ALONE = f"""{MINIMAL}
redis.url = "${{CACHE}}"
database.url = "${{STORE}}"
headers.A = "Bearer ${{T}}"
[health]
endpoints = ["/${{PATH_OF_IT}}"]
[database]
migrations = {{ tool = "alembic", path = "gone" }}
[redis]
server-version = ">=${{VERSION}}"
"""
VALUES = {
    "CACHE": "redis://cache-of-it:6379",
    "STORE": "postgresql://store-of-it:5432/a",
    "T": "token-of-it",
    "PATH_OF_IT": "path-of-it",
    "VERSION": "7.2.11",
}


@pytest.mark.parametrize(
    ("only", "needed"),
    [
        ((), {"CACHE", "STORE", "T", "PATH_OF_IT", "VERSION"}),
        (("health",), {"T", "PATH_OF_IT"}),
        (("redis",), {"CACHE", "VERSION", "T"}),
        (("redis", "health"), {"CACHE", "VERSION", "T", "PATH_OF_IT"}),
        (("flags",), {"T"}),
        (("billing",), {"CACHE", "STORE", "T"}),  # nobody knows what checks of the user's own gate use
    ],
)
def test_gates_judged_alone_need_only_their_own_variables(
    folder: Folder, only: tuple[str, ...], needed: set[str]
) -> None:
    """What a gate that is not judged would need may be missing, in a plan and in a run; not what is judged needs."""
    plan = folder.load(JUDGED_ALONE.replace('"gone"', '"."'), plan=True, only=only, own=("billing",))
    assert set(plan.missing) == needed
    environ = {name: value for name, value in VALUES.items() if name in needed}
    if not only:
        folder.write("", "gone")
    settings = folder.load(JUDGED_ALONE, environ=environ, only=only, own=("billing",))
    assert settings.missing == ()
    assert set(settings.gates) == {"health", "database", "redis"}
    for name in needed:
        rest = {key: value for key, value in environ.items() if key != name}
        (problem,) = folder.problems(JUDGED_ALONE, environ=rest, only=only, own=("billing",))
        assert f"the environment variable {name} is not set" in problem.text


def test_files_of_gates_that_are_not_judged_may_be_missing(folder: Folder) -> None:
    """They are asked for where their gate is."""
    text = (
        f"{MINIMAL}database.url = 'postgresql://a/b'\n[database]\nmigrations = {{ tool = 'alembic', path = 'gone' }}\n"
    )
    folder.load(f"{text}[health]\nendpoints = ['/a']\n", only=("health",))
    assert [each.key for each in folder.problems(text, only=("database",))] == ["migrations.path"]


def test_own_checks_of_a_built_in_gate_may_need_any_store(folder: Folder) -> None:
    """Nobody knows what they use: whatever the environment names is needed, as where all gates are judged."""
    text = f"{MINIMAL}database.url = '${{STORE}}'\n[health]\nendpoints = ['/a']\n"
    assert folder.load(text, only=("health",)).missing == ()
    assert [each.key for each in folder.problems(text, only=("health",), own=("health",))] == ["url"]


def test_addresses_of_gates_that_are_not_judged_may_be_missing(folder: Folder) -> None:
    """As the variables and files that only they need."""
    text = f"{MINIMAL}[health]\nendpoints = ['/a']\n[redis]\nping-within = '5ms'\n"
    folder.load(text, only=("health",))
    assert "needs the address of Redis" in folder.problems(text, only=("redis",))[0].text


@pytest.mark.parametrize(("env", "only", "refused"), [("x", (), 1), ("y", (), 0), ("x", ("health",), 0)])
def test_waiver_of_a_decision_that_is_not_made_matters_to_nobody(
    folder: Folder, env: str, only: tuple[str, ...], refused: int
) -> None:
    """It is refused where the rollout is judged, in the environments that it speaks of."""
    text = f"""{MINIMAL}[env.y]
kind = "live"
[health]
endpoints = ["/a"]
[[waiver]]
check = "rollout/*"
env = ["{env}"]
reason = "r"
owner = "o"
expires = 2999-12-31
[rollout]
prometheus = "http://prometheus.example"
stages = ["10%"]
canary = 'a="b"'
baseline = 'a="c"'
observe = "30m"
[[rollout.metric]]
name = "errors"
total = "a"
bad = "b"
promote-below = "1%"
"""
    if refused:
        assert "covers rollout/decision" in folder.problems(text, only=only)[0].text
    else:
        folder.load(text, only=only)


def test_mistakes_in_tables_that_are_not_judged_are_still_reported(folder: Folder) -> None:
    """A file is either well-formed or not."""
    text = f"{MINIMAL}redis.url = 'redis://h'\n[redis]\nping-witin = '5ms'\n[health]\nendpoints = ['/a']\n"
    assert [each.key for each in folder.problems(text, only=("health",))] == ["ping-witin"]


def test_digest_is_of_the_effective_configuration(tmp_path: Path) -> None:
    """It changes with what holds, and not with values of variables, order, or other environments."""
    made = full(tmp_path)

    def digest(text: str, environ: dict[str, str]) -> str:
        return made.load(text, "staging", environ=environ).digest

    base = digest(FULL, FULL_ENVIRON)
    assert len(base) == 64
    assert digest(FULL, {**FULL_ENVIRON, "RELEASE": "2026.11.4"}) == base
    assert digest(FULL.replace("redis:7-alpine", "redis:8-alpine"), FULL_ENVIRON) == base
    assert digest(FULL.replace("samples = 5\nattempts = 3", "attempts = 3\nsamples = 5"), FULL_ENVIRON) == base
    assert digest(FULL.replace("samples = 5", "samples = 6"), FULL_ENVIRON) != base
    assert made.load(FULL, "local", environ=FULL_ENVIRON).digest != base


class Billing(Table, frozen=True, rename="kebab"):
    """Cards can be charged."""

    card_types: list[str]
    """Brands that must work."""
    key: Secret | None = None


def test_gate_of_a_plugin_has_a_table(folder: Folder) -> None:
    """A third party's table is validated, documented and typed like a built-in one; so are its secrets."""
    gate = Gate("billing", "Cards can be charged", Billing, None)
    gates = [*builtin_gates(), gate]
    settings = folder.load(
        f"{MINIMAL}[billing]\ncard-types = ['a']\n[env.x.billing]\nkey = 'literal-key-77'\n", gates=gates
    )
    assert settings.gates["billing"] == Billing(card_types=["a"], key=Secret("literal-key-77"))
    assert settings.known_gates[-1] == "billing"
    assert folder.redactor.redact("literal-key-77") == "***"
    assert folder.lines(f"{MINIMAL}[billing]\ncard-type = ['a']\nkey = 5\n", gates=gates)[:2] == [
        "readiness.toml: [billing] card-type: unknown key 'card-type'. Known: card-types, key. "
        "Did you mean 'card-types'? Rename it or take it out.",
        "readiness.toml: [billing] key: found a number, expected text in quotes. Put it in double quotes.",
    ]


class Refusing(Table, frozen=True):
    """A table with a rule of its own."""

    text: str

    def __post_init__(self) -> None:
        raise ValueError(f"{self.text} is refused")


def test_rule_of_a_plugin_is_a_problem_without_the_secret(folder: Folder) -> None:
    """What a third party's type says is reported, redacted."""
    gates = [Gate("own", "", Refusing, None)]
    assert folder.lines(f"{MINIMAL}[own]\ntext = '${{T}}'\n", gates=gates, environ={"T": "hunter2-hunter2"}) == [
        "readiness.toml: [own]: the table cannot be used: *** is refused. Mend it as the gate's documentation says."
    ]


@pytest.mark.parametrize("name", ["service", "env", "url", "kind", "headers", "health"])
def test_gate_of_a_plugin_with_a_taken_name(folder: Folder, name: str) -> None:
    """A plugin cannot take a name that the configuration needs, or that another gate has."""
    with pytest.raises(UsageError, match=f"a plugin adds a gate named '{name}', a name that is in use already"):
        folder.load(MINIMAL, gates=[*builtin_gates(), Gate(name, "", Billing, None)])


def test_own_gates_are_known(folder: Folder) -> None:
    """A gate of the user's own check files can be required, waived, and have a table with any keys."""
    text = f"{MINIMAL}[policy]\nrequired = ['billing']\nadvisory = ['billing/x']\n[billing]\ncards = 3\n"
    settings = folder.load(text, own=["billing"])
    assert settings.gates == {"billing": Own(values={"cards": 3})}
    assert settings.known_gates[-1] == "billing"


def test_required_gate_without_a_table_is_left_to_the_decision(folder: Folder) -> None:
    """It is a NO-GO, with its own reason, and not an error of the configuration."""
    assert folder.load(f"{MINIMAL}[policy]\nrequired = ['redis']\n").policy.required == ["redis"]


def test_password_in_the_file_is_hidden_where_it_can_be(folder: Folder) -> None:
    """A password that is written out is kept out of the output too, unless it is a word that reports need."""
    folder.load(f"{MINIMAL}database.url = 'postgresql://me:pg-7c1e55@h/n'\nredis.url = 'redis://:postgres@h/0'\n")
    folder.load(f"{MINIMAL}headers = {{ Authorization = 'Bearer tok-77aa', Accept = 'application/json' }}\n")
    shown = "pg-7c1e55 tok-77aa postgres application/json Bearer"
    assert folder.redactor.redact(shown) == "*** *** postgres application/json Bearer"


def test_loading_reads_no_environment_variable(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only those that are handed in count."""
    monkeypatch.setenv("SHOP_TOKEN", "correct horse")
    assert "SHOP_TOKEN is not set" in folder.lines(f"{MINIMAL}headers.A = '${{SHOP_TOKEN}}'\n")[0]


def test_byte_order_mark_is_ignored(folder: Folder) -> None:
    """Some editors write one."""
    assert folder.load(f"\ufeff{MINIMAL}").service.name == "shop"
