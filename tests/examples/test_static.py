"""The gates that read files, on the five systems: slips that people make in them, each found by the check that is about it."""

from __future__ import annotations

import pytest

from tests.examples.systems import STATIC_GATES, SYSTEMS, Slip, System

_KEY = "ghp" + "_" + "q7RkT2mXc9VbN4wLs8JdF3hGz6YpA1eU5oKi"
"""Of nobody; in pieces, so that no scanner sees a whole one here."""
_PASSWORD = "Vb7" + "kQ2" + "xLm9Tz"

SLIPS = (
    # -- the compliance kit
    Slip(
        "compliance-kit",
        "runbook.md",
        "Platform Team, platform@dogan.ai",
        "[Add contact]",
        "placeholder-audit/critical",
        "placeholder-audit/contact",
    ),
    Slip(
        "compliance-kit",
        "monitoring/alerts.yml",
        "increase(compliance_reports_failed_total[5m])",
        "increase(compliance_reports_failed_total[5m]",
        "config-lint/semantics",
        "config-lint/promql",
    ),
    Slip(
        "compliance-kit",
        "requirements.txt",
        "",
        "made-up-mapper==1.1.0\n",
        "security-scan/dependencies",
        "security-scan/vulnerable-dependency",
    ),
    Slip(
        "compliance-kit",
        "compliance_kit/storage.py",
        "",
        f'\n_TOKEN = "{_KEY}"\n',
        "security-scan/secrets",
        "security-scan/github-token",
    ),
    # -- ComplianceAgent
    Slip(
        "compliance-agent",
        "infrastructure/k8s/backend.yaml",
        "complianceagent/backend:1.4.0",
        "complianceagent/backend:latest",
        "config-lint/semantics",
        "config-lint/image-tag",
    ),
    Slip(
        "compliance-agent",
        "infrastructure/k8s/backend.yaml",
        "  replicas: 3",
        "  replica: 3",
        "config-lint/schema",
        "config-lint/schema-mismatch",
    ),
    Slip(
        "compliance-agent",
        "runbook.md",
        "| 30 minutes | team lead |",
        "| 30 minutes | [Name/PagerDuty] |",
        "placeholder-audit/critical",
        "placeholder-audit/contact",
    ),
    # -- Doppelganger Studio
    Slip(
        "doppelganger-studio",
        "docker-compose.yml",
        "    build: .\n",
        "\tbuild: .\n",
        "config-lint/syntax",
        "config-lint/yaml-tab",
    ),
    Slip(
        "doppelganger-studio",
        ".env",
        "",
        f"DATABASE_URL=postgresql://studio:{_PASSWORD}@db.studio.internal:5432/studio\n",
        "security-scan/secrets",
        "security-scan/database-url",
    ),
    Slip(
        "doppelganger-studio",
        "scripts/db/migrate.py",
        "",
        '\n\ndef calculated(text: str) -> object:\n    """Returns what it comes to."""\n    return eval(text)\n',
        "security-scan/code",
        "security-scan/code-execution",
    ),
    # -- the RAG chatbot
    Slip(
        "rag-chatbot",
        ".github/workflows/deploy.yml",
        "      - run: pytest --env=local\n",
        "      - run: echo ${{ github.event.head_commit.message }}\n",
        "security-scan/workflows",
        "security-scan/unsafe-workflow",
    ),
    Slip(
        "rag-chatbot",
        "runbook.md",
        "the names are in PagerDuty",
        "the first is [Name]",
        "placeholder-audit/critical",
        "placeholder-audit/contact",
    ),
    # -- the audit app
    Slip(
        "audit-app",
        "docker-compose.prod.yml",
        "    healthcheck:",
        "    healthchek:",
        "config-lint/schema",
        "config-lint/schema-mismatch",
    ),
    Slip(
        "audit-app",
        "alembic.ini",
        "path_separator = os\n",
        f"path_separator = os\nsqlalchemy.url = postgresql://audit:{_PASSWORD}@db.audit.internal/audit_app\n",
        "security-scan/secrets",
        "security-scan/database-url",
    ),
    Slip(
        "audit-app",
        "runbook.md",
        "stands in the\nrotation of the paging service.",
        "answers at +1-555-0142.",
        "placeholder-audit/critical",
        "placeholder-audit/contact",
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_slip_is_found(systems: dict[str, System], slip: Slip) -> None:
    """It ends in NO-GO because of the check that is about it, which names rule and file; all others pass."""
    system = systems[slip.system]
    with system.edited(slip):
        judged = system.judge(gates=STATIC_GATES)
    assert judged.status == 1, judged.out
    assert judged.report["decision"] == "NO-GO", judged.out
    assert {id_: what for id_, what in judged.outcomes.items() if what != "passed"} == {slip.fails: "failed"}
    blocking = {
        (finding["rule"], finding["path"])
        for each in judged.report["checks"]
        for finding in each["findings"]
        if finding["severity"] == "blocking"
    }
    assert blocking == {(slip.rule, slip.file)}
    assert _KEY not in judged.out
    assert not any(
        secret in file.read_text("utf-8") for file in judged.folder.glob("report.*") for secret in (_KEY, _PASSWORD)
    )


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_has_its_slips(name: str) -> None:
    """No system is without two that different checks find."""
    assert len({slip.fails for slip in SLIPS if slip.system == name}) >= 2
