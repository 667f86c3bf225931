"""`readiness init`: what is found in repositories, tame and hostile, and that what is written is a configuration."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from readiness import cli
from readiness.config.loading import load
from readiness.config.model import Embedded, Health, Live, Settings
from readiness.config.schema import config_schema
from readiness.gate import builtin_gates
from readiness.redact import Redactor
from readiness.scaffold import files
from readiness.scaffold.deployment import read_services
from readiness.scaffold.draft import FILL, Draft, draft
from readiness.scaffold.routes import is_health
from readiness.scaffold.survey import Survey, survey
from readiness.scaffold.toml import shown, string, strings

KIT = Path(__file__).parent.parent / "examples" / "compliance-kit"
FILES = ["config-lint", "placeholder-audit", "security-scan"]
NOBODY = 65534
VALIDATOR = jsonschema.Draft202012Validator(config_schema(builtin_gates()))

FASTAPI = """
from fastapi import FastAPI
app = FastAPI()

@app.get("/healthz")
def healthz(): return {}
"""
FLASK = """
from flask import Flask

def create_app(config=None):
    app = Flask(__name__)

    @app.route("/health")
    def health(): return {}

    return app
"""
MANAGE = """
import os, sys
def main():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("admin/", admin.site.urls), path("api/", include("orders.urls")), path("ht/", include("health_check.urls"))]
"""
STARLETTE = """
from starlette.applications import Starlette
from starlette.routing import Mount, Route
app = Starlette(routes=[Route("/livez", live), Mount("/inner", routes=[Route("/readyz", ready)])])
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty repository, out of reach of any git repository above it."""
    folder = tmp_path / "shop"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "config").write_text("[core]\n")
    return folder


def write(root: Path, tree: dict[str, str]) -> None:
    for name, text in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def made(root: Path, tree: dict[str, str] | None = None) -> tuple[Survey, Draft, dict[str, Any]]:
    """What is found in the repository, what is written for it, and that as a document."""
    write(root, tree or {})
    seen = survey(root)
    written = draft(seen, builtin_gates())
    return seen, written, tomllib.loads(written.text)


def loaded(root: Path, written: Draft, environment: str = "local", **environ: str) -> Settings:
    """What the loader makes of it, as a run would."""
    (root / "readiness.toml").write_text(written.text, "utf-8")
    return load(environment, start=root, path=None, environ=environ, gates=builtin_gates(), redactor=Redactor())


def command(document: dict[str, Any]) -> list[str]:
    found: list[str] = document["env"]["local"]["service"]
    return found


def paths(document: dict[str, Any]) -> list[str]:
    found: list[str] = document["health"]["endpoints"]
    return found


# --- frameworks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"main.py": FASTAPI}, ["uvicorn", "main:app", "--port", "{port}"]),
        ({"app/__init__.py": "", "app/main.py": FASTAPI}, ["uvicorn", "app.main:app", "--port", "{port}"]),
        ({"app/main.py": FASTAPI}, ["uvicorn", "app.main:app", "--port", "{port}"]),
        (
            {"app/main.py": f"from routes import orders\n{FASTAPI}", "app/routes.py": "orders = 1"},
            ["uvicorn", "--app-dir", "app", "main:app", "--port", "{port}"],
        ),
        (
            {"src/shop/__init__.py": "", "src/shop/api.py": f"from . import x\n{FASTAPI}"},
            ["uvicorn", "--app-dir", "src", "shop.api:app", "--port", "{port}"],
        ),
        (
            {"backend/requirements.txt": "fastapi", "backend/app/__init__.py": "", "backend/app/main.py": FASTAPI},
            ["sh", "-c", "cd backend && exec uvicorn app.main:app --port '{port}'"],
        ),
        (
            {"backend/requirements.txt": "flask", "backend/web.py": FLASK},
            ["sh", "-c", "cd backend && exec flask --app web:create_app run --port '{port}'"],
        ),
        ({"my service/main.py": FASTAPI}, ["uvicorn", "--app-dir", "my service", "main:app", "--port", "{port}"]),
        (
            {"main.py": "import fastapi\ndef make() -> fastapi.FastAPI: ...\n"},
            ["uvicorn", "main:make", "--factory", "--port", "{port}"],
        ),
        (
            {
                "web/__init__.py": "from .factory import make",
                "web/factory.py": "from fastapi import FastAPI as F\ndef make(x):\n    a = F()\n    return a\n",
                "asgi.py": "from web import make\nif True:\n    application = make(1)\n",
            },
            ["uvicorn", "asgi:application", "--port", "{port}"],
        ),
        ({"serve.py": STARLETTE}, ["uvicorn", "serve:app", "--port", "{port}"]),
        ({"web.py": FLASK}, ["flask", "--app", "web:create_app", "run", "--port", "{port}"]),
        (
            {"web.py": FLASK, "wsgi.py": "from web import create_app\napp = create_app()"},
            ["flask", "--app", "wsgi:app", "run", "--port", "{port}"],
        ),
        ({"manage.py": MANAGE}, ["python", "manage.py", "runserver", "127.0.0.1:{port}", "--noreload"]),
        (
            {"site/manage.py": MANAGE},
            ["sh", "-c", "cd site && exec python manage.py runserver '127.0.0.1:{port}' --noreload"],
        ),
        (
            {"shop/asgi.py": "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()"},
            ["uvicorn", "shop.asgi:application", "--port", "{port}"],
        ),
        (
            {"shop/wsgi.py": "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()"},
            ["gunicorn", "shop.wsgi:application", "--bind", "127.0.0.1:{port}"],
        ),
        (
            {"one.py": FASTAPI, "two.py": FASTAPI, "Dockerfile": 'CMD ["uvicorn", \\\n  "two:app", "--port", "80"]'},
            ["uvicorn", "two:app", "--port", "{port}"],
        ),
        (
            {"site.py": "app = build()", "Procfile": "web: gunicorn -b unix:app.sock site:app"},
            ["gunicorn", "site:app", "--bind", "127.0.0.1:{port}"],
        ),
        (
            {"main.py": FASTAPI, "tests/main.py": FASTAPI, "examples/a/main.py": FASTAPI, ".venv/x/main.py": FASTAPI},
            ["uvicorn", "main:app", "--port", "{port}"],
        ),
    ],
)
def test_application_is_started_with_its_server(root: Path, tree: dict[str, str], expected: list[str]) -> None:
    """The command serves the application of each framework, wherever its imports start from."""
    _, written, document = made(root, tree)
    assert command(document) == expected
    assert "{port}" in " ".join(command(document))
    if "endpoints" in document["health"]:
        where = loaded(root, written).where
        assert isinstance(where, Embedded)
        assert where.service == expected


def test_django_is_migrated_and_its_urls_are_followed(root: Path) -> None:
    """A Django project is migrated before it starts; paths have the prefix under which their module is included."""
    seen, _, document = made(
        root,
        {
            "manage.py": MANAGE,
            "shop/__init__.py": "",
            "shop/urls.py": URLS,
            "shop/asgi.py": "from django.core.asgi import get_asgi_application\napplication = get_asgi_application()",
            "orders/urls.py": 'from django.urls import path, re_path\nurlpatterns = [path("health/", v), re_path(r"^livez$", v)]',
            "shop/settings.py": 'DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}',
        },
    )
    assert document["env"]["local"]["prepare"] == [["python", "manage.py", "migrate", "--noinput"]]
    assert sorted(paths(document)) == ["/api/health/", "/api/livez", "/ht/"]
    assert "database" in document
    assert seen.starts[0].app.settings == "shop.settings"


def test_other_applications_are_named(root: Path) -> None:
    """Of several applications the outermost is taken, and the others stand in a comment."""
    _, written, document = made(root, {"main.py": FASTAPI, "admin/main.py": FASTAPI})
    assert command(document)[1] == "main:app"
    assert "# Also found: admin.main:app (FastAPI, admin/main.py)" in written.text


def test_application_of_a_deployment_file_that_is_not_here_is_a_line_to_fill_in(root: Path) -> None:
    """A command that names a module which does not exist here is a suggestion, not a value."""
    _, written, document = made(root, {"Procfile": "web: uvicorn gone.main:app"})
    assert "service" not in document["env"]["local"]
    assert any("gone.main:app" in text and "Procfile" in text for _, text in written.fill)


# --- health endpoints ---------------------------------------------------------------------------------------------

ROUTER = 'from fastapi import APIRouter\nrouter = APIRouter(prefix="/health")\n@router.get("/ready")\ndef r(): ...\n'
BLUEPRINT = 'from flask import Blueprint\nbp = Blueprint("b", __name__, url_prefix="/own")\n@bp.route("/health")\ndef h(): ...\n'


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"a.py": 'app.add_api_route("/health", f)'}, ["/health"]),
        ({"a.py": 'app.add_url_rule(rule="/healthz", view_func=f)'}, ["/healthz"]),
        ({"a.py": '@app.route("/health", methods=["POST"])\ndef f(): ...'}, []),
        ({"a.py": '@app.route("/health", methods=["GET", "POST"])\ndef f(): ...'}, ["/health"]),
        ({"a.py": '@app.get("/health/{name}")\ndef f(): ...'}, []),
        ({"a.py": '@app.get("/health of things")\ndef f(): ...'}, []),
        ({"a.py": STARLETTE}, ["/livez"]),
        ({"a.py": ROUTER}, ["/health/ready"]),
        ({"a.py": ROUTER, "m.py": 'import a\napp.include_router(a.router, prefix="/v1")'}, ["/v1/health/ready"]),
        ({"p/__init__.py": "from .a import router", "p/a.py": ROUTER, "m.py": 'from p import router\napp.include_router(router, prefix="/v1")'}, ["/v1/health/ready"]),
        (
            {
                "a.py": ROUTER,
                "b.py": 'from fastapi import APIRouter\nimport a\ntop = APIRouter()\ntop.include_router(a.router, prefix="/x")',
                "m.py": 'from b import top\napp.include_router(top, prefix="/api")',
            },
            ["/api/x/health/ready"],
        ),
        ({"a.py": BLUEPRINT}, ["/own/health"]),
        ({"a.py": BLUEPRINT, "m.py": 'from a import bp\napp.register_blueprint(bp)'}, ["/own/health"]),
        ({"a.py": BLUEPRINT, "m.py": 'from a import bp\napp.register_blueprint(bp, url_prefix="/new")'}, ["/new/health"]),
        ({"a.py": ROUTER, "m.py": 'import a\napp.mount("/sub", sub)\nsub.include_router(a.router)'}, ["/sub/health/ready"]),
        ({"tests/a.py": '@app.get("/health")\ndef f(): ...'}, []),
    ],
)  # fmt: skip
def test_health_endpoints_have_their_whole_path(root: Path, tree: dict[str, str], expected: list[str]) -> None:
    """A path is written with each prefix above it, and only where a GET without parameters answers."""
    seen, _, document = made(root, tree)
    assert document["health"].get("endpoints", []) == expected
    assert seen.endpoints.uncertain == ()


@pytest.mark.parametrize(
    "include",
    [
        "import a\napp.include_router(a.router, prefix=settings.PREFIX)",
        'for each in ROUTERS:\n    app.include_router(each, prefix="/v1")',
        'app.include_router(find_router(), prefix="/v1")',
    ],
)
def test_computed_prefixes_are_not_guessed(root: Path, include: str) -> None:
    """A path below a prefix that only a run knows is shown in a comment, and the endpoints are to be filled in."""
    _, written, document = made(root, {"a.py": ROUTER, "m.py": include})
    assert "endpoints" not in document["health"]
    assert "below a prefix that is computed: /health/ready (a.py:3)" in written.text
    assert any("endpoints" in text for _, text in written.fill)


def test_routers_that_include_each_other_end(root: Path) -> None:
    """A circle of routers has no path, and is no endless loop."""
    circle = "".join(f"b.include_router(c, prefix='/{n}')\nc.include_router(b, prefix='/{n}')\n" for n in range(200))
    lines = (
        f'from fastapi import APIRouter\nb = APIRouter()\nc = APIRouter()\n{circle}@b.get("/health")\ndef f(): ...\n'
    )
    seen, *_ = made(root, {"a.py": lines})
    assert seen.endpoints.certain == ()


@pytest.mark.parametrize("path", ["/health", "/healthz", "/health/db", "/api/v1/health-check", "/livez", "/ready", "/ping", "/__heartbeat__", "/Health/"])  # fmt: skip
def test_path_is_about_health(path: str) -> None:
    """The usual names of health endpoints are known."""
    assert is_health(path)


@pytest.mark.parametrize(
    "path", ["/", "/orders/status", "/healthcare", "/users/ready", "/wealth", "/feature-flags/status"]
)
def test_path_is_not_about_health(path: str) -> None:
    """Names that only sound alike are left alone."""
    assert not is_health(path)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["/health", "/health/live", "/health/ready"], "/health/ready"),
        (["/healthz", "/livez", "/readyz"], "/readyz"),
        (["/health/"], "/health/"),
        (["/livez", "/health"], "/health"),
        (["/api/health", "/api/readiness"], "/api/readiness"),
        (["/livez"], "/livez"),
    ],
)
def test_ready_is_the_path_that_tells_most(root: Path, found: list[str], expected: str) -> None:
    """Readiness before health, health before liveness."""
    source = "".join(f'@app.get("{path}")\ndef f{n}(): ...\n' for n, path in enumerate(found))
    _, _, document = made(root, {"a.py": source})
    assert document["env"]["local"]["ready"] == expected


# --- stores, migrations, people ------------------------------------------------------------------------------------

COMPOSE = """
version: "3.9"  # old
x-common: &common
  image: not/this
services:
  db:
    image: "registry:5000/postgres:16-alpine"   # the database
    environment:
      POSTGRES_PASSWORD: hunter2-not-to-be-copied
    ports: ["5432:5432"]
  'cache':
      image: redis:7.2
  web:
    build: .
    command:
    - uvicorn
    - shop.main:app
    - --token=hunter2-not-to-be-copied
    depends_on:
      - db
volumes:
  data:
    image: postgres:9
"""


def test_compose_file_is_read_by_its_indentation() -> None:
    """Names, images and commands of services come out; the rest is passed over."""
    services = read_services(COMPOSE, "compose.yaml")
    assert [(each.name, each.image) for each in services] == [
        ("db", "registry:5000/postgres:16-alpine"),
        ("cache", "redis:7.2"),
        ("web", ""),
    ]
    assert services[2].command == " uvicorn shop.main:app --token=hunter2-not-to-be-copied"


def test_compose_file_tells_stores_versions_and_application(root: Path) -> None:
    """Versions become limits that the servers of a local run can satisfy; staging gets the real one."""
    seen, written, document = made(
        root, {"docker-compose.yml": COMPOSE, "shop/main.py": FASTAPI, "shop/a.py": FASTAPI, "aaa.py": FASTAPI}
    )
    assert seen.postgres is not None
    assert seen.postgres.where == "docker-compose.yml runs postgres:16-alpine"
    assert document["database"]["server-version"] == ">=16"
    assert document["redis"]["server-version"] == ">=6"
    assert '# redis.server-version = ">=7"' in written.text
    assert command(document)[1] == "shop.main:app"
    assert "hunter2" not in written.text


@pytest.mark.parametrize(
    ("image", "major"),
    [
        ("postgres", None),
        ("postgres:latest", None),
        ("postgres:17.2-bookworm", 17),
        ("postgis/postgis:15-3.4", 15),
        ("timescale/timescaledb:2.14.2-pg16", 16),
        ("pgvector/pgvector:pg17", 17),
        ("postgres:${VERSION:-16}", None),
        ("postgres@sha256:0123", None),
    ],
)
def test_major_version_is_that_of_postgresql(root: Path, image: str, major: int | None) -> None:
    """A tag is read as that image writes it; what it does not tell is left open."""
    seen, *_ = made(root, {"compose.yml": f"services:\n  db:\n    image: {image}\n"})
    assert seen.postgres is not None
    assert seen.postgres.major == major


@pytest.mark.parametrize(
    ("tree", "stores"),
    [
        ({"requirements.txt": "psycopg[binary]>=3\nredis==5"}, {"database", "redis"}),
        ({"requirements/base.txt": "asyncpg"}, {"database"}),
        ({"pyproject.toml": '[project]\nname="x"\ndependencies=["psycopg2-binary>=2"]'}, {"database"}),
        ({"pyproject.toml": '[tool.poetry.dependencies]\nredis = "*"'}, {"redis"}),
        ({"a.py": "import redis.asyncio"}, {"redis"}),
        ({"a.py": 'URL = "postgresql+asyncpg://"'}, {"database"}),
        ({".env.example": "REDIS_URL=redis://x\nPOSTGRES_DB=y"}, {"database", "redis"}),
        ({"requirements.txt": "# psycopg\nmysqlclient", "tests/a.py": "import redis"}, set()),
    ],
)
def test_stores_are_seen_where_they_are_asked_for(root: Path, tree: dict[str, str], stores: set[str]) -> None:
    """A driver, an image or a variable's name is enough; a gate is written for each store, and required."""
    _, _, document = made(root, tree)
    assert {"database", "redis"} & set(document) == stores
    assert set(document["policy"]["required"]) == {*FILES, "health", *stores}


@pytest.mark.parametrize(
    ("tree", "prepare", "location"),
    [
        ({"alembic.ini": "[alembic]\nscript_location = migrations"}, [["alembic", "upgrade", "head"]], "migrations"),
        ({"alembic.ini": "[alembic]\nscript_location = %(here)s/db"}, [["alembic", "upgrade", "head"]], "db"),
        ({"alembic.ini": "[alembic]\nscript_location = shop:db"}, [["alembic", "upgrade", "head"]], ""),
        ({"alembic.ini": "[alembic]\nscript_location = ../out"}, [["alembic", "upgrade", "head"]], ""),
        ({"pyproject.toml": '[tool.alembic]\nscript_location = "db"'}, [["alembic", "upgrade", "head"]], "db"),
        (
            {"a b/alembic.ini": "[alembic]\nscript_location = db", "a b/main.py": FASTAPI, "other/alembic.ini": "[alembic]\nscript_location = x"},
            [["sh", "-c", "cd 'a b' && alembic upgrade head"]],
            "a b/db",
        ),
        ({"alembic.ini": "no section"}, None, None),
        ({"tests/alembic.ini": "[alembic]\nscript_location = x"}, None, None),
    ],
)  # fmt: skip
def test_migrations_are_run_before_the_service(
    root: Path, tree: dict[str, str], prepare: list[list[str]] | None, location: str | None
) -> None:
    """The migrations of the application are run from the folder of their settings; others are named."""
    seen, written, document = made(root, {**tree, "requirements.txt": "psycopg"})
    assert document["env"]["local"].get("prepare") == prepare
    assert (seen.alembics[0].location if seen.alembics else None) == location
    if location:
        assert f'migrations = {{ tool = "alembic", path = "{location}" }}' in written.text
    assert ("other/alembic.ini" in written.text) == ("other/alembic.ini" in tree)


@pytest.mark.parametrize(
    ("tree", "owner"),
    [
        ({".github/CODEOWNERS": "# all\n*.js @web\n* @shop/platform @shop/other # us"}, "@shop/platform"),
        ({"RUNBOOK.md": "# Shop\n- **Owner**: Platform (platform@shop.test)"}, "platform@shop.test"),
        ({"pyproject.toml": '[project]\nname="x"\nauthors=[{name="Ann"}]'}, "Ann"),
        ({".git/config": '[remote "origin"]\n\turl = git@git.test:shop/web.git\n'}, "shop"),
        ({".git/config": '[remote "origin"]\n\turl = https://ann:hunter2@git.test/shop/web.git\n'}, "shop"),
        ({".git/config": '[remote "origin"]\n\turl = /srv/git/web.git\n'}, None),
        ({}, None),
    ],
)
def test_owner_is_who_the_repository_names(root: Path, tree: dict[str, str], owner: str | None) -> None:
    """CODEOWNERS, the runbook, the project's people, the remote's organisation, in this order; else to fill in."""
    _, written, document = made(root, tree)
    assert document["service"].get("owner") == owner
    assert any("owner" in text for _, text in written.fill) == (owner is None)
    assert "hunter2" not in written.text


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["docs/runbook.md", "docs/runbook-template.md", "ops/shop-runbook.md"], "docs/runbook.md"),
        (["RUNBOOK.md", "docs/a-runbook.md"], "RUNBOOK.md"),
        (["docs/runbooks/README.md"], "docs/runbooks/README.md"),
        (["examples/a/runbook.md", "runbook.py"], None),
    ],
)
def test_runbook_is_the_page_called_so(root: Path, names: list[str], expected: str | None) -> None:
    """The plainest name wins; templates and examples do not."""
    _, _, document = made(root, dict.fromkeys(names, "# Runbook"))
    assert document["service"].get("runbook") == expected


FLAGS = '{"flags": {"checkout": {"enabled": true, "rollout": {}}, "search": {"rollout": {}}}}'
FLAG_ROUTES = """
from fastapi import APIRouter, FastAPI
app = FastAPI()
router = APIRouter(prefix="/feature-flags")

@router.get("/status")
def status(): return {}

@router.get("/{name}")
def read(name): return {}

@router.post("/{name}/evaluate")
def evaluate(name): return {}

app.include_router(router, prefix="/api/v1")
"""


@pytest.mark.parametrize(
    "name", ["feature_flags/flags.json", "flags.json", "config/feature-flags.json", "flags/all.json"]
)
def test_flags_file_is_judged(root: Path, name: str) -> None:
    """Where nothing evaluates flags, their definitions are judged."""
    _, written, document = made(root, {name: FLAGS})
    assert document["flags"] == {"source": "file", "file": name, "required": ["checkout", "search"]}
    assert "flags" in document["policy"]["required"]
    assert f"feature flags {name}" in written.found


@pytest.mark.parametrize("text", ["{}", "[]", "", '{"flags": {"a": {"state": "ENABLED"}}}', '{"flags": []}'])
def test_flags_file_of_another_form_is_named_only(root: Path, text: str) -> None:
    """Nothing is promised that no check looks at."""
    _, written, document = made(root, {"flags.json": text})
    assert "# Also found: flags.json" in written.text
    assert "flags" not in document


@pytest.mark.parametrize("has_file", [True, False])
def test_flag_endpoints_are_asked(root: Path, has_file: bool) -> None:
    """The paths with their prefixes; which flags are required is in the file, or to be filled in."""
    _, written, document = made(root, {"main.py": FLAG_ROUTES, **({"flags.json": FLAGS} if has_file else {})})
    base = "/api/v1/feature-flags"
    paths = {"status": f"{base}/status", "flag": f"{base}/{{flag}}", "evaluate": f"{base}/{{flag}}/evaluate"}
    known = {"file": "flags.json", "required": ["checkout", "search"]} if has_file else {}
    assert document["flags"] == {"source": "http", **paths, **known}
    assert any(text.startswith("required") for _, text in written.fill) is not has_file


@pytest.mark.parametrize("gone", ["/status", "/{name}", "/{name}/evaluate"])
def test_half_an_api_of_flags_is_none(root: Path, gone: str) -> None:
    """A service that has no such endpoint would fail each check of the gate."""
    _, _, document = made(root, {"main.py": FLAG_ROUTES.replace(f'("{gone}")', '("/other")')})
    assert "flags" not in document


def test_only_names_of_variables_are_read(root: Path) -> None:
    """No value of an `.env` file is written or kept."""
    seen, written, _ = made(
        root, {".env": "export SEARCH_URL=hunter2\nDATABASE_URL = hunter2\nPASSWORD=hunter2\nlower_URL=1"}
    )
    assert set(seen.variables) == {"SEARCH_URL", "DATABASE_URL"}
    assert "# Named in .env and not set by the run: SEARCH_URL" in written.text
    assert "hunter2" not in repr(seen) + written.text


def test_a_database_that_nothing_can_find_is_said(root: Path) -> None:
    """A service that does not read DATABASE_URL would use another database than the one that is judged."""
    silent, reading = made(root, {"a.py": "import psycopg"})[1], made(root, {"b.py": 'os.environ["DATABASE_URL"]'})[1]
    assert "Nothing was found that reads DATABASE_URL" in silent.text
    assert "Nothing was found that reads DATABASE_URL" not in reading.text


# --- hostile repositories -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["app = (", "\0", "(" * 10_000 + ")" * 10_000, "app = FastAPI\n\tapp", "x = 1" + " + 1" * 50_000 + " # app =", "# coding: nonsense\napp = 1"],
)  # fmt: skip
def test_python_that_cannot_be_parsed_is_passed_over(root: Path, text: str) -> None:
    """One bad file costs nothing but itself."""
    _, _, document = made(root, {"bad.py": f"# fastapi\n{text}", "main.py": FASTAPI})
    assert command(document)[1] == "main:app"


def test_huge_file_is_not_read(root: Path) -> None:
    """Memory is bounded; that a file was left out is said."""
    with (root / "huge.py").open("wb") as file:
        file.write(b"# fastapi\n")
        file.truncate(10 * 2**30)
    seen, *_ = made(root, {"main.py": FASTAPI})
    assert seen.starts[0].target == "main:app"
    assert seen.notes == ("huge.py is larger than 512 KiB and was not read",)


def test_links_do_not_lead_out_or_round(root: Path, tmp_path: Path) -> None:
    """Loops end, and what lies outside of the repository is not read."""
    write(tmp_path, {"outside/main.py": FASTAPI, "outside/runbook.md": "# No"})
    write(root, {"real/service.py": FASTAPI})
    (root / "loop").symlink_to(root)
    (root / "self").symlink_to("self")
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "main.py").symlink_to(tmp_path / "outside" / "main.py")
    (root / "runbook.md").symlink_to(tmp_path / "outside" / "runbook.md")
    (root / "dangling.py").symlink_to("nowhere.py")
    seen, _, document = made(root)
    assert [start.app.file for start in seen.starts] == ["real/service.py"]
    assert "runbook" not in document["service"]


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_names_that_are_not_utf8_are_left_out(root: Path) -> None:
    """TOML could not hold them; that they were left out is said."""
    (root / os.fsdecode(b"caf\xe9-runbook.md")).write_text("# No")
    (root / os.fsdecode(b"\xff")).mkdir()
    seen, _, document = made(root, {"main.py": FASTAPI, "docs/Störung runbook.md": "# Yes"})
    assert document["service"]["runbook"] == "docs/Störung runbook.md"
    assert len(seen.notes) == 2
    assert "not UTF-8" in seen.notes[0]


def test_pipes_and_sockets_are_not_opened(root: Path) -> None:
    """Opening a pipe would wait for a writer for ever."""
    os.mkfifo(root / "main.py")
    os.mkfifo(root / "alembic.ini")
    seen, *_ = made(root)
    assert seen.is_empty


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """A folder that a user other than root can reach."""
    folder = Path(tempfile.mkdtemp(prefix="scaffold-", dir="/tmp"))  # wherever TMPDIR leads
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_what_may_not_be_read_is_said(readable_by_all: Path) -> None:
    """A file or a folder without permission costs nothing but itself."""
    write(readable_by_all, {"main.py": FASTAPI, "secret/a.py": FASTAPI, "alembic.ini": "[alembic]", ".git/config": ""})
    (readable_by_all / "secret").chmod(0)
    (readable_by_all / "alembic.ini").chmod(0)
    is_root = os.geteuid() == 0
    try:
        if is_root:
            os.seteuid(NOBODY)
        seen = survey(readable_by_all)
    finally:
        if is_root:
            os.seteuid(0)
        (readable_by_all / "secret").chmod(0o755)
    denied = os.strerror(errno.EACCES)
    assert seen.starts[0].target == "main:app"
    assert seen.notes == (f"secret cannot be read: {denied}", f"alembic.ini cannot be read: {denied}")


def test_number_of_files_is_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder full of data uses up its own share only; after the last bound the search ends, and says so."""
    monkeypatch.setattr(files, "MAX_PER_FOLDER", 20)
    write(root, {f"data/{number:03}.csv": "" for number in range(50)} | {"app/main.py": FASTAPI})
    seen, *_ = made(root)
    assert seen.starts[0].target == "app.main:app"
    assert seen.notes == ("data holds more than 20 entries: the rest was left out",)
    monkeypatch.setattr(files, "MAX_FILES", 10)
    assert any("stopped after 10 files" in note for note in survey(root).notes)


def test_time_is_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is over nothing more is read, and that is said."""
    monkeypatch.setattr(files, "MAX_SECONDS", 0.0)
    seen, _, _ = made(root, {"main.py": FASTAPI})
    assert any("stopped after" in note for note in seen.notes)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("runbook.md", "-" * 400_000 + "\n" + "owner " + "a" * 400_000),
        ("runbook.md", "\n" * 500_000),
        ("Procfile", "web: " + "uvicorn " * 60_000),
        ("compose.yml", "services:\n" + "  a: b\n" * 60_000),
        (".env", "A" * 500_000),
        (".git/config", '[remote "origin"]\n' * 20_000),
        ("a.py", "app" + " " * 500_000),
        ("pyproject.toml", "a = " + "[" * 100_000),
    ],
)
def test_no_text_makes_it_slow(root: Path, name: str, text: str) -> None:
    """No pattern takes more than linear time for a text that was made to be slow."""
    begun = time.process_time()
    made(root, {name: text})
    assert time.process_time() - begun < 3


# --- what the gates that read files look at ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"service.py": ""}, ["."]),
        ({"src/shop/api.py": "", "tests/test_api.py": "", "docs/conf.py": ""}, ["src"]),
        ({"billing/a.py": "", "shop/b.py": ""}, ["billing", "shop"]),
        ({f"{letter}/a.py": "" for letter in "abcdef"}, ["."]),
        ({"tests/test_api.py": "", "README.md": ""}, None),
    ],
)
def test_code_to_scan(root: Path, tree: dict[str, str], expected: list[str] | None) -> None:
    """The folders with Python that ships; a repository without it has no scanner of Python."""
    *_, document = made(root, tree)
    assert document["security-scan"].get("bandit", {}).get("paths") == expected


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        ({"uv.lock": "", "requirements.txt": ""}, {"lock": ["uv.lock"]}),
        ({"pylock.prod.toml": ""}, {"lock": ["pylock.prod.toml"]}),
        (
            {"requirements.txt": "", "requirements/prod.txt": "", "tests/requirements.txt": "", "requirements.in": ""},
            {"requirements": ["requirements.txt", "requirements/prod.txt"], "installed": True},
        ),
        (
            {"pyproject.toml": '[project]\nname = "shop"\ndependencies = ["httpx"]'},
            {"pyproject": ["pyproject.toml"], "installed": True},
        ),
        ({"pyproject.toml": '[project]\nname = "shop"'}, None),
    ],
)
def test_dependencies_are_proposed(root: Path, tree: dict[str, str], expected: dict[str, Any] | None) -> None:
    """As a comment, since where the advisories are is for people to say; uncommented it is valid with a database."""
    _, written, document = made(root, tree)
    assert "dependencies" not in document["security-scan"]
    assert ("# dependencies = " in written.text) is (expected is not None)
    if expected is not None:
        text = written.text.replace("# dependencies = ", "dependencies = ")
        assert tomllib.loads(text)["security-scan"]["dependencies"] == {**expected, "database": "advisories.zip"}
        VALIDATOR.validate(tomllib.loads(text))


def test_workflows_and_baselines_are_found(root: Path) -> None:
    """Workflows are audited, and the project's baselines go on being known; that of another tool is no such baseline."""
    known = '[{"schema": "readiness-baseline/1"}\n]\n'
    tree = {".github/workflows/ci.yml": "on: push", "readiness-baseline.json": known, ".secrets.baseline": known}
    _, written, document = made(root, tree)
    assert document["baseline"] == {"file": "readiness-baseline.json"}
    assert document["security-scan"] == {
        "secrets": {"paths": ["."], "baseline": ".secrets.baseline"},
        "workflows": {"paths": [".github"]},
    }
    text = written.text.replace('# endpoints = ["/health"]', 'endpoints = ["/health"]').replace(FILL, "")
    assert {*FILES} <= set(loaded(root, Draft(text, (), ())).gates)
    *_, document = made(root, {".secrets.baseline": '{"plugins_used": [], "results": {}}'})
    assert document["security-scan"]["secrets"] == {"paths": ["."]}


# --- what is written --------------------------------------------------------------------------------------------------


def test_compliance_kit(tmp_path: Path) -> None:
    """For the example everything is found, nothing is left to fill in, and the loader takes it as it is."""
    root = tmp_path / "compliance-kit"
    shutil.copytree(KIT, root, ignore=shutil.ignore_patterns("readiness.toml", "reports", "__pycache__"))
    seen, written, document = made(root)
    assert written.fill == ()
    assert seen.notes == ()
    assert document == {
        "service": {"name": "compliance-kit", "owner": "platform@dogan.ai", "runbook": "runbook.md"},
        "policy": {"required": [*FILES, "health", "database", "redis", "flags"], "deadline": "15m"},
        "env": {
            "local": {
                "kind": "embedded",
                "service": ["uvicorn", "service:app", "--port", "{port}"],
                "prepare": [["alembic", "upgrade", "head"]],
                "ready": "/health/ready",
                "ready-within": "30s",
            }
        },
        "health": {
            "within": "500ms",
            "samples": 5,
            "endpoints": ["/health", "/health/db", "/health/live", "/health/ready", "/health/redis"],
        },
        "database": {"connect-within": "1s", "query-within": "100ms", **document["database"]},
        "redis": {"ping-within": "50ms"},
        "flags": {
            "source": "http",
            "status": "/feature-flags/status",
            "flag": "/feature-flags/{flag}",
            "evaluate": "/feature-flags/{flag}/evaluate",
            "file": "feature_flags/flags.json",
            "required": ["compliance_report_generator", "compliance_report_generator_full"],
        },
        "config-lint": {"paths": ["."]},
        "placeholder-audit": {"paths": ["."]},
        "security-scan": {"bandit": {"paths": ["."]}, "secrets": {"paths": ["."]}},
    }
    assert set(document["database"]) <= {"connect-within", "query-within", "migrations"}
    settings = loaded(root, written)
    assert list(settings.gates) == [*FILES, "health", "database", "redis", "flags"]
    assert isinstance(settings.gates["health"], Health)


@pytest.mark.slow
def test_compliance_kit_is_judged_by_what_was_written(tmp_path: Path) -> None:
    """The next step that `readiness init` names works: the run starts the example, and ends in GO."""
    root = tmp_path / "compliance-kit"
    shutil.copytree(KIT, root, ignore=shutil.ignore_patterns("readiness.toml", "reports", "__pycache__"))
    shutil.copytree(KIT.parent / "service_base", tmp_path / "service_base")
    assert cli.main(["init", "--path", str(root)]) == 0
    command = [sys.executable, "-m", "pytest", "--env=local", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((root / "reports" / "local" / "report.json").read_text("utf-8"))["decision"] == "GO"


def test_nothing_found(root: Path) -> None:
    """An empty repository gets a configuration whose gaps are all named, and which no run accepts as it is."""
    seen, written, document = made(root)
    assert seen.is_empty
    assert document["service"] == {"name": "shop"}
    assert [text.partition(" ")[0] for _, text in written.fill] == ["owner", "service", "ready", "endpoints"]
    with pytest.raises(Exception, match="endpoints"):
        loaded(root, written)


def test_filled_in_lines_make_a_configuration(root: Path) -> None:
    """Taking away the mark of each line to fill in is all that it takes."""
    _, written, _ = made(root, {"requirements.txt": "redis\npsycopg"})
    text = written.text.replace(FILL, "")
    settings = loaded(root, Draft(text, (), ()))
    assert isinstance(settings.where, Embedded)
    assert settings.where.service == ["uvicorn", "module:app", "--port", "{port}"]


def test_staging_is_valid_when_uncommented(root: Path) -> None:
    """The commented environment needs no other edit than to be uncommented."""
    _, written, _ = made(root, {"main.py": FASTAPI, "compose.yml": COMPOSE.replace("postgres:16", "postgres:99")})
    lines = written.text.splitlines()
    start = lines.index("# [env.staging]")
    end = lines.index("", start)
    lines[start:end] = [line.removeprefix("# ") for line in lines[start:end]]
    urls = {"STAGING_URL": "https://staging.test", "STAGING_DATABASE_URL": "postgresql://u:long-secret@h/d"}
    urls["STAGING_REDIS_URL"] = "redis://:long-secret@h"
    settings = loaded(root, Draft("\n".join(lines), (), ()), "staging", **urls)
    assert isinstance(settings.where, Live)
    assert settings.where.protected
    assert '"server-version": ">=99"' not in json.dumps(tomllib.loads(written.text)["database"])
    assert str(getattr(settings.gates["database"], "server_version", "")) == ">=99"


def test_rollout_is_valid_when_uncommented(root: Path) -> None:
    """The commented table needs no other edit than to be uncommented, and no run without a stage is changed by it."""
    _, written, _ = made(root, {"main.py": f"{FASTAPI}\n@app.get('/health/ready')\ndef ready(): return {{}}\n"})
    lines = written.text.splitlines()
    start = lines.index("# [rollout]")
    lines[start:] = [line.removeprefix("# ") for line in lines[start:]]
    settings = loaded(root, Draft("\n".join(lines), (), ()))
    assert str(getattr(settings.gates["rollout"], "metric", [""])[0]) == "errors"
    assert settings.policy.required == ["config-lint", "placeholder-audit", "security-scan", "health"]


def test_lines_to_fill_in_are_where_they_are_said_to_be(root: Path) -> None:
    """Each number is that of the line which says what is missing."""
    _, written, _ = made(root)
    lines = written.text.splitlines()
    assert written.fill
    assert all(lines[number - 1] == FILL + text for number, text in written.fill)
    assert sum(line.startswith(FILL) for line in lines) == len(written.fill)


def test_same_repository_same_text(root: Path) -> None:
    """Two runs write the same bytes."""
    tree = {f"{name}/main.py": FASTAPI for name in "cab"} | {
        "compose.yml": COMPOSE,
        "requirements.txt": "redis\npsycopg",
    }
    assert made(root, tree)[1] == made(root)[1]


ODD = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(st.text(max_size=40))
@example("${HOME}")
@example("$${HOME}")
@example('"\\\n\x7f\u2028\U0001f600')
def test_strings_are_escaped(text: str) -> None:
    """Whatever the text, TOML reads it back; the loader's `$${` stands for `${`."""
    literal = string(text)
    assert literal.isprintable()
    expected = "".join("\N{REPLACEMENT CHARACTER}" if "\ud800" <= each <= "\udfff" else each for each in text)
    assert tomllib.loads(f"a = {literal}")["a"].replace("$${", "${") == expected
    assert tomllib.loads(f"a = {strings([text])} # {shown(text)}")["a"] == [tomllib.loads(f"a = {literal}")["a"]]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=ODD, folder=ODD, page=ODD, owner=st.text(max_size=20))
@example(name="${X}", folder="{port}", page="]", owner='"')
@example(name="a\nb", folder="\n[health]\n", page="\n# FILL IN: x", owner="\r")
def test_odd_names_make_valid_configuration(tmp_path: Path, name: str, folder: str, page: str, owner: str) -> None:
    """Whatever folders, files and people are called, the text is TOML that satisfies the schema, line for line."""
    root = Path(tempfile.mkdtemp(dir=tmp_path))
    project = f"[project]\nname = {string(name)}\nauthors = [{{name = {string(owner)}}}]\n"
    tree = {"pyproject.toml": project}
    for place in (f"{folder}/main.py", f"{folder}/alembic.ini", f"{page}-runbook.md", f"{page}/flags.json"):
        tree[place] = FASTAPI if place.endswith(".py") else "[alembic]\nscript_location = db"
    try:
        _, written, document = made(root, tree)
    except OSError:  # a name that this file system does not take, such as `.`
        return
    VALIDATOR.validate(document)
    assert all(written.text.splitlines()[number - 1] == FILL + text for number, text in written.fill)
    assert all(line.isprintable() for line in written.text.split("\n"))
