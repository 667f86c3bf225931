"""What a path says of its file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.static.paths import PathClass, environment_of, is_production_environment, path_class


@pytest.mark.parametrize(
    ("kind", "paths"),
    [
        (
            "production",
            "app/main.py src/template.py web/index.tsx Gemfile app/testing_ground.py app/settings/production.py",
        ),
        (
            "config",
            "Dockerfile .env .env.production k8s/deployment.yaml requirements.txt pyproject.toml alembic.ini overlays/test/a.yaml",
        ),
        ("docs", "README.md docs/a.yaml docs/requirements.txt runbooks/a.txt notes.txt LICENSE guide.rst"),
        (
            "tests",
            "tests/a.py test_a.py a_test.go conftest.py web/a.spec.ts tests/prod/values.yaml pkg/testdata/a.json",
        ),
        ("examples", ".env.example config.sample.yaml examples/k8s/a.yaml example.env phpunit.xml.dist .env.template"),
        ("generated", "poetry.lock package-lock.json web/dist/a.js a.min.js api_pb2.py go.sum"),
        ("vendored", "vendor/a.go web/node_modules/a/package.json third_party/a.c tests/vendor/a.py"),
    ],
)
def test_path_class(kind: str, paths: str) -> None:
    """The class is read off folders and name; vendored before generated before tests before examples before docs."""
    assert {path: path_class(path) for path in paths.split()} == dict.fromkeys(paths.split(), PathClass(kind))


@pytest.mark.parametrize(
    ("environment", "paths"),
    [
        (
            "production",
            "values-prod.yaml .env.production .env.production.local prod.env k8s/overlays/prod/a.yaml config/production.toml",
        ),
        (
            "production",
            "app/settings/production.py k8s/prod/a.yaml values-prod-eu.yaml config/prd.json PROD.env deploy/live/a.yaml",
        ),
        ("staging", "docker-compose.staging.yml .env.stg environments/stage/values.yaml"),
        ("preproduction", "values.pre-prod.yaml preprod.yaml"),
        ("development", ".env.dev config/development.json docker-compose.dev.yml"),
        ("test", "config/test.toml overlays/test/a.yaml"),
        ("local", ".env.local settings.local.json"),
        (
            None,
            ".env .env.example docker-compose.yml values.yaml src/local.py README.md live-reload.yaml dev/tool.yaml",
        ),
        (None, ".github/workflows/deploy-prod.yml app/production_line.py product.yaml reproduction.yaml web/a.test.js"),
    ],
)
def test_environment_of(environment: str | None, paths: str) -> None:
    """The environment is read off the name, then off the folders from the inside; a word that only contains one is none."""
    assert {path: environment_of(path) for path in paths.split()} == dict.fromkeys(paths.split(), environment)


def test_is_production_environment() -> None:
    """Every spelling of production counts, and nothing that comes before it."""
    assert all(map(is_production_environment, ("production", "prod", "PRD", "live", "prod-eu", "eu_production")))
    assert not any(
        map(
            is_production_environment,
            ("", "staging", "pre-prod", "preprod", "non-production", "local", "product", "prod-like"),
        )
    )


@given(st.text(max_size=200))
def test_any_path_has_a_class(path: str) -> None:
    """Whatever a file is called, it has one class, and an environment or none."""
    assert path_class(path) in PathClass
    assert environment_of(path) is None or environment_of(path)
