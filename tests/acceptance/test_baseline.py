"""A baseline in real runs: known findings pass, new ones block, and it never makes up for what was not observed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.acceptance.conftest import Judged, Project

CHECK = """
import json
from pathlib import Path
from readiness import check
from readiness.model import Finding, FindingSeverity

@check("shop/clean")
def test_clean(measure, findings, folder):
    seen = json.loads((folder / "found.json").read_text())
    measure("files read", seen["files"], at_least=1)
    findings.add([
        Finding(f"shop/{name}", f"{name}.yaml", line, 1, FindingSeverity.BLOCKING, f"{name} is wrong", "Mend it.", "", name * 8)
        for line, name in enumerate(seen["found"], 1)
    ])

@check("shop/other")
def test_other(measure):
    measure("one", 1, equals=1)
"""


@pytest.fixture
def shop(project: Project) -> Project:
    """The project with a check of its own that finds what `found.json` says."""
    project.write("checks/test_shop.py", CHECK)
    found(project, "aa", "bb")
    return project


def found(project: Project, *names: str, files: int = 3) -> None:
    project.write("found.json", json.dumps({"files": files, "found": names}))


def adopt(project: Project, action: str = "write") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "readiness.cli", "baseline", action],
        cwd=project.folder,
        env=project.environ(),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def adopted(project: Project) -> None:
    """The findings of a first run are known."""
    project.judge().assert_no_go("aa is wrong")
    adopt(project)
    project.extend_config('[baseline]\nfile = "readiness-baseline.json"\n')


def counts(judged: Judged) -> dict[str, int]:
    baseline = judged.report["baseline"]
    return {name: baseline[name] for name in ("known", "expired", "vanished", "unobserved")}


@pytest.mark.slow
@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["alone", "workers"])
def test_known_findings_pass_and_new_ones_block(shop: Project, way: tuple[str, ...]) -> None:
    """In one process and in several; wherever the lines have moved to."""
    adopted(shop)
    found(shop, "bb", "aa")
    known = shop.judge(*way)
    known.assert_go()
    assert counts(known) == {"known": 2, "expired": 0, "vanished": 0, "unobserved": 0}
    assert "2 findings of the baseline do not block." in known.out
    assert "Baseline readiness-baseline.json: 2 entries: 2 known" in known.out
    found(shop, "aa", "cc")
    new = shop.judge(*way)
    new.assert_no_go("shop/clean failed: cc.yaml:2:1: cc is wrong")
    assert counts(new) == {"known": 1, "expired": 0, "vanished": 1, "unobserved": 0}
    assert [each["baseline"] is not None for each in new.check("shop/clean")["findings"]] == [True, False]
    (folder,) = {each.parent for each in new.folder.glob("report.sarif")}
    results = json.loads((folder / "report.sarif").read_text())["runs"][0]["results"]
    assert [(each["ruleId"], bool(each["suppressions"])) for each in results] == [("shop/cc", False), ("shop/aa", True)]


@pytest.mark.slow
def test_a_baseline_makes_up_for_nothing(shop: Project) -> None:
    """No file read, a check that breaks, and one that was deselected stay NO-GO; and then nothing has vanished."""
    adopted(shop)
    found(shop, "aa", "bb", files=0)
    shop.judge().assert_no_go("files read: observed 0, expected at least 1")
    shop.write("found.json", "{")
    broken = shop.judge()
    broken.assert_no_go("shop/clean unmeasured")
    assert counts(broken) == {"known": 0, "expired": 0, "vanished": 0, "unobserved": 2}
    found(shop)
    deselected = shop.judge("-k", "not test_other")
    deselected.assert_no_go("was deselected")
    assert counts(deselected)["unobserved"] == 2
    clean = shop.judge()
    clean.assert_go()
    assert counts(clean)["vanished"] == 2
    assert "0 known findings (0 added, 2 removed, 0 kept)" in adopt(shop, "prune")


@pytest.mark.slow
def test_an_expired_entry_blocks(shop: Project) -> None:
    """From the day after its last one on, and the reason says so."""
    adopted(shop)
    file = shop.folder / "readiness-baseline.json"
    header, first, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([header, first.replace('"}', '", "expires": "2020-01-01"}'), *rest]))
    judged = shop.judge()
    judged.assert_no_go("its baseline entry was valid until 2020-01-01")
    assert counts(judged) == {"known": 1, "expired": 1, "vanished": 0, "unobserved": 0}


def test_an_unusable_baseline_is_refused(shop: Project) -> None:
    """Before anything is judged: exit status 4, with what to do."""
    shop.extend_config('[baseline]\nfile = "readiness-baseline.json"\n')
    judged = shop.judge()
    assert judged.status == 4
    assert '"readiness-baseline.json" does not exist. Write it with `readiness baseline write`' in judged.out
    assert shop.site.requests == []
