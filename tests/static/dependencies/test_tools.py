"""safety and pip-audit, the real programs: they answer for every version, or nothing is measured."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from readiness.config.security_tables import Dependencies
from readiness.errors import NotMeasured
from readiness.static.dependencies import observe, tools
from readiness.static.dependencies.interface import Audit, Pin
from readiness.static.dependencies.tools import KNOWN_BAD, PipAudit, Safety, judged_by_pip_audit
from tests.static.listing import budget, lister, write

CHECK = "security-scan/dependencies"
NOW = dt.datetime(2026, 6, 15, tzinfo=dt.UTC)
META = {"schema_version": "2.0.0", "timestamp": NOW.timestamp() - 86400, "base_domain": "", "advisory": ""}
BRIEF: dict[str, Any] = {"meta": META, "vulnerable_packages": {"shoplib": ["<1.2"]}}
FULL: dict[str, Any] = {
    "meta": META | {"packages": {}},
    "vulnerable_packages": {
        "shoplib": [
            {
                "specs": ["<1.2"],
                "advisory": "made up",
                "ids": [{"type": "cve", "id": "CVE-2026-1001"}, {"type": "pyup", "id": "90001"}],
                "more_info_path": "/v/90001",
                "fixed_versions": ["1.2"],
            }
        ]
    },
}
PINS = (Pin("shoplib", "1.1", "requirements.txt", 1), Pin("other", "2.0", "requirements.txt", 2))


def database(folder: Path, brief: Any = BRIEF, full: Any = FULL) -> Path:
    return write(folder, {"insecure.json": json.dumps(brief), "insecure_full.json": json.dumps(full)})


def audit(folder: Path, **keys: Any) -> Audit:
    table = Dependencies(requirements=["requirements.txt"], **keys)
    return observe(table, folder=folder, budget=budget(), cache=None, files=lister(folder), now=NOW)


@pytest.mark.slow
def test_safety_with_a_local_database(tmp_path: Path) -> None:
    """The real safety, without a network: its finding has our form, and every version was answered for."""
    database(tmp_path / "db")
    write(tmp_path, {"requirements.txt": "shoplib==1.1\nother==2.0\n"})
    audited = audit(tmp_path, engine="safety", database="db")
    (found,) = audited.of(CHECK)
    assert found.text == "shoplib 1.1 has the known vulnerability CVE-2026-1001 (90001); fixed in 1.2."
    assert found.line == 1
    assert (audited.judged, audited.advisories, audited.age_d) == (2, 1, 1.0)
    assert audited.unmeasured == ()


@pytest.mark.slow
def test_safety_finds_nothing_in_a_clean_list(tmp_path: Path) -> None:
    """A fixed version is clean."""
    database(tmp_path)
    judged = Safety(tmp_path, "db", None, budget()).judge([Pin("shoplib", "1.2", "r.txt", 1)])
    assert judged.vulnerabilities == ()
    assert judged.open == ()


@pytest.mark.parametrize(
    ("brief", "full", "says"),
    [
        ({"meta": META, "vulnerable_packages": {}}, FULL, "names no vulnerable package"),
        (BRIEF, {"meta": META}, "names no vulnerable package"),
        ({"vulnerable_packages": {"a": ["<1"]}}, FULL, "has the schema None, and safety 3 reads only 2.0.0"),
        (BRIEF | {"meta": {"schema_version": "1.0"}}, FULL, "has the schema '1.0'"),
        ([], FULL, "no JSON object"),
    ],
)
def test_unusable_database_of_safety_is_not_measured(brief: Any, full: Any, says: str, tmp_path: Path) -> None:
    """Empty, of another schema, or something else: told before safety is started."""
    database(tmp_path, brief, full)
    with pytest.raises(NotMeasured, match=says):
        Safety(tmp_path, "db", None, budget()).judge(PINS)


def test_missing_database_of_safety_is_not_measured(tmp_path: Path) -> None:
    """A folder without its two files is none."""
    with pytest.raises(NotMeasured, match=r"it has no insecure\.json"):
        Safety(tmp_path, "db", None, budget()).judge(PINS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "says"), [(NOW.timestamp() - 9 * 86400, "changed 9.0 days ago"), (None, "may be of any age")]
)
def test_age_of_safetys_database(made: float | None, says: str, tmp_path: Path) -> None:
    """Too old, or of no known date, is unmeasured."""
    database(tmp_path / "db", BRIEF | {"meta": META | {"timestamp": made}})
    write(tmp_path, {"requirements.txt": "other==2.0\n"})
    assert says in audit(tmp_path, engine="safety", database="db").unmeasured[0]


def test_safety_that_needs_a_login_is_not_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A version that contacts a server first is not started; the message says which to install."""
    monkeypatch.setattr(tools.metadata, "version", lambda _name: "3.8.1")
    with pytest.raises(NotMeasured, match=r"safety 3.8.1 contacts a server") as told:
        Safety(database(tmp_path), "db", None, budget()).judge(PINS)
    assert "safety>=3.7,<3.8" in told.value.remedy


@pytest.mark.parametrize(
    ("tool", "extra"), [(Safety(None, "", "k", budget()), "safety"), (PipAudit(budget()), "security")]
)
def test_tool_not_installed_says_what_to_install(tool: Any, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the package."""

    def missing(name: str) -> str:
        raise tools.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(tools.metadata, "version", missing)
    with pytest.raises(NotMeasured, match="is not installed") as told:
        tool.judge(PINS)
    assert extra in told.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["pip-audit", "safety"])
def test_no_network_is_not_measured(engine: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The real programs where no server answers: nothing is measured, no password of the proxy is shown."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:s3cret@127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://user:s3cret@127.0.0.1:9")
    write(tmp_path, {"requirements.txt": "shoplib==1.1\n"})
    keys = {"key": "not" + "-a-key"} if engine == "safety" else {}
    with pytest.raises(NotMeasured) as told:
        audit(tmp_path, engine=engine, **keys)
    assert engine in told.value.cause
    assert "s3cret" not in told.value.cause
    assert "not-a-key" not in told.value.cause


# --- what pip-audit says ------------------------------------------------------------------------------------------------


def said(*dependencies: dict[str, Any], knows: bool = True) -> dict[str, Any]:
    bad = {
        "name": KNOWN_BAD.name,
        "version": KNOWN_BAD.version,
        "vulns": [{"id": "PYSEC-1", "fix_versions": [], "aliases": []}],
    }
    return {"dependencies": [*dependencies, *([bad] if knows else [])], "fixes": []}


def test_vulnerabilities_of_pip_audit() -> None:
    """Ids with their aliases, and the versions that mend it."""
    vulnerable = {"id": "PYSEC-2026-1", "fix_versions": ["1.2"], "aliases": ["CVE-2026-1"], "description": "x"}
    document = said(
        {"name": "ShopLib", "version": "1.1.0", "vulns": [vulnerable]}, {"name": "other", "version": "2.0", "vulns": []}
    )
    pins = (Pin("shoplib", "1.1.0", "r.txt", 1), PINS[1])
    judged = judged_by_pip_audit(pins, document)
    (found,) = judged.vulnerabilities
    assert (found.pin, found.ids, found.fixed) == (pins[0], ("CVE-2026-1", "PYSEC-2026-1"), ("1.2",))
    assert judged.open == ()


def test_skipped_dependency_is_open() -> None:
    """pip-audit ends well and says "no known vulnerabilities" where it skipped everything; that is not clean."""
    document = said({"name": "shoplib", "skip_reason": "Dependency not found on PyPI: shoplib (1.1)"})
    judged = judged_by_pip_audit(PINS, document)
    assert [(each.name, each.why) for each in judged.open] == [
        ("shoplib", "pip-audit skipped it: Dependency not found on PyPI: shoplib (1.1)"),
        ("other", "pip-audit said nothing about it"),
    ]


def test_server_without_advisories_is_not_measured() -> None:
    """A mirror that serves packages alone finds nothing against anything, not even what has been known for ten years."""
    document = said({"name": "shoplib", "version": "1.1", "vulns": []}, knows=False)
    with pytest.raises(NotMeasured, match="serves no advisories"):
        judged_by_pip_audit(PINS, document)
