"""Drift between the files of different environments, and variables that are read and set nowhere."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.static.config_lint.drift import conclude, drift_facts, wants
from readiness.static.config_lint.drift_families import bases_of, family_of
from readiness.static.config_lint.drift_reads import javascript_reads, python_reads, substituted
from readiness.static.source import Source
from tests.static.config_lint.cases import PRODUCTION, Cases, lint, rules_in, severities

COMMON = "A=1\nB=2\nC=3\n"
ENV, STAGING, EXAMPLE = ".env.production", ".env.staging", ".env.example"
READS_X = "import os\nX = os.environ['PAYMENT_URL']\n"
HAS_X = COMMON + "PAYMENT_URL=https://pay.test\n"
VALUES = "web: {a: 1, b: 2}\nlog: info\n"
SETTINGS = "from pydantic_settings import BaseSettings\nclass Settings(BaseSettings):\n    payment_url: str\n    retries: int = 3\n"
COMPOSE = "services: {api: {image: 'a:1', environment: {URL: '${PAYMENT_URL}'}}}\n"
TABLE = {
    "drift-key": Cases(
        (
            {ENV: COMMON, STAGING: HAS_X},
            {"values-prod.yaml": VALUES, "values-staging.yaml": VALUES + "cache: {size: 1}\n"},
            {"config/production.toml": "a = 1\n[b]\nc = 1\n", "config/staging.toml": "a = 1\n[b]\nc = 1\nd = 2\n"},
            {"envs/prod/app.json": '{"a": 1, "b": 2}', "envs/staging/app.json": '{"a": 1, "b": 2, "c": 3}'},
            {"values.yaml": VALUES, "values-prod.yaml": "log: warning\n", "values-staging.yaml": "log: info\ntrace: 1\n"},
        ),
        (
            {ENV: COMMON, STAGING: COMMON.replace("1", "2")},
            {ENV: COMMON, STAGING: HAS_X, ".env": "PAYMENT_URL=https://pay.test\n"},
            {"values.yaml": VALUES, "values-prod.yaml": "log: warning\n", "values-staging.yaml": "web: {a: 3}\n"},
            {"values-prod.yaml": "a: 1\n", "values-staging.yaml": VALUES},  # an override is not expected to have everything
            {"docker-compose.prod.yml": "services: {a: {image: 'a:1'}}\n", "docker-compose.staging.yml": "services: {a: {image: 'a:1'}, b: {image: 'b:1'}}\n"},
            {"a/.env.production": COMMON, "b/.env.staging": HAS_X},
        ),
    ),
    "drift-sample": Cases(
        ({ENV: COMMON, EXAMPLE: HAS_X}, {ENV: HAS_X, EXAMPLE: COMMON}),
        ({ENV: COMMON, EXAMPLE: COMMON}, {ENV: COMMON, EXAMPLE: HAS_X, ".env": "PAYMENT_URL=a\n"}, {ENV: COMMON, "web/.env.example": HAS_X}),
    ),
    "drift-missing": Cases(
        (
            {ENV: COMMON, STAGING: HAS_X, "app.py": READS_X},
            {ENV: COMMON, EXAMPLE: HAS_X, "settings.py": SETTINGS},
            {ENV: COMMON, STAGING: HAS_X, "docker-compose.yml": COMPOSE},
            {ENV: COMMON, STAGING: HAS_X, "web/index.ts": "const url = process.env.PAYMENT_URL!\n"},
        ),
        (
            {ENV: HAS_X, STAGING: HAS_X, "app.py": READS_X},
            {ENV: COMMON, STAGING: HAS_X, "app.py": "import os\nX = os.getenv('PAYMENT_URL', 'https://pay.test')\n"},
            {ENV: COMMON, STAGING: HAS_X, "tests/app.py": READS_X},
            {ENV: COMMON, STAGING: HAS_X, "app.py": READS_X, "Dockerfile": "FROM a:1\nENV PAYMENT_URL=https://pay.test\n"},
            {ENV: COMMON, STAGING: HAS_X, "app.py": READS_X, "k8s/overlays/prod/a.yaml": "apiVersion: v1\nkind: ConfigMap\ndata: {PAYMENT_URL: a}\n"},
            {ENV: HAS_X, STAGING: COMMON, "app.py": READS_X},  # staging lacks it
        ),
    ),
    "undefined-variable": Cases(
        ({EXAMPLE: COMMON, "app.py": READS_X}, {".env": COMMON, "settings.py": SETTINGS}, {EXAMPLE: COMMON, "docker-compose.yml": COMPOSE}),
        (
            {"app.py": READS_X},  # a library
            {EXAMPLE: HAS_X, "app.py": READS_X},
            {EXAMPLE: COMMON, "app.py": "import os\nHOME = os.environ['HOME']\n"},
            {EXAMPLE: COMMON, "scripts/app.py": READS_X},
            {EXAMPLE: COMMON, "app.py": READS_X, "fly.toml": "[env]\nPAYMENT_URL = 'https://pay.test'\n"},
            {EXAMPLE: COMMON, "app.py": READS_X, ".github/workflows/a.yml": "on: push\njobs: {a: {env: {PAYMENT_URL: a}}}\n"},
            {EXAMPLE: COMMON, "docker-compose.yml": COMPOSE.replace("URL}", "URL:-x}")},
        ),
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


def test_only_what_production_needs_blocks() -> None:
    """A variable that is read without a default and that production lacks blocks; that a key is missing warns."""
    assert severities({ENV: COMMON, STAGING: HAS_X, "app.py": READS_X}, "drift-missing") == ["blocking"]
    assert severities({ENV: COMMON, STAGING: HAS_X}, "drift-key") == ["advisory"]
    assert severities({EXAMPLE: COMMON, "app.py": READS_X}, "undefined-variable") == ["advisory"]


def test_what_only_development_has_is_listed() -> None:
    """A key of development's own, and one that development lacks, is mostly meant."""
    files = {ENV: COMMON, ".env.development": HAS_X}
    assert severities(files, "drift-key") == ["information"]
    assert severities({ENV: HAS_X, ".env.development": COMMON}, "drift-key") == ["information"]


def test_read_without_a_value_is_listed() -> None:
    """`os.getenv` without a default goes on with None, which may be meant."""
    files = {EXAMPLE: COMMON, "app.py": "import os\nX = os.getenv('PAYMENT_URL')\n"}
    assert severities(files, "undefined-variable") == ["information"]


def test_variables_from_outside_are_not_known_to_be_missing() -> None:
    """Where a manifest takes all keys of a secret, what they are is not in the repository."""
    pod = (
        "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a, image: 'b:1', envFrom: [{secretRef: {name: c}}]}]}\n"
    )
    files = {EXAMPLE: COMMON, "app.py": READS_X, "k8s/a.yaml": pod}
    assert severities(files, "undefined-variable") == ["information"]


def test_comment_with_a_reason_accepts_what_several_files_show() -> None:
    """A comment at the place of a finding counts as well where other files have a say in it."""
    read = "import os\nX = os.environ['PAYMENT_URL']  # readiness: allow config-lint/undefined-variable -- set by the platform\n"
    assert "undefined-variable" not in rules_in({EXAMPLE: COMMON, "app.py": read})
    pod = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: b  # readiness: allow config-lint/image-tag -- a test\n"
    assert "image-tag" not in rules_in({"k8s/a.yaml": pod})
    assert "image-tag" in rules_in({"k8s/a.yaml": pod.replace(" -- a test", "")})


def test_missing_mapping_is_one_finding() -> None:
    """A whole mapping that is missing is named once, not once for each of its keys."""
    files = {"values-prod.yaml": VALUES, "values-staging.yaml": VALUES + "cache: {size: 1, ttl: {a: 1}}\n"}
    texts = [hit.text for _, hit in lint(files) if hit.rule.endswith("drift-key")]
    assert texts == ["cache is missing, which values-staging.yaml has"]


def test_finding_says_who_reads_and_who_has() -> None:
    """The place that reads it and the file that has it stand in the finding, its value does not."""
    files = {ENV: COMMON, STAGING: HAS_X, "app.py": READS_X}
    ((path, hit),) = [each for each in lint(files) if each[1].rule.endswith("drift-missing")]
    assert path == ENV
    assert hit.text == "PAYMENT_URL is missing; app.py:2 reads it without a default, and .env.staging has it"
    assert "pay.test" not in json.dumps(
        [drift_facts(Source(name, text.encode()), PRODUCTION) for name, text in files.items()]
    )


def test_each_key_is_told_once() -> None:
    """What blocks in production's file is not said again of the sample or of the reader."""
    files = {ENV: COMMON, STAGING: HAS_X, EXAMPLE: HAS_X, "app.py": READS_X}
    assert [hit.rule for path, hit in lint(files) if "PAYMENT_URL" in hit.text] == ["config-lint/drift-missing"]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import os\nos.environ['A']", [("A", True)]),
        ("from os import environ\nenviron['A']", [("A", True)]),
        ("import os\nos.environ.get('A')", [("A", False)]),
        ("import os\nos.getenv('A') or 'x'", []),
        ("import os\nos.environ.get('A', None)", []),
        ("import os\ntry:\n    os.environ['A']\nexcept KeyError:\n    pass", [("A", False)]),
        ("import os\nif 'A' in os.environ:\n    os.environ['A']", []),
        ("import os\nos.environ['A'] = 'b'", []),
        ("import os\nos.environ[name]", []),
        ("class S(BaseSettings):\n    a: str\n    b: int = 1\n    c: str = Field(...)\n    d: str = Field('x')\n    _e: str", [("A", True), ("C", True)]),
        ("class S(BaseSettings):\n    model_config = SettingsConfigDict(env_prefix='APP_')\n    a: str", [("APP_A", True)]),
        ("class S(BaseSettings):\n    a: str = Field(validation_alias='OTHER')\n    b: ClassVar[str]", [("OTHER", True)]),
        ("from decouple import config\nconfig('AA')\nconfig('BB', default=1)\nconfig('lower')", [("AA", True)]),
        ("import environ\nenv = environ.Env()\nenv('AA')\nenv.int('BB')\nenv('CC', default=1)", [("AA", True), ("BB", True)]),
        ("os.environ['A'", []),
        ("import os\nrequest.environ['REQUEST_METHOD']\nenviron['PATH_INFO']", []),
        ("os.environ" + "(" * 300, []),
    ],
)  # fmt: skip
def test_python_reads(code: str, expected: list[tuple[str, bool]]) -> None:
    """Reads without a default are found in every usual form; those that are guarded are not needed."""
    assert [(read.name, read.is_needed) for read in python_reads(code.encode())[0]] == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("process.env.A", [("A", False)]),
        ("process.env['A']!", [("A", True)]),
        ("import.meta.env.VITE_A;", [("VITE_A", False)]),
        ("process.env.A || 'x'; process.env.B ?? 1; process.env.C === 'a'", []),
        ("// process.env.A", []),
        ("process.env.A = 'b'", []),
        ("import.meta.env.PROD", []),
        ("x" * 5000 + "process.env.A", []),
    ],
)
def test_javascript_reads(code: str, expected: list[tuple[str, bool]]) -> None:
    """Reads without a default are found; a comparison needs no value."""
    assert [(read.name, read.is_needed) for read in javascript_reads(code.encode())] == expected


def test_substituted() -> None:
    """Variables of compose, each with whether it has a default; two dollars are one."""
    text = "$A ${B} ${C:-x} ${D-x} ${E:?needed} $$F $${G} ${H:+x}"
    assert list(substituted(text)) == [("A", False), ("B", False), ("C", True), ("D", True), ("E", False), ("H", True)]


@pytest.mark.parametrize(
    ("path", "family"),
    [
        (".env.production", ".env.*"),
        ("a/values-prod.yaml", "a/values-*.yaml"),
        ("config/staging.toml", "config/*.toml"),
        ("envs/prod/app.json", "envs/*/app.json"),
        (".env.production.local", None),
        (".env", None),
        ("values.yaml", None),
    ],
)
def test_family(path: str, family: str | None) -> None:
    """Files of one family differ by their environment alone."""
    assert family_of(path) == family


def test_bases() -> None:
    """The common file has the family's name without an environment, or a name that says that it is common."""
    assert ".env" in bases_of(".env.*")
    assert "values.yaml" in bases_of("values-*.yaml")
    assert "config/default.toml" in bases_of("config/*.toml")
    assert "appsettings.json" in bases_of("appsettings.*.json")


def test_wants_code_and_images() -> None:
    """Besides what is parsed, code that can read variables and images that set them."""
    assert all(map(wants, ("a.py", "a.ts", "a/Dockerfile", "api.Dockerfile", "Dockerfile.prod")))
    assert not any(map(wants, ("a.md", "a.png", "Dockerfile/a.txt")))


def test_many_files_and_keys_are_bounded() -> None:
    """A thousand keys that are missing are so many and a number, and a large file costs what its size costs."""
    keys = "".join(f"K{number}=1\n" for number in range(900))
    files = {
        ENV: "".join(f"L{number}=1\n" for number in range(1000)),
        STAGING: "".join(f"L{number}=1\n" for number in range(1000)) + keys,
    }
    before = time.process_time()
    found = [hit for _, hit in lint(files) if hit.rule.endswith("drift-key")]
    assert len(found) == 26
    assert found[-1].text == "875 more keys like these"
    assert time.process_time() - before < 5


@given(
    st.binary(max_size=500),
    st.sampled_from(
        [ENV, "a.py", "a.ts", "Dockerfile", "values-prod.yaml", "docker-compose.yml", "kustomization.yaml"]
    ),
)
def test_no_content_crashes(data: bytes, path: str) -> None:
    """Whatever a file holds, its facts are JSON, and conclusions can be drawn from them."""
    facts = json.loads(json.dumps(drift_facts(Source(path, data), PRODUCTION)))
    list(conclude({path: facts} if facts else {}, PRODUCTION))
