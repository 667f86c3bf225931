"""What a user sees of a run: the same decision however pytest is called, and nothing at all without --env."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import xmlschema

from readiness.gate import builtin_gates
from tests.acceptance.conftest import CONFIG, Judged, Project

JUNIT_PROFILE = Path(__file__).parents[1] / "reports" / "xsd" / "profile.xsd"
WAYS = [
    (),
    ("-n2",),
    ("-n2", "--dist=loadgroup"),
    ("-p", "no:cacheprovider"),
    ("--import-mode=importlib",),
    ("--import-mode=append",),
    ("-p", "randomly"),
    ("--reruns=1",),
    ("--timeout=30",),
    ("--cov=checks", "--cov-report="),
    ("--cov-report=", "--cov"),
    ("-q", "--tb=no", "--capture=no"),
    ("--strict-markers", "--strict-config"),
    ("-W", "error"),
]


def passed(judged: Judged) -> None:
    judged.assert_go()
    assert judged.outcomes == {f"health/endpoint[/{name}]": "passed" for name in ("health", "ready", "live")}


@pytest.mark.parametrize("way", WAYS, ids=lambda way: " ".join(way) or "plain")
def test_same_decision_however_pytest_is_called(project: Project, way: tuple[str, ...]) -> None:
    """GO on a healthy target and NO-GO on a sick one, with the same outcomes."""
    passed(project.judge(*way))
    project.site.answers["/ready"] = (503, "application/json", '{"status": "down"}')
    sick = project.judge(*way)
    sick.assert_no_go("health/endpoint[/ready] failed", "status: observed 503, expected exactly 200")
    assert sick.outcomes["health/endpoint[/live]"] == "passed"


@pytest.mark.parametrize("xdist", ["xdist", "xdist.plugin"])
def test_plugins_loaded_by_name(project: Project, xdist: str) -> None:
    """Without pytest's autoload, and by either name that pytest-xdist has."""
    loaded = ("-p", "readiness.plugin", "-p", xdist)
    passed(project.judge(*loaded, "-n2", PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"))


@pytest.mark.parametrize("form", [["--env=staging"], ["--env", "staging"], ["--readiness-env=staging"]])
def test_environment_can_be_named_in_each_form(project: Project, form: list[str]) -> None:
    """The alias with and without an equals sign, and the long option."""
    passed(project.judge(*form, env=None))


@pytest.mark.parametrize("way", [("--maybe",), ("--browsers", "a", "b"), ("--maybe", "-n2"), ("--",)], ids=" ".join)
def test_option_at_the_end_takes_no_check_file(project: Project, way: tuple[str, ...]) -> None:
    """An option of the repository whose values may be left out does not take the check files for them."""
    project.write(
        "conftest.py",
        "def pytest_addoption(parser):\n"
        "    parser.addoption('--maybe', nargs='?')\n    parser.addoption('--browsers', nargs='*')\n",
    )
    passed(project.judge(*way))


def test_debug_at_the_end_overwrites_no_check_file(project: Project) -> None:
    """Pytest writes its own file, and not the installed check file that came next."""
    file = next(gate.file for gate in builtin_gates() if gate.name == "health")
    assert file is not None
    before = file.read_bytes()
    try:
        project.judge("--debug")
        assert file.read_bytes() == before
    finally:
        file.write_bytes(before)


def test_value_of_an_option_is_no_selection(project: Project) -> None:
    """A node id behind `--deselect` is not taken for one of those that are to run."""
    judged = project.judge("--deselect", "checks/test_health.py::test_endpoint[/live]")
    judged.assert_no_go("health/endpoint[/live] not-run: this check was deselected")
    assert judged.outcomes["health/endpoint[/ready]"] == "passed"


def test_env_through_addopts(project: Project) -> None:
    """PYTEST_ADDOPTS and the ini file count like the command line."""
    passed(project.judge(env=None, PYTEST_ADDOPTS="--env=staging"))
    passed(project.judge("-n2", env=None, PYTEST_ADDOPTS="--env=staging"))
    project.write("pytest.ini", "[pytest]\naddopts = --env=staging -n2\n")
    passed(project.judge(env=None))


def test_header_is_one_line_with_environment_config_and_reports(project: Project) -> None:
    """A user sees at once what is judged by which file, and where reports go."""
    lines = [line for line in project.judge().out.splitlines() if line.startswith("readiness: judging")]
    assert lines == ["readiness: judging staging (live, protected) by readiness.toml; reports in reports/staging"]


def test_node_ids_are_clean(project: Project) -> None:
    """Built-in checks have the same short node ids wherever they are installed."""
    assert "checks/test_health.py::test_endpoint[/health] PASSED" in project.judge("-v").out


def test_last_failed_runs_only_what_failed(project: Project) -> None:
    """`--lf` works, and says that what it left out was not judged."""
    project.site.answers["/ready"] = (503, "text/plain", "no")
    project.judge().assert_no_go()
    project.site.answers.clear()
    project.site.requests.clear()
    judged = project.judge("--lf")
    judged.assert_no_go("was deselected")
    assert project.site.requests == ["/ready"]


def test_own_tests_run_only_when_named(project: Project) -> None:
    """A readiness run does not start the unit tests; those named run beside the checks, and count."""
    project.write("tests/test_unit.py", "def test_unit():\n    assert False\n")
    passed(project.judge())
    for way in (("tests/test_unit.py",), ("--maxfail=9", "--", "tests/test_unit.py")):
        beside = project.judge(*way)
        beside.assert_no_go("Tests that ran beside the checks failed: tests/test_unit.py::test_unit")


def test_own_checks_run_beside_the_builtin_ones(project: Project) -> None:
    """The folder `checks/` of the repository belongs to the run."""
    project.passing("till", "stock")
    judged = project.judge()
    judged.assert_go()
    assert {"shop/till", "shop/stock"} <= set(judged.outcomes)
    assert [gate["name"] for gate in judged.report["gates"]] == ["health", "shop"]


def test_own_checks_are_skipped_without_an_environment(project: Project) -> None:
    """An ordinary pytest run over the repository neither fails nor runs them."""
    project.passing("till")
    judged = project.judge(env=None)
    assert judged.status == 0, judged.out
    assert "1 skipped" in judged.out
    assert "readiness: judging" not in judged.out


def test_conftest_fixtures_do_not_replace_ours(project: Project) -> None:
    """Many repositories have a fixture `database` or `http`; the built-in checks keep their own."""
    names = ("env", "http", "database", "cache", "table", "seen", "measure", "findings", "folder")
    body = "".join(f"@pytest.fixture\ndef {name}():\n    raise RuntimeError('not yours')\n" for name in names)
    project.write("conftest.py", f"import pytest\n{body}")
    passed(project.judge())


def test_own_test_module_of_the_same_name_does_not_clash(project: Project) -> None:
    """A repository has its own test_health.py."""
    project.write("tests/test_health.py", "def test_unit():\n    pass\n")
    project.judge("tests/test_health.py").assert_go()


def test_collect_only_is_a_plan_that_contacts_nothing(project: Project) -> None:
    """The plan lists each check; the target is not asked and no report is written."""
    judged = project.judge("--collect-only")
    assert judged.status == 0, judged.out
    assert "health/endpoint[/health]" in judged.out
    assert "nothing is contacted or started" in judged.out
    assert project.site.requests == []
    assert not judged.folder.exists()


def test_plan_names_missing_variables(project: Project) -> None:
    """What a real run would refuse is part of the plan."""
    text = Path(project.folder / "readiness.toml").read_text()
    project.config(text.replace('kind = "live"', 'kind = "live"\nheaders = { Authorization = "Bearer ${SHOP_TOKEN}" }'))
    judged = project.judge("--collect-only")
    assert judged.status == 0, judged.out
    assert "SHOP_TOKEN is not set" in judged.out


def test_junitxml_of_pytest_itself(project: Project) -> None:
    """Pytest's own JUnit file counts the same cases."""
    project.judge("--junitxml=own.xml").assert_go()
    suite = ET.parse(project.folder / "own.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "0", "0")


def test_advisory_and_waived_failures_do_not_fail_pytest(project: Project) -> None:
    """They are pytest's expected failures, and the report says which they are."""
    project.extend_config("""
[[waiver]]
check = "health/endpoint[/ready]"
reason = "known"
owner = "me"
expires = 2999-12-31
""")
    text = (project.folder / "readiness.toml").read_text()
    project.config(text.replace('deadline = "60s"', 'deadline = "60s"\nadvisory = ["health/endpoint[/live]"]'))
    for path in ("/ready", "/live"):
        project.site.answers[path] = (503, "text/plain", "no")
    for way in ((), ("-n2",)):
        judged = project.judge(*way)
        judged.assert_go()
        assert judged.outcomes["health/endpoint[/ready]"] == "waived"
        assert judged.outcomes["health/endpoint[/live]"] == "advisory"
        assert "2 xfailed" in judged.out
        assert judged.report["gates"][0]["verdict"] == "waived"


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_ids_have_the_letters_of_the_configuration(project: Project, way: tuple[str, ...]) -> None:
    """A waiver names what is not ASCII as it stands in the configuration, and pytest escapes it in node ids alone."""
    project.write(
        "checks/test_own.py",
        "import pytest\nfrom readiness import check\n\n@pytest.mark.parametrize('city', ['İzmir', 'a\\\\b\\n'])\n"
        "@check('shop/city')\ndef test_city(measure, city):\n    measure('x', 1, at_most=0)\n",
    )
    waivers = ("health/endpoint[/sağlam]", "shop/city[İzmir]", "shop/city[a\\b\\n]")
    project.config(
        CONFIG.replace("/live", "/sağlam")
        + "".join(
            f"[[waiver]]\ncheck = '{check}'\nreason = 'known'\nowner = 'me'\nexpires = 2999-12-31\n"
            for check in waivers
        )
    )
    project.site.answers["/sa%C4%9Flam"] = (503, "text/plain", "no")
    judged = project.judge(*way, PYTHONIOENCODING="ascii")
    judged.assert_go()
    assert {check: judged.outcomes[check] for check in waivers} == dict.fromkeys(waivers, "waived")
    assert {waiver["state"] for waiver in judged.report["waivers"]} == {"active"}
    assert "health/endpoint[/sağlam]" in project.judge("--collect-only", *way).out


def test_gate_option_narrows_the_run_and_says_so(project: Project) -> None:
    """The decision covers only the named gates, and the report says that it is partial."""
    project.passing("till")
    judged = project.judge("--gate=shop")
    judged.assert_go()
    assert judged.report["partial"] is True
    assert project.site.requests == []
    assert list(judged.outcomes) == ["shop/till"]


def test_reports_agree_with_each_other(project: Project) -> None:
    """report.json, junit.xml and the terminal count the same, and junit.xml is valid."""
    project.site.answers["/ready"] = (503, "text/plain", "no")
    judged = project.judge()
    xmlschema.validate(judged.folder / "junit.xml", JUNIT_PROFILE)
    suites = ET.parse(judged.folder / "junit.xml").getroot()
    cases = [case for case in suites.iter("testcase") if "health" in (case.get("classname") or "")]
    assert len(cases) == len(judged.report["checks"]) == 3
    assert len([case for case in cases if case.find("failure") is not None]) == 1
    assert "<h1" in (judged.folder / "report.html").read_text()


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_earlier_reports_are_kept_as_history(project: Project, way: tuple[str, ...]) -> None:
    """The last finished report moves to history/; the placeholder of a run under way never does."""
    first = project.judge(*way).report["run"]["id"]
    judged = project.judge(*way)
    kept = [json.loads(path.read_text())["run"]["id"] for path in (judged.folder / "history").glob("*.json")]
    assert kept == [first]


@pytest.mark.parametrize(
    ("deadline", "option", "words"),
    [
        ("200000d", (), "[policy] deadline of readiness.toml: the run would have 200,000.0 days"),
        ("60s", ("--readiness-deadline=15d",), "--readiness-deadline=15d: the run would have 15.0 days"),
    ],
)
def test_budget_that_no_timer_counts_is_refused(
    project: Project, deadline: str, option: tuple[str, ...], words: str
) -> None:
    """A deadline that can never come is none, and the timer that would watch it breaks."""
    project.config(CONFIG.replace('"60s"', f'"{deadline}"'))
    judged = project.judge(*option)
    assert judged.status == 4, judged.out
    assert words in judged.out
    assert "more than 14 are no bound" in judged.out
    assert project.site.requests == []
