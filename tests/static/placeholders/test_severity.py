"""What a placeholder does to the release depends on the environment under judgement and on the file it stands in."""

from __future__ import annotations

import pytest

from readiness.static.placeholders.options import Options
from readiness.static.placeholders.rules import CHANGEME
from readiness.static.placeholders.weight import is_strict
from tests.static.placeholders.audits import audit, severity_of

PLACEHOLDER = "db:\n  password: changeme\n"


def severity(path: str, environment: str = "production", text: str = PLACEHOLDER) -> str:
    """Returns the severity of the one finding."""
    ((_, hit),) = audit({path: text}, Options(environment=environment, strict=is_strict(environment)))
    return severity_of(hit)


@pytest.mark.parametrize(
    "environment", ["production", "prod-eu", "staging", "pre-prod", "qa", "ci", "test", "unheard-of"]
)
def test_blocks_wherever_a_release_is_judged(environment: str) -> None:
    """An environment that is not known to be a developer's own is taken for one that matters."""
    assert severity("config/app.yaml", environment) == "blocking"


@pytest.mark.parametrize("environment", ["local", "dev", "development", "my-dev", "container", "sandbox"])
def test_warns_on_a_developers_machine(environment: str) -> None:
    """The same placeholder is a warning there."""
    assert severity("config/app.yaml", environment) == "advisory"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("config/production.yaml", "blocking"),
        ("deploy/values.yaml", "blocking"),
        (".env.production", "blocking"),
        (".env.development", "advisory"),
        ("docker-compose.dev.yml", "advisory"),
        ("config/staging.yaml", "advisory"),
        (".github/workflows/ci.yml", "advisory"),
        ("tests/data/app.yaml", "information"),
        ("unit_tests.yaml", "information"),
        ("roles/db/molecule/default/converge.yml", "information"),
        ("examples/app.yaml", "information"),
        ("config/app.example.yaml", "information"),
        ("deploy/example_config/app.yaml", "information"),
        ("docs/app.yaml", "information"),
        ("vendor/lib/app.yaml", "information"),
        ("dist/app.yaml", "information"),
    ],
)
def test_depends_on_the_file(path: str, expected: str) -> None:
    """What production uses blocks; what another environment uses warns; tests, samples, documents and others' files inform."""
    text = PLACEHOLDER if not path.startswith(".env") else "DB_PASSWORD=changeme\n"
    assert severity(path, text=text) == expected


def test_the_environments_own_file_blocks() -> None:
    """The file of staging blocks staging, and that of production blocks it too."""
    assert severity("config/staging.yaml", "stg") == "blocking"
    assert severity("config/production.yaml", "staging") == "blocking"
    assert severity("config/staging.yaml", "production") == "advisory"


def test_a_runbook_blocks_wherever_it_lies() -> None:
    """A runbook among the documents is acted by; one among the tests is not."""
    text = "# Runbook\n\n## Contacts\n\n- Lead: [Add contact]\n"
    assert severity("docs/runbook.md", text=text) == "blocking"
    assert severity("tests/runbook.md", text=text) == "information"


def test_the_runbook_of_the_service_is_one() -> None:
    """The file that `[service] runbook` names is read as one, whatever it is called."""
    text = "# Notes\n\nCall [Add contact]\n"
    assert audit({"notes.md": text}) == []
    assert len(audit({"notes.md": text}, Options(runbook="notes.md"))) == 1


@pytest.mark.parametrize(
    ("path", "expected"), [("config/app.yaml", "advisory"), ("config/production.yaml", "blocking")]
)
def test_an_example_domain_blocks_in_a_file_of_production(path: str, expected: str) -> None:
    """Elsewhere only where an alert, a visitor or a mail would be lost."""
    assert severity(path, text="base_url: https://api.example.com\n") == expected


def test_data_is_not_configuration() -> None:
    """In a file too large to be written by hand only a value that a person has to fill in blocks."""
    filler = "".join(f"  - value {number}\n" for number in range(20_000))
    assert severity("data.yaml", text=f"tokens:\n{filler}start: <BEGIN_TEXT>\n") == "advisory"
    assert severity("data.yaml", text=f"tokens:\n{filler}password: changeme\n") == "blocking"


def test_a_template_to_copy_is_a_sample() -> None:
    """A plain file of values in a folder `templates` informs; a chart's manifest there blocks, and so does what an engine renders."""
    manifest = "apiVersion: v1\nkind: Secret\nstringData:\n  password: changeme\n"
    rendered = "name: {{ .Release.Name }}\npassword: changeme\n"
    assert severity("app/templates/connection.yaml") == "information"
    assert severity("chart/templates/secret.yaml", text=manifest) == "blocking"
    assert severity("chart/templates/secret.yaml", text=rendered) == "blocking"
    assert severity("roles/db/templates/db.yaml") == "blocking"


@pytest.mark.parametrize(("environment", "check"), [("production", "critical"), ("local", "warning")])
def test_what_blocks_nothing_belongs_to_the_warnings(environment: str, check: str) -> None:
    """The check `critical` has what blocks, `warning` the rest, also of rules that block elsewhere."""
    options = Options(environment=environment, strict=is_strict(environment))
    ((_, hit),) = audit({"config/app.yaml": PLACEHOLDER}, options)
    assert (hit.check or CHANGEME.check) == f"placeholder-audit/{check}"
