"""Ways round the judgement that were found by trying: none of them ends in GO, hangs, or shows a secret."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.project import Judged, Project

USAGE = 4
OWN = "import contextlib, os, pytest\nfrom readiness import check\n\n"
PASSES = "@check('shop/passes')\ndef test_passes(measure):\n    measure('x', 1)\n\n"


def with_check(project: Project, body: str, *args: str, head: str = "", **extra: str) -> Judged:
    """Judges the project with one more check of its own."""
    project.write("checks/test_own.py", f"{OWN}{head}{PASSES}@check('shop/own')\ndef test_own(measure):\n    {body}\n")
    return project.judge(*args, **extra)


class TestNotExecuted:
    """What pytest did not execute was not measured."""

    @pytest.mark.parametrize("option", ["--setup-only", "--setup-plan"])
    def test_setup_only(self, project: Project, option: str) -> None:
        """Fixtures are set up, checks are not called."""
        project.judge(option).assert_no_go("the check was set up but never executed")

    @pytest.mark.parametrize(
        "args", [["--env="], ["--env", ""], ["--readiness-env="], ["--gate=health"], ["--stage=25"]]
    )
    def test_environment_that_is_empty_or_missing(self, project: Project, args: list[str]) -> None:
        """An unset variable in a CI script does not run the unit tests instead."""
        project.write("test_unit.py", "def test_unit():\n    pass\n")
        assert project.judge(*args, env=None).status == USAGE

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_run_that_a_worker_of_another_run_starts(self, project: Project, way: tuple[str, ...]) -> None:
        """A variable that pytest-xdist sets for its workers does not keep a run from being judged."""
        project.passing("till")
        project.site.answers["/live"] = (503, "text/plain", "no")
        project.judge(*way, PYTEST_XDIST_WORKER="gw0").assert_no_go("health/endpoint[/live] failed")

    def test_options_in_a_file(self, project: Project) -> None:
        """`pytest @file` counts like the command line."""
        project.write("release.args", "--readiness-env=staging\n")
        project.judge("@release.args", env=None).assert_go()

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_module_that_skips_itself(self, project: Project, way: tuple[str, ...]) -> None:
        """The checks in it are not passed."""
        project.passing("till")
        project.write("checks/test_more.py", f"{OWN}pytest.importorskip('no_such_module')\n{PASSES}")
        project.judge(*way).assert_no_go("skipped as a whole")

    def test_last_failed_leaves_whole_files_out(self, project: Project) -> None:
        """Pytest does not even read files without a failure."""
        for name in ("a", "b"):
            project.passing(name)
        project.write("checks/test_a.py", f"{OWN}@check('shop/a')\ndef test_a():\n    assert 0\n")
        project.judge().assert_no_go("shop/a failed")
        project.passing("a")
        project.judge("--lf").assert_no_go("shop/b not-run")

    @pytest.mark.parametrize(
        "body",
        [
            "@check('shop/lost')\ndef test_x(measure):\n    measure('x', 1)\n\n@check('shop/other')\ndef test_x(measure):\n    measure('x', 1)\n",
            "class TestX:\n    def __init__(self):\n        pass\n\n    @check('shop/lost')\n    def test_x(self, measure):\n        measure('x', 1)\n",
            "class Checks:\n    @check('shop/lost')\n    def test_x(self, measure):\n        measure('x', 1)\n",
        ],
        ids=["same name", "class with init", "class of another name"],
    )
    def test_function_that_pytest_does_not_find(self, project: Project, body: str) -> None:
        """What `@check` was used on has to run."""
        project.write("checks/test_own.py", f"{OWN}{PASSES}{body}")
        project.judge("-W", "ignore").assert_no_go("shop/lost not-run")

    def test_check_file_of_another_name(self, project: Project) -> None:
        """A file in the folder that declares checks is a check file, whatever it is called."""
        for name in ("shop_test.py", "tills.py"):
            project.write(f"checks/{name}", f"{OWN}@check('shop/{name[0]}')\ndef test_x():\n    assert 1 == 2\n")
        project.judge().assert_no_go("shop/s failed", "shop/t failed")

    def test_table_of_an_own_gate(self, project: Project) -> None:
        """`each` and `needs` work on it."""
        project.write(
            "checks/test_own.py",
            f"{OWN}@check('shop/item', each='item in items', needs='limit')\ndef test_item(item, measure):\n    measure('n', item, at_most=1)\n",
        )
        project.extend_config("\n[shop]\nlimit = 1\nitems = [1, 2]\n")
        project.judge().assert_no_go("shop/item[2] failed")

    def test_gate_that_no_literal_names(self, project: Project) -> None:
        """A gate counts as configured as soon as one of its checks is there."""
        project.write(
            "checks/test_own.py", f"{OWN}NAME = 'shop/own'\n\n@check(NAME)\ndef test_own():\n    pytest.skip('no')\n"
        )
        project.judge().assert_no_go("shop/own unmeasured")


class TestEvidence:
    """What is no evidence, and what may not be waived."""

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ("measure('rows', None)", "neither measured nor asserted"),
            ("measure('release', 'x', equals=os.environ.get('NOT_SET'))", "nothing that release could equal"),
            ("with contextlib.suppress(Exception):\n        assert 1 == 2", "neither measured nor asserted"),
            ("assert (1 == 2, 'text')", "neither measured nor asserted"),
        ],
    )
    def test_no_evidence(self, project: Project, body: str, word: str) -> None:
        """Nothing was held against anything."""
        with_check(project, body, "-W", "ignore").assert_no_go("shop/own unmeasured", word)

    @pytest.mark.parametrize(
        ("body", "args"),
        [("import time\n    time.sleep(30)", ["--timeout=1"]), ("pytest.xfail('later')", [])],
        ids=["timeout", "xfail"],
    )
    def test_what_was_not_measured_is_not_waived(self, project: Project, body: str, args: list[str]) -> None:
        """A waiver accepts a failure, not a hanging or skipped check."""
        project.extend_config('\n[[waiver]]\ncheck = "shop/own"\nreason = "r"\nowner = "o"\nexpires = 2999-12-31\n')
        with_check(project, body, *args).assert_no_go("shop/own unmeasured")

    def test_waiver_of_a_finding_covers_nothing_else(self, project: Project) -> None:
        """`match` names the finding; a measurement outside its limit is not that."""
        project.extend_config(
            '\n[[waiver]]\ncheck = "shop/scan"\nmatch = "CVE-1"\nreason = "r"\nowner = "o"\nexpires = 2999-12-31\n'
        )
        for more in ("measure('rate', 99, at_most=1)", "assert 1 == 2"):
            project.write(
                "checks/test_own.py",
                f"{OWN}from readiness.model import Finding, FindingSeverity\n\n@check('shop/scan')\ndef test_scan(findings, measure):\n"
                "    findings.add([Finding('cve', 'a.txt', 1, 1, FindingSeverity.BLOCKING, 'CVE-1 in a', '')])\n"
                f"    {more}\n",
            )
            project.judge().assert_no_go("shop/scan failed")

    @pytest.mark.parametrize("place", ["before", "after"])
    def test_measured_by_a_fixture(self, project: Project, place: str) -> None:
        """A limit that does not hold counts wherever it was measured."""
        lines = ["measure('latency', 900, at_most=800)", "yield"]
        body = "\n    ".join(lines if place == "before" else lines[::-1])
        head = f"@pytest.fixture(autouse=True)\ndef around(measure):\n    {body}\n\n"
        project.write("checks/test_own.py", f"{OWN}{head}{PASSES}")
        project.judge().assert_no_go("shop/passes failed: latency: observed 900")

    def test_worst_of_several_workers_counts(self, project: Project) -> None:
        """With --dist=each every worker runs every check."""
        body = "if os.environ['PYTEST_XDIST_WORKER'] == 'gw0':\n        pytest.skip('not here')\n    measure('x', 1)"
        with_check(project, body, "--tx=2*popen", "--dist=each").assert_no_go("shop/own unmeasured")

    def test_python_without_asserts(self, project: Project) -> None:
        """`-O` takes them away."""
        assert project.judge(PYTHONOPTIMIZE="1").status == USAGE

    def test_what_does_not_block_does_not_fail_pytest(self, project: Project) -> None:
        """A gate that is not required, and an advisory check that could not be measured."""
        text = (project.folder / "readiness.toml").read_text()
        project.config(
            text.replace("[policy]", '[policy]\nrequired = ["health"]\nadvisory = ["health/endpoint[/live]"]')
        )
        project.site.answers["/live"] = (200, "text/html", "")
        for body in ("assert 1 == 2", "raise OSError('lost')"):
            judged = with_check(project, body)
            judged.assert_go()
            assert judged.report["gates"][-1]["verdict"] in ("fail", "unmeasured")


class TestStatus:
    """The exit status and the reports agree, whatever others do."""

    @pytest.mark.parametrize(
        "conftest",
        [
            "def pytest_sessionstart():\n    pytest.exit('enough', returncode=0)",
            "def pytest_sessionfinish():\n    pytest.exit('enough', returncode=0)",
            "@pytest.hookimpl(wrapper=True)\ndef pytest_sessionfinish(session):\n    yield\n    session.exitstatus = 0",
            "def pytest_sessionfinish():\n    raise RuntimeError('broken at the end')",
            "def pytest_terminal_summary():\n    raise RuntimeError('broken at the end')",
            "import sys\nsys.exit(0)",
        ],
    )
    def test_conftest_that_ends_the_run(self, project: Project, conftest: str) -> None:
        """Neither status 0 nor a GO report is left where a check fails or the end breaks."""
        project.site.answers["/live"] = (503, "text/plain", "no")
        project.write("conftest.py", f"import pytest\n{conftest}\n")
        judged = project.judge()
        assert judged.status != 0, judged.out
        assert not (judged.folder / "report.json").exists() or judged.report["decision"] == "NO-GO"

    @pytest.mark.parametrize("hook", ["pytest_sessionfinish", "pytest_terminal_summary"])
    def test_end_that_breaks_retracts_a_go(self, project: Project, hook: str) -> None:
        """The report that was written before says NO-GO."""
        project.write("conftest.py", f"def {hook}():\n    raise RuntimeError('broken at the end')\n")
        judged = project.judge()
        judged.assert_no_go("broken at the end", status=judged.status)
        assert judged.status != 0

    def test_step_summary_that_cannot_be_written(self, project: Project) -> None:
        """The decision stands; the terminal says what is missing."""
        judged = project.judge(GITHUB_STEP_SUMMARY="/nonexistent/x")
        judged.assert_go()
        assert "the step summary could not be written" in judged.out

    def test_step_summary(self, project: Project) -> None:
        """It is appended where GitHub wants it."""
        summary = project.folder / "summary"
        project.judge(GITHUB_STEP_SUMMARY=str(summary)).assert_go()
        assert "GO" in summary.read_text()

    def test_forked_child_publishes_nothing(self, project: Project) -> None:
        """The process that began the run has the last word."""
        body = "measure('x', 1)\n    if os.fork() == 0:\n        return\n    measure('y', 2, at_most=1)"
        with_check(project, body, "-s").assert_no_go("shop/own failed")

    def test_report_folder_is_removed(self, project: Project) -> None:
        """It is made again."""
        with_check(project, "import shutil\n    shutil.rmtree('reports')\n    measure('x', 1)").assert_go()

    @pytest.mark.parametrize("returned", ["[1]", "1", "[None]", "1 / 0"])
    def test_gates_that_are_none(self, project: Project, returned: str) -> None:
        """A plugin's mistake is named."""
        project.write("conftest.py", f"def pytest_readiness_gates():\n    return {returned}\n")
        judged = project.judge()
        assert judged.status == USAGE
        assert "pytest_readiness_gates()" in judged.out

    def test_own_file_of_a_built_in_name(self, project: Project) -> None:
        """Both are judged, under node ids of their own."""
        project.write(
            "checks/test_health.py", f"{OWN}@check('shop/own')\ndef test_endpoint(measure):\n    measure('x', 1)\n"
        )
        judged = project.judge("-v")
        judged.assert_go()
        assert "readiness/checks/test_health.py::test_endpoint[/health]" in judged.out
        assert len(judged.outcomes) == 4

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_printed_node_id_can_be_typed_back(self, project: Project, way: tuple[str, ...]) -> None:
        """It runs that check alone, and no GO comes of it: the others were not judged, the one that fails among them."""
        project.site.answers["/live"] = (503, "text/plain", "no")
        judged = project.judge("checks/test_health.py::test_endpoint[/health]", *way)
        judged.assert_no_go("health/endpoint[/live] not-run: this check was deselected")
        assert judged.outcomes == {
            "health/endpoint[/health]": "passed",
            "health/endpoint[/ready]": "not-run",
            "health/endpoint[/live]": "not-run",
        }
        assert project.site.requests == ["/health"]

    def test_printed_file_can_be_typed_back(self, project: Project) -> None:
        """It is all of the run where there is no other check, and a part of it, which is no GO, where there are."""
        project.judge("checks/test_health.py").assert_go()
        project.passing("till")
        judged = project.judge("checks/test_health.py")
        judged.assert_no_go("shop/till not-run", "or because others were named")
        assert judged.outcomes["health/endpoint[/live]"] == "passed"
        project.config(
            (project.folder / "readiness.toml").read_text()
            + '\n[redis]\n[env.staging.redis]\nurl = "redis://127.0.0.1:9/0"\n'
        )
        project.judge("checks/test_health.py").assert_no_go("redis/", "or because others were named")


class TestNamed:
    """Checks that the command line names by their node ids."""

    VERSION = '\n[health.version]\npath = "/health"\npointer = "/status"\nequals = "healthy"\n'

    def test_one_parameter_of_each_check(self, project: Project) -> None:
        """Every function was named, but not every parameter."""
        project.extend_config(self.VERSION)
        names = ["checks/test_health.py::test_endpoint[/health]", "checks/test_health.py::test_version"]
        judged = project.judge(names[0], "-v", names[1])
        judged.assert_no_go("health/endpoint[/ready] not-run", "health/endpoint[/live] not-run")
        assert judged.outcomes["health/version"] == judged.outcomes["health/endpoint[/health]"] == "passed"

    def test_all_of_them(self, project: Project) -> None:
        """Nothing is left out."""
        judged = project.judge("checks/test_health.py::test_endpoint")
        judged.assert_go()
        assert len(judged.outcomes) == 3

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_own_parameter(self, project: Project, way: tuple[str, ...]) -> None:
        """The same of one's own checks, whose parameters no table lists, and of the files beside."""
        body = "@pytest.mark.parametrize('n', [1, 2])\n@check('shop/n')\ndef test_n(n, measure):\n    measure('n', n, at_most=1)\n"
        project.write("checks/test_own.py", f"{OWN}{body}")
        project.passing("till")
        judged = project.judge("checks/test_own.py::test_n[1]", "checks/test_health.py::test_endpoint", *way)
        judged.assert_no_go("shop/n[2] not-run", "shop/till not-run")
        assert judged.outcomes["shop/n[1]"] == judged.outcomes["health/endpoint[/live]"] == "passed"

    def test_file_beside_a_check(self, project: Project) -> None:
        """A file is named as a whole, and a test that is no check runs beside."""
        project.passing("till")
        project.write("test_unit.py", "def test_unit():\n    pass\n")
        judged = project.judge("checks/test_health.py::test_endpoint", "checks/test_till.py", "test_unit.py")
        judged.assert_go()
        assert "5 passed" in judged.out

    def test_secrets_that_look_the_same(self, project: Project) -> None:
        """Parameters that differ in what is kept secret are told apart."""
        text = (project.folder / "readiness.toml").read_text()
        project.config(text.replace('"/ready", "/live"]', '"/x/${SHOP_A}", "/x/${SHOP_B}"]'))
        secrets = {"SHOP_A": "correct-horse-battery", "SHOP_B": "staple-of-another-kind"}
        first = next(id_ for id_ in project.judge(**secrets).outcomes if "/x/" in id_)
        node_id = first.replace("health/endpoint", "checks/test_health.py::test_endpoint")
        judged = project.judge("checks/test_health.py::test_endpoint[/health]", node_id, **secrets)
        judged.assert_no_go("not-run")
        assert sorted(judged.outcomes.values()) == ["not-run", "passed", "passed"]

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    @pytest.mark.parametrize("name", ["checks/test_health.py::test_nothing", "checks/test_till.py::test_till[1]"])
    def test_check_that_is_not_there(self, project: Project, name: str, way: tuple[str, ...]) -> None:
        """A typo is told by its name, although all that is there was named too."""
        project.passing("till")
        judged = project.judge(name, "checks/test_health.py::test_endpoint", "checks/test_till.py::test_till", *way)
        judged.assert_no_go(f"{name} is no check of this run")
        assert set(judged.outcomes.values()) == {"passed"}

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_no_check_that_is_there(self, project: Project, way: tuple[str, ...]) -> None:
        """Nothing runs, and nothing else runs instead."""
        project.write("test_unit.py", "def test_unit():\n    pass\n")
        project.judge("checks/test_health.py::test_nothing", *way).assert_no_go("health", status=5 if way else 1)
        assert project.site.requests == []

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    @pytest.mark.parametrize("option", ["--deselect {}", "--deselect={}", "-k not(live)"])
    def test_parameter_that_an_option_leaves_out(self, project: Project, option: str, way: tuple[str, ...]) -> None:
        """The value of an option names nothing that is to run."""
        project.site.answers["/live"] = (503, "text/plain", "no")
        args = option.format("checks/test_health.py::test_endpoint[/live]").split()
        judged = project.judge(*args, *way)
        judged.assert_no_go("health/endpoint[/live] not-run: this check was deselected")
        assert judged.outcomes["health/endpoint[/ready]"] == "passed"

    def test_last_failed_parameter(self, project: Project) -> None:
        """`--lf` repeats one parameter, and says nothing of the others."""
        project.site.answers["/live"] = (503, "text/plain", "no")
        project.judge().assert_no_go("health/endpoint[/live] failed")
        del project.site.answers["/live"]
        judged = project.judge("--lf")
        judged.assert_no_go("health/endpoint[/ready] not-run: this check was deselected")
        assert judged.outcomes["health/endpoint[/live]"] == "passed"

    def test_plan(self, project: Project) -> None:
        """It shows what was not named as such."""
        shown = project.judge("--collect-only", "checks/test_health.py::test_endpoint[/health]").out
        lines = [line for line in shown.splitlines() if line.startswith("health/endpoint")]
        assert [line.endswith("(deselected)") for line in lines] == [False, True, True]
        assert "python_functions" not in shown


class TestBounds:
    """Nothing outlives its time."""

    def test_check_that_swallows_the_deadline(self, project: Project) -> None:
        """A loop that catches everything is ended with the process."""
        body = "import time\n    while True:\n        try:\n            time.sleep(60)\n        except BaseException:\n            pass"
        started = time.monotonic()
        judged = with_check(project, body, "--readiness-deadline=2s", within_s=60)
        assert time.monotonic() - started < 45
        assert judged.status == 1
        assert judged.report["decision"] == "NO-GO"

    def test_observation_that_hangs(self, project: Project) -> None:
        """Its thread does not keep the process from ending."""
        project.write(
            "checks/test_own.py",
            f"{OWN}import time\n\n@check('shop/own', observe=lambda http: time.sleep(300))\ndef test_own(seen, measure):\n    measure('x', 1)\n",
        )
        judged = project.judge("--readiness-deadline=2s", within_s=60)
        judged.assert_no_go("deadline")


class TestSecrets:
    """Places that are easily forgotten."""

    SECRET = "correct-horse-battery-staple"

    def leaked(self, project: Project, *args: str) -> str:
        """Everything that the run showed."""
        text = (project.folder / "readiness.toml").read_text()
        project.config(text.replace('kind = "live"', 'kind = "live"\nheaders = { A-Token = "${SHOP_TOKEN}" }'))
        judged = project.judge(*args, SHOP_TOKEN=self.SECRET)
        files = [path for path in project.folder.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
        return judged.out + "".join(path.read_text("utf-8", "replace") for path in files)

    @pytest.mark.parametrize(
        "body",
        [
            "raise AssertionError('x' * 7981 + os.environ['SHOP_TOKEN'])",
            "import logging\n    try:\n        raise OSError(os.environ['SHOP_TOKEN'])\n    except OSError:\n        logging.getLogger('x').exception('lost')",
        ],
        ids=["cut message", "logged exception"],
    )
    def test_in_a_check(self, project: Project, body: str) -> None:
        """A message that is cut, and an exception that is logged."""
        project.write("checks/test_own.py", f"{OWN}@check('shop/own')\ndef test_own(measure):\n    {body}\n")
        shown = self.leaked(project, "--log-file=own.log")
        assert not any(self.SECRET[:end] in shown for end in range(12, len(self.SECRET)))

    @pytest.mark.parametrize("hook", ["pytest_terminal_summary", "pytest_unconfigure", "pytest_collection_finish"])
    def test_printed_by_a_plugin(self, project: Project, hook: str) -> None:
        """Whoever prints it."""
        project.write("conftest.py", f"import os\ndef {hook}():\n    print(os.environ['SHOP_TOKEN'])\n")
        assert self.SECRET not in self.leaked(project)

    def test_in_a_node_id(self, project: Project) -> None:
        """An endpoint with a key can be judged, and its key stands nowhere."""
        text = (project.folder / "readiness.toml").read_text()
        project.config(text.replace('"/live"]', '"/live?key=${SHOP_TOKEN}"]'))
        shown = self.leaked(project, "--junitxml=own.xml", "-v")
        assert self.SECRET not in shown
        assert f"/live?key={self.SECRET}" in project.site.requests
        assert os.path.exists(project.folder / "reports" / "staging" / "report.json")  # noqa: PTH110 - a plain question
        assert '"decision": "GO"' in shown
