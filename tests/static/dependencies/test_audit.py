"""From the configuration to findings: known vulnerabilities are found, and what was not judged is never clean."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from readiness.config.security_tables import Dependencies, contradictions
from readiness.errors import NotMeasured
from readiness.model import FindingSeverity
from readiness.static.dependencies import observe
from readiness.static.dependencies.interface import Audit, by_fame, normalised
from tests.static.dependencies.advisory_data import NOW, RECORDS, advisory, as_folder
from tests.static.listing import budget, lister, write

CHECK = "security-scan/dependencies"


def audit(folder: Path, now: dt.datetime = NOW, **keys: Any) -> Audit:
    if not (folder / "db").exists():
        as_folder(folder / "db")
    table = Dependencies(**({"database": "db"} | keys))
    return observe(table, folder=folder, budget=budget(), cache=None, files=lister(folder), now=now)


def texts(audited: Audit) -> list[str]:
    return [finding.text for finding in audited.of(CHECK)]


def test_known_vulnerability_is_a_finding(tmp_path: Path) -> None:
    """It has the place of the pin, every name of the advisory, the fix, and how to waive it."""
    write(tmp_path, {"requirements.txt": "# web\nother==1.0\nshoplib==1.4.1\n"})
    audited = audit(tmp_path, requirements=["requirements.txt"])
    (found,) = audited.of(CHECK)
    assert found.rule == "security-scan/vulnerable-dependency"
    assert (found.path, found.line) == ("requirements.txt", 3)
    assert found.severity is FindingSeverity.BLOCKING
    assert found.text == "shoplib 1.4.1 has the known vulnerability CVE-2026-1001 (PYSEC-2026-1); fixed in 1.4.2."
    assert "Upgrade shoplib to 1.4.2 or later." in found.remedy
    assert 'match = "CVE-2026-1001"' in found.remedy
    assert (audited.judged, audited.advisories, audited.age_d) == (2, 4, 1.0)
    assert audited.unmeasured == ()


def test_fixed_version_is_clean(tmp_path: Path) -> None:
    """The version that the advisory names as fixed has no finding; names that only look alike have none either."""
    write(tmp_path, {"requirements.txt": "shoplib==1.4.2\nshop-lib-x==1.0\nSHOPLIB2==1\n"})
    audited = audit(tmp_path, requirements=["requirements.txt"])
    assert texts(audited) == []
    assert audited.judged == 3
    assert audited.unmeasured == ()


def test_names_are_compared_normalised(tmp_path: Path) -> None:
    """Shop.Lib, shop_lib and shop-lib are one package."""
    write(tmp_path, {"requirements.txt": "Shop_Lib==1.0\n"})
    (text,) = texts(audit(tmp_path, requirements=["requirements.txt"]))
    assert text.startswith("shop-lib 1.0 has the known vulnerability CVE-2026-1002 (GHSA-aaaa-bbbb-cccc)")


def test_aliases_are_one_finding(tmp_path: Path) -> None:
    """Two databases' advisories about one problem are one finding, affected where either says so."""
    as_folder(
        tmp_path / "db",
        (
            advisory("PYSEC-2026-1", "shoplib", ("introduced", "1"), ("fixed", "1.5"), aliases=("CVE-2026-1",)),
            advisory("GHSA-1", "shoplib", ("introduced", "1"), ("fixed", "1.6"), aliases=("CVE-2026-1",)),
            advisory("PYSEC-2026-2", "shoplib", ("introduced", "1"), ("fixed", "1.4"), aliases=("CVE-2026-2",)),
        ),
    )
    write(tmp_path, {"requirements.txt": "shoplib==1.3\nshoplib==1.5\n"})
    assert texts(audit(tmp_path, requirements=["requirements.txt"])) == [
        "shoplib 1.3 has the known vulnerability CVE-2026-1 (GHSA-1, PYSEC-2026-1); fixed in 1.6, 1.5.",
        "shoplib 1.3 has the known vulnerability CVE-2026-2 (PYSEC-2026-2); fixed in 1.4.",
        "shoplib 1.5 has the known vulnerability CVE-2026-1 (GHSA-1, PYSEC-2026-1); fixed in 1.6.",
    ]


def test_no_fix_is_said(tmp_path: Path) -> None:
    """Where nothing mends it, the remedy is another package."""
    write(tmp_path, {"requirements.txt": "shoplibb==1.0\n"})
    (found,) = audit(tmp_path, requirements=["requirements.txt"]).of(CHECK)
    assert "no fixed version is known" in found.text
    assert "Replace shoplibb" in found.remedy


def test_one_version_in_several_files_is_one_finding(tmp_path: Path) -> None:
    """It stands where it is asked for first, and names the others."""
    lock = '[[package]]\nname = "shoplib"\nversion = "1.2"\nsource = { registry = "https://host" }\n'
    write(tmp_path, {"requirements.txt": "shoplib==1.2\n", "uv.lock": lock})
    (found,) = audit(tmp_path, requirements=["requirements.txt"], lock=["uv.lock"]).of(CHECK)
    assert found.path == "requirements.txt"
    assert found.text.endswith("; also in uv.lock:2.")


def test_fingerprint_survives_moved_lines_and_small_upgrades(tmp_path: Path) -> None:
    """The same advisory of the same package in the same file is the same finding."""
    write(tmp_path, {"requirements.txt": "shoplib==1.2\n"})
    (before,) = audit(tmp_path, requirements=["requirements.txt"]).of(CHECK)
    write(tmp_path, {"requirements.txt": "other==1\nshoplib==1.3\n"})
    (after,) = audit(tmp_path, requirements=["requirements.txt"]).of(CHECK)
    assert before.fingerprint == after.fingerprint != ""


# --- what was not judged ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["other>=2", "other", "-e .", "other @ https://host/o.zip", "other==2004d", "-r https://h/x.txt"]
)
def test_what_is_not_judged_is_unmeasured(line: str, tmp_path: Path) -> None:
    """One dependency without a version that can be looked up leaves the check unmeasured, and is named; findings stay."""
    as_folder(tmp_path / "db", (*RECORDS, advisory("PYSEC-2026-8", "other", ("introduced", "0"), ("fixed", "1"))))
    write(tmp_path, {"requirements.txt": f"shoplib==1.2\n{line}\n"})
    audited = audit(tmp_path, requirements=["requirements.txt"])
    assert len(texts(audited)) == 1
    (reason,) = audited.unmeasured
    assert reason.startswith("1 dependencies could not be judged: requirements.txt:2: ")
    assert [skipped.path for skipped in audited.skipped] == ["requirements.txt:2"]
    assert audited.unscanned == 1
    assert audited.judged == 1


def test_advisory_about_commits_only_is_unmeasured(tmp_path: Path) -> None:
    """An advisory that names no version may be about ours."""
    as_folder(tmp_path / "db", (*RECORDS, advisory("PYSEC-2026-8", "other")))
    write(tmp_path, {"requirements.txt": "other==1.0\nshoplib==2\n"})
    (reason,) = audit(tmp_path, requirements=["requirements.txt"]).unmeasured
    assert "PYSEC-2026-8 cannot be compared with version 1.0" in reason


@pytest.mark.parametrize(
    ("files", "keys"),
    [
        ({"requirements.txt": "other>=2\n-c limits.txt\n", "limits.txt": "other==2.1\nunused==1\n"}, {}),
        (
            {"requirements.txt": "other>=2\n", "uv.lock": '[[package]]\nname = "other"\nversion = "2.1"\n'},
            {"lock": ["uv.lock"]},
        ),
        ({"requirements.txt": "pytest>=2\n"}, {"installed": True}),
        ({"requirements.txt": "other>=2\nshoplib==2\n"}, {"own": ["Other"]}),
    ],
)
def test_other_sources_settle_an_open_requirement(files: dict[str, str], keys: dict[str, Any], tmp_path: Path) -> None:
    """Constraints, a lock file and what is installed say which version there is; the user's own packages need none."""
    write(tmp_path, files)
    audited = audit(tmp_path, requirements=["requirements.txt"], **keys)
    assert audited.unmeasured == ()
    assert audited.judged >= 1


def test_another_version_settles_nothing(tmp_path: Path) -> None:
    """A version that the requirement does not allow is not the one that will be installed."""
    write(tmp_path, {"requirements.txt": "other>=2\n-c limits.txt\nshoplib==2\n", "limits.txt": "other==1.9\n"})
    (reason,) = audit(tmp_path, requirements=["requirements.txt"]).unmeasured
    assert "other: no exact version is required (>=2)" in reason


def test_constraints_alone_are_no_dependencies(tmp_path: Path) -> None:
    """A vulnerable version in a constraints file that nothing asks for is not installed."""
    write(tmp_path, {"requirements.txt": "other==1\n-c limits.txt\n", "limits.txt": "shoplib==1.2\n"})
    assert texts(audit(tmp_path, requirements=["requirements.txt"])) == []


@pytest.mark.parametrize(("days", "is_stale"), [(6.9, False), (7.1, True)])
def test_old_advisories_are_unmeasured(days: float, is_stale: bool, tmp_path: Path) -> None:
    """The newest advisory's own date decides, whenever the files were copied."""
    write(tmp_path, {"requirements.txt": "shoplib==1.2\n"})
    newest = dt.datetime(2026, 6, 14, 12, tzinfo=dt.UTC)
    audited = audit(tmp_path, now=newest + dt.timedelta(days=days), requirements=["requirements.txt"])
    assert len(texts(audited)) == 1
    assert bool(audited.unmeasured) == is_stale
    if is_stale:
        assert "was changed 7.1 days ago, more than max-age = 7d" in audited.unmeasured[0]


def test_empty_database_is_not_measured(tmp_path: Path) -> None:
    """A database about other ecosystems, or about nothing, knows nothing."""
    write(tmp_path, {"requirements.txt": "shoplib==1.2\n"})
    as_folder(tmp_path / "db", RECORDS[-1:])
    with pytest.raises(NotMeasured, match="holds no advisory about a package of PyPI"):
        audit(tmp_path, requirements=["requirements.txt"])
    (tmp_path / "none").mkdir()
    with pytest.raises(NotMeasured, match="holds no advisory"):
        audit(tmp_path, requirements=["requirements.txt"], database="none")


@pytest.mark.parametrize("text", ["", "# nothing\n", "other>=1\n", "-e .\n"])
def test_nothing_to_judge_is_not_measured(text: str, tmp_path: Path) -> None:
    """A file without a single version is no evidence."""
    write(tmp_path, {"requirements.txt": text})
    with pytest.raises(NotMeasured, match="name no package with its version"):
        audit(tmp_path, requirements=["requirements.txt"])


def test_what_is_installed_is_judged(tmp_path: Path) -> None:
    """Each installed version is held against the advisories; a finding says that it is installed."""
    record = advisory("PYSEC-2026-7", "pytest", ("introduced", "0"), aliases=("CVE-2026-7",))
    as_folder(tmp_path / "db", (record,))
    audited = audit(tmp_path, installed=True)
    (found,) = audited.of(CHECK)
    assert (found.path, found.line) == ("site-packages/pytest", 0)
    assert found.text.startswith("pytest ")
    assert audited.judged > 20


def test_markers_are_told(tmp_path: Path) -> None:
    """Each marked version counts, since the release may run where the marker holds; the finding says where that is."""
    write(
        tmp_path, {"requirements.txt": 'shoplib==1.2; sys_platform == "win32"\nshoplib==1.5; sys_platform != "win32"\n'}
    )
    (text,) = texts(audit(tmp_path, requirements=["requirements.txt"]))
    assert '[where sys_platform == "win32"]' in text


def test_order_of_names() -> None:
    """The best known name comes first."""
    assert by_fame(["PYSEC-1", "XY-1", "GHSA-1", "CVE-2", "CVE-1", "CVE-1"]) == (
        "CVE-1",
        "CVE-2",
        "GHSA-1",
        "PYSEC-1",
        "XY-1",
    )
    assert normalised("A._-b") == "a-b"


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"database": "db"}, "nothing is named"),
        ({"installed": True}, "needs a database, and none"),
        ({"installed": True, "engine": "safety"}, "needs a database or key"),
        ({"installed": True, "engine": "pip-audit", "database": "db"}, "reads no database"),
        ({"installed": True, "database": "db", "key": "k"}, "only the engine safety has a key"),
        ({"installed": True, "database": "db"}, ""),
        ({"installed": True, "engine": "pip-audit"}, ""),
        ({"installed": True, "engine": "safety", "key": "k"}, ""),
    ],
)
def test_contradictions_of_the_table(keys: dict[str, Any], says: str) -> None:
    """What no schema can refuse is an error of the configuration, with a remedy."""
    told = [(text, remedy) for _, text, remedy in contradictions(Dependencies(**keys))]
    assert [says in text for text, _ in told] == ([True] if says else [])
    assert all(remedy for _, remedy in told)
