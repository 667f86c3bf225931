"""What a path says of its file: which kind of file it is, and which environment's, so that a rule can weigh what it finds.

Both are read off the name alone, so that they cost nothing and are the same in every gate.
"""

from __future__ import annotations

import re
from enum import StrEnum


class PathClass(StrEnum):
    """What becomes of a file. A finding outside of `production` and `config` is listed and never blocks."""

    PRODUCTION = "production"
    """Code that ships, and whatever no other class claims."""
    CONFIG = "config"
    """Configuration that is used as it stands."""
    DOCS = "docs"
    TESTS = "tests"
    EXAMPLES = "examples"
    """Samples and templates to copy and fill in."""
    GENERATED = "generated"
    """Lock files, minified and compiled output."""
    VENDORED = "vendored"
    """Of another project."""

    @property
    def ships(self) -> bool:
        """True where a finding may block."""
        return self in (PathClass.PRODUCTION, PathClass.CONFIG)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_VENDORED = _words(
    "vendor vendored _vendor node_modules bower_components third_party third-party thirdparty 3rdparty extern"
    " site-packages dist-packages .venv venv .tox .nox .git"
)
_GENERATED = _words(
    "__pycache__ __generated__ generated _generated dist htmlcov .mypy_cache .pytest_cache .ruff_cache .next .nuxt"
)
_TESTS = _words(
    "tests test __tests__ testing testdata test-data test_data spec e2e fixtures __fixtures__ __snapshots__ __mocks__"
    " mocks integration_tests integration-tests unit_tests benchmarks benchmark bench fuzz"
)
_EXAMPLES = _words("examples example samples sample demos demo tutorials tutorial quickstart cookbook playground")
_DOCS = _words("docs doc documentation runbooks runbook wiki man adr rfcs")
_LOCK_FILES = _words(
    "poetry.lock uv.lock pdm.lock pipfile.lock package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml bun.lock cargo.lock"
    " composer.lock gemfile.lock go.sum go.work.sum flake.lock .terraform.lock.hcl chart.lock pixi.lock mix.lock pubspec.lock"
    " requirements.lock pylock.toml"
)
_GENERATED_NAME = re.compile(
    r"(?:\.min\.(?:js|css|mjs)|\.map|_pb2(?:_grpc)?\.pyi?|\.pb\.go|\.snap|\.pyc|\.egg-info)$|\.generated\."
)
_TEST_NAME = re.compile(
    r"^(?:test_.*\.py|conftest\.py|.*_tests?\.(?:py|go|rb|exs?)|.*[.-](?:test|spec|cy)\.[cm]?[jt]sx?)$"
)
_EXAMPLE_NAME = re.compile(r"(?:^|[._-])(?:example|sample)s?(?:[._-]|$)|[.](?:template|tmpl|dist|skeleton)(?:[.]|$)")
_DOC_SUFFIXES = _words("md mdx markdown rst adoc asciidoc org tex pdf txt")
_DOC_NAME = re.compile(
    r"^(?:readme|changelog|changes|contributing|license|licence|copying|notice|authors|security)(?:\.|$)"
)
_CONFIG_SUFFIXES = _words(
    "yaml yml json jsonc json5 toml ini cfg conf cnf env properties hcl tf tfvars config xml service plist"
)
_CONFIG_NAME = re.compile(
    r"^(?:\.env|\.[a-z]+rc$|dockerfile|containerfile|procfile|makefile|justfile|jenkinsfile|vagrantfile|caddyfile|\.editorconfig)"
    r"|^(?:requirements|constraints).*\.(?:txt|in)$|\.dockerfile$"
)


def path_class(path: str) -> PathClass:
    """Returns the class of a file by its path relative to the repository, with `/`.

    The first that fits: vendored, generated, tests, examples, docs, config; production code is what is left. A folder
    `test` that names an environment (`overlays/test/`) does not make its files tests.
    """
    *folders, name = path.lower().split("/")
    parts = _without_environments(folders)
    suffix = name.rpartition(".")[2]
    claims = (
        (PathClass.VENDORED, not parts.isdisjoint(_VENDORED)),
        (PathClass.GENERATED, not parts.isdisjoint(_GENERATED) or name in _LOCK_FILES or _GENERATED_NAME.search(name)),
        (PathClass.TESTS, not parts.isdisjoint(_TESTS) or _TEST_NAME.match(name)),
        (PathClass.EXAMPLES, not parts.isdisjoint(_EXAMPLES) or _EXAMPLE_NAME.search(name)),
        (PathClass.DOCS, not parts.isdisjoint(_DOCS) or _DOC_NAME.match(name)),
        (PathClass.CONFIG, suffix in _CONFIG_SUFFIXES or _CONFIG_NAME.search(name)),
        (PathClass.DOCS, suffix in _DOC_SUFFIXES),
    )
    return next((kind for kind, claimed in claims if claimed), PathClass.PRODUCTION)


_ALIASES = {
    alias: name
    for name, aliases in {
        "production": "production prod prd live",
        "preproduction": "preproduction preprod pre-prod nonprod",
        "staging": "staging stage stg",
        "development": "development develop dev devel",
        "test": "test testing",
        "ci": "ci",
        "qa": "qa",
        "uat": "uat",
        "local": "local",
        "sandbox": "sandbox",
        "preview": "preview",
    }.items()
    for alias in aliases.split()
}
"""How an environment is spelled, to its name."""
_SURE = _words("production prod prd preproduction preprod nonprod staging stg uat")
"""Spellings that mean an environment wherever they stand between separators; the others only as the last part."""
_ENVIRONMENT_FOLDERS = _words(
    "overlays overlay environments environment envs env clusters inventories inventory stages values config configs settings"
    " deploy deployment deployments terragrunt live helmfile vars group_vars profiles"
)
_NAMES_ENVIRONMENT = _CONFIG_SUFFIXES | _words("py js cjs mjs ts rb exs sh txt")
_NO_CONFIGURATION = _words("py js cjs mjs ts rb exs sh txt")
_SETTINGS = _words("settings config configuration environment environments env envs conf")
_SEPARATOR = re.compile(r"[-_.]+")
_PRE = _words("pre non not no nonprod preprod preproduction like")


def environment_of(path: str) -> str | None:
    """Returns the environment whose file this is by its name, in full (`prod` is `production`); None where it is nobody's.

    The file's name counts before its folders, the inner folder before the outer: `values-prod.yaml`, `.env.production`,
    `docker-compose.staging.yml`, `config/production.toml`, `k8s/overlays/prod/deployment.yaml`.
    """
    *folders, name = path.lower().split("/")
    if ".github" in folders:  # `deploy-prod.yml` is a workflow that deploys there, not its configuration
        return None
    parent = folders[-1] if folders else ""
    found = _environment_of_name(name, parent)
    if found:
        return found
    for index in range(len(folders) - 1, -1, -1):
        found = _environment_of_folder(folders[index], folders[index - 1] if index else "")
        if found:
            return found
    return None


def is_production_environment(name: str) -> bool:
    """Returns whether an environment's name, however it is spelled, is that of production: `prod-eu`, not `pre-prod`."""
    parts = _SEPARATOR.split(name.lower())
    return _PRE.isdisjoint(parts) and any(_ALIASES.get(part) == "production" for part in parts)


def _without_environments(folders: list[str]) -> set[str]:
    """Returns the folders' names but those that name an environment."""
    if not folders:
        return set()
    before = ("", *folders[:-1])
    return {
        folder
        for folder, parent in zip(folders, before, strict=True)
        if not (parent in _ENVIRONMENT_FOLDERS and folder in _ALIASES)
    }


def _environment_of_name(name: str, parent: str) -> str | None:
    stem, dot, suffix = name.rpartition(".")
    if name.startswith(".env"):
        parts = _SEPARATOR.split(name)[2:]
    elif dot and suffix in _NAMES_ENVIRONMENT:
        parts = _SEPARATOR.split(stem)
        if suffix in _NO_CONFIGURATION and not (parent in _SETTINGS or _SETTINGS & set(parts[:-1])):
            return None
    else:
        return None
    return _environment_among(parts)


def _environment_of_folder(folder: str, parent: str) -> str | None:
    if parent in _ENVIRONMENT_FOLDERS:
        return _environment_among(_SEPARATOR.split(folder))
    return _ALIASES[folder] if folder in _SURE else None


def _environment_among(parts: list[str]) -> str | None:
    """Returns the environment that the parts of a name say; `.env.production.local` is production's."""
    if "pre" in parts and not {"prod", "production"}.isdisjoint(parts):
        return "preproduction"
    for part in parts:
        if part in _SURE:
            return _ALIASES[part]
    ends = parts[-2:] if parts[-1:] == ["local"] else parts[-1:]
    return next((_ALIASES[part] for part in ends if part in _ALIASES), None)
