"""Never GO by accident: everything that keeps a check from being measured ends in NO-GO, or in exit status 4."""

from __future__ import annotations

import copy
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import CONFIG, Project, wait_until
from tests.probes import peers
from tests.project import HEALTHY, serving_site

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

USAGE = 4
INTERRUPTED = 2


def assert_refused(project: Project, *words: str) -> None:
    """The run ends before anything is contacted, with a message that says what to do."""
    judged = project.judge()
    assert judged.status == USAGE, judged.out
    for word in words:
        assert word in judged.out, judged.out
    assert project.site.requests == []


class TestConfiguration:
    """What is refused, and what is judged as missing."""

    def test_no_gate_configured(self, project: Project) -> None:
        """A configuration that judges nothing is refused."""
        project.config(CONFIG.partition("[health]")[0])
        assert_refused(project, "configures no gate", "readiness init")

    def test_empty_endpoints(self, project: Project) -> None:
        """An empty list of endpoints measures nothing."""
        project.config(CONFIG.replace('["/health", "/ready", "/live"]', "[]"))
        assert_refused(project, "readiness.toml", "[health]", "endpoints")

    def test_missing_environment_variable(self, project: Project) -> None:
        """The message names the variable, and the table and key that need it."""
        project.config(CONFIG.replace('"{url}"', '"${SHOP_URL}"'))
        assert_refused(project, "SHOP_URL", "env.staging", "url")

    def test_unknown_environment(self, project: Project) -> None:
        """A typo in the environment's name."""
        judged = project.judge("--env=stagign", env=None)
        assert judged.status == USAGE
        assert "Did you mean 'staging'?" in judged.out

    def test_garbled_file(self, project: Project) -> None:
        """A file that is not TOML."""
        project.config("[env.staging\n")
        assert_refused(project, "readiness.toml", "line 1")

    def test_required_gate_without_table(self, project: Project) -> None:
        """The policy requires what nobody configured."""
        project.config(CONFIG.replace("[policy]", '[policy]\nrequired = ["health", "redis"]'))
        project.judge().assert_no_go("redis  not-configured: Gate redis is required but not configured")

    def test_gate_without_checks_yet(self, project: Project) -> None:
        """A table whose gate ran nothing cannot be passed."""
        project.write(
            "conftest.py",
            "from readiness.config.base import Table\nfrom readiness.gate import Gate\n"
            "class Billing(Table, frozen=True):\n    within: str = '1s'\n"
            "def pytest_readiness_gates():\n    return [Gate('billing', 'Cards can be charged', Billing, None)]\n",
        )
        project.extend_config("\n[billing]\n")
        project.judge().assert_no_go("Gate billing is required but none of its checks was collected")

    def test_unknown_and_reserved_gates(self, project: Project) -> None:
        """`--gate` takes known names only."""
        for gate, words in (("helth", "Did you mean 'health'?"), ("tls", "not available yet")):
            judged = project.judge(f"--gate={gate}")
            assert judged.status == USAGE, judged.out
            assert words in judged.out

    def test_unwritable_report_folder(self, project: Project) -> None:
        """Evidence that cannot be kept is refused before anything is contacted."""
        project.write("reports", "a file where a folder should be")
        assert_refused(project, "reports")

    def test_full_disk(self, project: Project) -> None:
        """Where the first NO-GO cannot be left behind, nothing is begun; a limit on files stands in for the disk."""
        project.write(
            "conftest.py",
            "import resource\nhard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))\n",
        )
        assert_refused(project, "reports/staging", "File too large")
        assert "Traceback" not in project.judge().out


class TestSelection:
    """What pytest leaves out was not judged."""

    def test_every_check_deselected(self, project: Project) -> None:
        """`-k` that matches nothing."""
        project.judge("-k", "nothing_like_it").assert_no_go("was deselected", status=5)

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_some_checks_deselected(self, project: Project, way: tuple[str, ...]) -> None:
        """`-k` that leaves one out."""
        project.judge("-k", "ready", *way).assert_no_go("health/endpoint[/live] not-run: this check was deselected")

    def test_python_functions_hides_ours(self, project: Project) -> None:
        """An ini option of the repository hides our test functions."""
        project.write("pytest.ini", "[pytest]\npython_functions = check_*\n")
        project.judge().assert_no_go("python_functions", status=5)

    def test_python_functions_hides_some(self, project: Project) -> None:
        """Part of a gate is hidden, the rest passes."""
        project.passing("till")
        project.write(
            "checks/test_more.py",
            "from readiness import check\n\n@check('shop/more')\ndef test_other(measure):\n    measure('x', 1)\n",
        )
        project.write("pytest.ini", "[pytest]\npython_functions = test_endpoint test_till\n")
        project.judge().assert_no_go("shop/more not-run", "python_functions")

    def test_items_removed_silently(self, project: Project) -> None:
        """A plugin drops items without telling pytest."""
        project.write("conftest.py", "def pytest_collection_modifyitems(items):\n    del items[1:]\n")
        project.judge().assert_no_go("health/endpoint[/ready] not-run")

    def test_checks_swallowed(self, project: Project) -> None:
        """A plugin says that it ran a check, and did not."""
        plugin = project.plugin("def pytest_runtest_protocol(item):\n    return 'ready' in item.nodeid or None\n")
        for way in ((), ("-n2",)):
            project.judge(*plugin, *way).assert_no_go("Incomplete: 1 of 3", "health/endpoint[/ready] not-run")

    TAKEN = "nothing is judged: --env is taken by this repository's conftest; use --readiness-env=NAME"

    def test_alias_taken_by_a_conftest(self, project: Project) -> None:
        """`--env` belongs to the repository: the last lines say that nothing was judged, and the long option works."""
        project.write("conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--env', default='dev')\n")
        project.write("test_unit.py", "def test_unit(request):\n    assert request.config.getoption('--env')\n")
        for args in ((), ("-q",), ("--no-header",), ("-n2",)):
            theirs = project.judge(*args)
            assert theirs.out.count(self.TAKEN) == 1, theirs.out
            assert not theirs.folder.exists()
        ours = project.judge("--readiness-env=staging", "--env=prod", env=None)
        ours.assert_go()
        assert "taken by this repository: --env" in ours.out
        assert self.TAKEN not in ours.out

    def test_alias_taken_where_pyproject_holds_the_configuration(self, project: Project) -> None:
        """Found as a run would find it, also in a folder above; without a configuration there is nothing to mistake."""
        project.write(
            "app/conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--env', default='dev')\n"
        )
        project.write("app/test_unit.py", "def test_unit():\n    pass\n")
        (project.folder / "readiness.toml").unlink()
        app = copy.copy(project)
        app.folder = project.folder / "app"
        assert self.TAKEN not in app.judge("-q").out
        project.write("pyproject.toml", '[tool.readiness.env.staging]\nkind = "live"\n')
        assert self.TAKEN in app.judge("-q").out

    def test_alias_taken_by_a_conftest_further_down(self, project: Project) -> None:
        """A conftest that pytest loads late may declare the name as long as nobody types it for us."""
        project.write("tests/api/conftest.py", "def pytest_addoption(parser):\n    parser.addoption('--env')\n")
        project.write("tests/api/test_unit.py", "def test_unit():\n    pass\n")
        judged = project.judge(env=None)
        assert judged.status == 0, judged.out


class TestChecks:
    """What a check does instead of measuring."""

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ("pytest.skip('not today')", "the check was skipped, so nothing was judged: not today"),
            ("pass", "neither measured nor asserted anything"),
            ("for x in []:\n        assert x", "neither measured nor asserted anything"),
            ("assert True", "neither measured nor asserted anything"),
            ("raise ConnectionError('lost')", "unmeasured: the check broke with ConnectionError: lost"),
            ("measure('rate', None, at_most=1)", "rate: observed nothing, expected at most 1"),
            ("measure('rate', float('nan'), at_most=1)", "rate: observed nan"),
            (
                "measure('rate', 2, at_most=1)\n    measure('other', 5, at_least=9)",
                "other: observed 5, expected at least 9",
            ),
            ("pytest.xfail('known')", "unmeasured: known"),
            ("pytest.fail('broken')", "failed: broken"),
            ("measure('odd', object())", "unmeasured"),
            ("measure(5, 1, equals=1)", "broke with TypeError: measure(5) takes text as name, not int"),
            (
                "measure('x', 5, at_most=float('nan'))",
                "broke with ValueError: measure('x') takes a finite number as at_most",
            ),
            ("assert 0, 'lone surrogate \\ud800'", "lone surrogate \\ud800"),
        ],
    )
    def test_check_that_does_not_measure(self, project: Project, body: str, word: str) -> None:
        """Skips, empty bodies, lost connections, missing values and odd text: at -n0 and at -n2."""
        project.write(
            "checks/test_own.py",
            f"import pytest\nfrom readiness import check\n\n@check('shop/own')\ndef test_own(measure):\n    {body}\n",
        )
        for way in ((), ("-n2",)):
            project.judge(*way).assert_no_go("shop/own", word)

    @pytest.mark.parametrize(
        ("body", "word"),
        [
            ("@sync\nasync def test_own():\n    assert 1 == 2\n", "the check returned coroutine"),
            ("@sync\ndef test_own():\n    assert 1 == 2\n    yield\n", "the check returned generator"),
            ("@sync\nasync def test_own():\n    assert 1 == 2\n    yield\n", "the check returned async_generator"),
            (
                "def test_own(measure):\n    measure('a', 1)\n    async def go():\n        assert 1 == 2\n    return go()\n",
                "the check returned coroutine",
            ),
            ("def test_own(measure):\n    measure('a', 1)\n    return 1 == 2\n", "the check returned bool"),
        ],
        ids=["coroutine", "generator", "async generator", "inner coroutine", "comparison"],
    )
    def test_check_that_returns_something(self, project: Project, body: str, word: str) -> None:
        """What it returned was never run, or is an answer that nobody reads."""
        head = (
            "import functools\nfrom readiness import check\n\ndef sync(f):\n    @functools.wraps(f)\n"
            "    def inner(*args, **kwargs):\n        return f(*args, **kwargs)\n    return inner\n\n"
        )
        project.write("checks/test_own.py", f"{head}@check('shop/own')\n{body}")
        judged = project.judge("-W", "error")
        judged.assert_no_go("shop/own unmeasured", f"{word} instead of asserting")
        assert "never awaited" not in judged.out

    def test_skipif_and_xfail_marks(self, project: Project) -> None:
        """Pytest's own marks do not let a check through."""
        project.write(
            "checks/test_own.py",
            "import pytest\nfrom readiness import check\n\n"
            "@pytest.mark.skipif(True, reason='no')\n@check('shop/skipped')\ndef test_a(measure):\n    measure('x', 1)\n\n"
            "@pytest.mark.xfail(reason='known')\n@check('shop/expected')\ndef test_b(measure):\n    measure('x', 1, at_most=0)\n",
        )
        project.judge().assert_no_go("shop/skipped unmeasured", "shop/expected failed")

    def test_fixture_that_breaks(self, project: Project) -> None:
        """Neither an error before nor one after the check is a pass."""
        project.write(
            "checks/test_own.py",
            "import pytest\nfrom readiness import check\n\n"
            "@pytest.fixture\ndef before():\n    assert 0\n\n@pytest.fixture\ndef after():\n    yield\n    raise OSError('gone')\n\n"
            "@check('shop/before')\ndef test_a(measure, before):\n    measure('x', 1)\n\n"
            "@check('shop/after')\ndef test_b(measure, after):\n    measure('x', 1)\n",
        )
        project.judge().assert_no_go("shop/before unmeasured", "shop/after unmeasured")

    def test_two_checks_with_one_id(self, project: Project) -> None:
        """One of them would hide the other."""
        for name in ("a", "b"):
            project.write(
                f"checks/test_{name}.py",
                "from readiness import check\n\n@check('shop/x')\ndef test_x(measure):\n    measure('x', 1)\n",
            )
        project.judge().assert_no_go("shop/x is declared twice")

    def test_check_file_that_cannot_be_imported(self, project: Project) -> None:
        """A syntax error in one's own checks."""
        project.passing("till")
        project.write("checks/test_broken.py", "def test_x(:\n")
        judged = project.judge()
        assert judged.status != 0
        assert judged.report["decision"] == "NO-GO"
        assert "could not be collected" in judged.why

    def test_flaky_pass(self, project: Project) -> None:
        """A pass after a retry is no clean pass."""
        project.write(
            "checks/test_own.py",
            "from readiness import check\nseen = []\n\n@check('shop/own')\ndef test_own(measure):\n"
            "    seen.append(1)\n    measure('tries', len(seen), at_least=2)\n",
        )
        project.judge("--reruns=2").assert_no_go("passed only after a retry (shop/own)")


class TestTheRunItself:
    """What goes wrong with pytest, its plugins and its processes."""

    def test_crashed_worker(self, project: Project) -> None:
        """The check that killed its worker observed nothing."""
        project.write(
            "checks/test_own.py",
            "import os\nfrom readiness import check\n\n@check('shop/own')\ndef test_own(measure):\n    os._exit(7)\n",
        )
        judged = project.judge("-n2")
        judged.assert_no_go("shop/own unmeasured: the process that ran this check crashed")
        assert judged.outcomes["health/endpoint[/health]"] == "passed"

    def test_internal_error_of_another_plugin(self, project: Project) -> None:
        """Pytest's exit status is 3, and the report says why."""
        plugin = project.plugin("def pytest_runtest_logfinish():\n    raise RuntimeError('plugin is broken')\n")
        project.judge(*plugin).assert_no_go("plugin is broken", status=3)

    def test_plugin_that_fails_at_session_start(self, project: Project) -> None:
        """Pytest skips its own end of session then; the report is there all the same."""
        project.write("conftest.py", "def pytest_sessionstart():\n    raise RuntimeError('cannot start')\n")
        for way in ((), ("-n2",)):
            project.judge(*way).assert_no_go("cannot start", status=3)

    @pytest.mark.parametrize("extra", [{}, {"PYTEST_XDIST_WORKER": "gw0"}], ids=["run", "run of a worker"])
    def test_conftest_that_fails_before_the_session(self, project: Project, extra: dict[str, str]) -> None:
        """The NO-GO of the start is there already when the first plugin is configured, and replaces an earlier GO."""
        project.judge().assert_go()
        project.write(
            "conftest.py",
            "import pytest\n\n@pytest.hookimpl(tryfirst=True)\ndef pytest_configure():\n    raise RuntimeError('too early')\n",
        )
        judged = project.judge(**extra)
        assert judged.status != 0
        assert judged.report["decision"] == "NO-GO"

    @pytest.mark.parametrize("hook", ["pytest_configure", "pytest_sessionstart"])
    def test_workers_that_fail_at_their_start(self, project: Project, hook: str) -> None:
        """Nothing was judged, and the controller says so."""
        body = "    if hasattr(getattr(config, 'config', config), 'workerinput'):\n        raise RuntimeError('broken worker')\n"
        argument = "config" if hook == "pytest_configure" else "session"
        project.write("conftest.py", f"def {hook}({argument}):\n    config = {argument}\n{body}")
        project.judge("-n2").assert_no_go("internal error", status=3)

    def test_plugin_that_ends_the_run_with_status_zero(self, project: Project) -> None:
        """`pytest.exit(returncode=0)` does not make a GO."""
        body = "    if 'ready' in item.nodeid:\n        pytest.exit('enough', returncode=0)\n"
        plugin = project.plugin(f"import pytest\ndef pytest_runtest_setup(item):\n{body}")
        project.judge(*plugin).assert_no_go("was interrupted by Exit: enough")

    def test_plugin_that_changes_the_exit_status(self, project: Project) -> None:
        """Where pytest does not end in 0, the report does not say GO."""
        project.write("conftest.py", "def pytest_sessionfinish(session):\n    session.exitstatus = 1\n")
        project.judge().assert_no_go("pytest ended with status 1")

    @pytest.mark.parametrize("way", [("-x",), ("-x", "-n2"), ("--maxfail=1",)])
    def test_stopped_at_the_first_failure(self, project: Project, way: tuple[str, ...]) -> None:
        """What was not reached is not-run."""
        project.site.answers["/health"] = (503, "text/plain", "no")
        judged = project.judge(*way)
        assert judged.status in (1, 2), judged.out
        assert judged.report["decision"] == "NO-GO"
        assert "health/endpoint[/health] failed" in judged.why
        if "-n2" in way:  # the other worker may have been at one of them
            assert "not-run" in judged.outcomes.values()
        else:
            assert judged.outcomes["health/endpoint[/ready]"] == judged.outcomes["health/endpoint[/live]"] == "not-run"

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    @pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
    def test_interrupted(self, project: Project, kind: signal.Signals, way: tuple[str, ...]) -> None:
        """Ctrl-C and SIGTERM leave a complete NO-GO with what was seen so far, and status 2."""
        mark = project.folder / "hangs"
        project.write(
            "checks/test_own.py",
            "import time, pathlib\nfrom readiness import check\n\n@check('shop/own')\ndef test_own(measure):\n"
            f"    pathlib.Path({str(mark)!r}).touch()\n    time.sleep(60)\n",
        )
        with project.judging(*way) as process:
            wait_until(mark.exists)
            os.kill(process.pid, kind)
            judged = project.finish(process)
        judged.assert_no_go(
            "was interrupted by Ctrl-C" if kind is signal.SIGINT else "ended by SIGTERM", status=INTERRUPTED
        )
        assert judged.outcomes.get("shop/own", "not-run") == "not-run"

    def test_killed(self, project: Project) -> None:
        """`kill -9` leaves the NO-GO that was written at the start."""
        mark = project.folder / "hangs"
        project.write(
            "checks/test_own.py",
            "import time, pathlib\nfrom readiness import check\n\n@check('shop/own')\ndef test_own(measure):\n"
            f"    pathlib.Path({str(mark)!r}).touch()\n    time.sleep(60)\n",
        )
        project.judge("-k", "nothing")  # an earlier report is in the way
        with project.judging() as process:
            wait_until(mark.exists)
            process.kill()
            judged = project.finish(process)
        assert judged.report["decision"] == "NO-GO"
        assert "did not finish" in judged.why
        assert "NO-GO" in (judged.folder / "report.html").read_text()
        assert "<error" in (judged.folder / "junit.xml").read_text()

    @pytest.mark.parametrize("way", [(), ("-n2",)])
    def test_deadline_reached(self, project: Project, way: tuple[str, ...]) -> None:
        """A check that hangs is ended when the budget is used up."""
        project.write(
            "checks/test_own.py",
            "import time\nfrom readiness import check\n\n@check('shop/own')\ndef test_own(measure):\n    time.sleep(60)\n",
        )
        started = time.monotonic()
        project.judge("--readiness-deadline=3s", *way, within_s=40).assert_no_go("The deadline of 3 s was reached")
        assert time.monotonic() - started < 30

    def test_report_folder_vanishes(self, project: Project) -> None:
        """Reports that cannot be written at the end are no GO."""
        project.write(
            "checks/test_own.py",
            "import shutil, pathlib\nfrom readiness import check\n\n@check('shop/own')\ndef test_own(measure, folder):\n"
            "    measure('x', 1)\n    shutil.rmtree(folder / 'reports')\n    (folder / 'reports').write_text('in the way')\n",
        )
        judged = project.judge()
        assert judged.status == 1, judged.out
        assert "The reports could not be written" in judged.out


class TestTarget:
    """What a target can do to whoever looks at it."""

    def test_not_json_where_json_is_expected(self, project: Project) -> None:
        """A 200 with something else in it."""
        project.config(CONFIG.replace('"/health", ', '{ path = "/health", json = { status = "healthy" } }, '))
        project.site.answers["/health"] = (200, "application/json", "<html>fine</html>")
        project.judge().assert_no_go("health/endpoint[/health] failed", "JSON")

    def test_wrong_value(self, project: Project) -> None:
        """A 200 whose body says otherwise."""
        project.config(CONFIG.replace('"/health", ', '{ path = "/health", json = { status = "healthy" } }, '))
        project.site.answers["/health"] = (200, "application/json", '{"status": "down"}')
        project.judge().assert_no_go("health/endpoint[/health] failed", "/status", "down")

    def test_wrong_version(self, project: Project) -> None:
        """Another release answers."""
        project.extend_config('\n[health.version]\npath = "/health"\npointer = "/version"\nequals = "2.0"\n')
        project.site.answers["/health"] = (200, "application/json", '{"version": "1.9"}')
        project.judge().assert_no_go("health/version failed", "1.9")

    @pytest.mark.parametrize(
        ("peer", "word"),
        [
            (peers.redirect_loop, "redirect"),
            (lambda: peers.one_gigabyte(announced=True), "8 MiB"),
            (lambda: peers.one_gigabyte(announced=False), "8 MiB"),
            (peers.one_byte_per_second, "byte"),
            (peers.garbage, "HTTP"),
            (peers.hanging_up, "closed"),
            (peers.silent, "10"),
        ],
        ids=["redirect-loop", "1-GB-announced", "1-GB", "one-byte-per-second", "garbage", "hang-up", "silent"],
    )
    def test_hostile_peer(self, project: Project, peer: Callable[[], AbstractContextManager[str]], word: str) -> None:
        """Redirect loops, huge bodies, a byte per second, nonsense: unmeasured in time, and with a message."""
        with peer() as url:
            project.config(CONFIG.replace("{url}", url))
            judged = project.judge(within_s=60)
        judged.assert_no_go("health/endpoint[/health] unmeasured", word)

    def test_name_that_does_not_resolve(self, project: Project) -> None:
        """DNS says no."""
        project.config(CONFIG.replace("{url}", "http://nothing.invalid"))
        project.judge().assert_no_go("health/endpoint[/health] unmeasured", "nothing.invalid")

    def test_nobody_listens(self, project: Project) -> None:
        """Connection refused: one clear blocker, found once, with the checks that it keeps from being measured."""
        project.config(CONFIG.replace("{url}", "http://127.0.0.1:9"))
        judged = project.judge()
        judged.assert_no_go("health/endpoint[/health] unmeasured", "refused")
        (reason,) = judged.report["reasons"]
        assert "This keeps 3 checks from being measured: health/endpoint[/health], " in reason["text"]
        assert [check["attempts"] for check in judged.report["checks"]] == [1, 1, 1]

    def test_service_that_comes_up_within_the_attempts(self, project: Project) -> None:
        """Reaching it took a retry, so that every pass is a flaky one."""
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            port = reserved.getsockname()[1]
        text = CONFIG.replace("samples = 1", 'samples = 1\nattempts = 100\nevery = "100ms"')
        project.config(text.replace("{url}", f"http://127.0.0.1:{port}"))
        with project.judging() as process:
            wait_until((project.folder / "reports" / "staging" / "report.json").exists)
            threading.Event().wait(1)  # the moment of the first attempt cannot be seen from outside
            with serving_site(port):
                judged = project.finish(process)
        judged.assert_no_go("3 checks passed only after a retry")

    @pytest.mark.parametrize("fault", ["self-signed", "expired", "wrong-host"])
    def test_untrusted_certificate(self, project: Project, tmp_path: Path, fault: str) -> None:
        """TLS errors are told as such."""
        with peers.tls_peer(fault, tmp_path) as peer:
            project.config(CONFIG.replace("{url}", peer.url))
            judged = project.judge(SSL_CERT_FILE=str(peer.authority))
        judged.assert_no_go("health/endpoint[/health] unmeasured", "certificate")


def test_attempts_are_counted_as_flaky(project: Project) -> None:
    """A pass after one of `attempts` is a flaky pass, which a GO may not contain by default."""
    project.config(CONFIG.replace("samples = 1", 'samples = 1\nattempts = 3\nevery = "10ms"'))
    project.site.answers["/ready"] = iter([(503, "text/plain", "no"), *[HEALTHY] * 9])
    judged = project.judge()
    judged.assert_no_go("1 check passed only after a retry (health/endpoint[/ready])")
    check = judged.check("health/endpoint[/ready]")
    assert (check["outcome"], check["attempts"]) == ("passed", 2)


def test_attempts_come_to_an_end(project: Project) -> None:
    """What fails each time has failed, after as many attempts as were allowed."""
    project.config(CONFIG.replace("samples = 1", 'samples = 1\nattempts = 3\nevery = "10ms"'))
    project.site.answers["/ready"] = (503, "text/plain", "no")
    judged = project.judge()
    judged.assert_no_go("health/endpoint[/ready] failed")
    assert judged.check("health/endpoint[/ready]")["attempts"] == 3


@pytest.mark.parametrize("keys", ["", ", writes=True"])
def test_method_of_a_test_case_is_no_check(project: Project, keys: str) -> None:
    """The unittest module calls it, past fixtures and limits, and forgives what an async one returns: it is not run."""
    project.write(
        "checks/test_own.py",
        "import pathlib, unittest\nfrom readiness import check\n\n"
        "class TestOwn(unittest.TestCase):\n"
        f"    @check('own/a'{keys})\n    async def test_a(self):\n        assert 1 == 2\n\n"
        f"    @check('own/b'{keys})\n    def test_b(self):\n        pathlib.Path('written').touch()\n        assert True is not False\n",
    )
    judged = project.judge()
    judged.assert_no_go(
        "check own/a is a method of a unittest.TestCase, which is not run as a check. Make it a function."
    )
    assert not (project.folder / "written").exists()


def test_assert_that_a_decorator_swallows_is_no_evidence(project: Project) -> None:
    """What it wraps may never be called, or its failure be forgiven: only what was measured counts then."""
    project.write(
        "checks/test_own.py",
        "import contextlib, functools\nfrom readiness import check\n\n"
        "def forgiving(function):\n    @functools.wraps(function)\n    def call(*args, **keys):\n"
        "        with contextlib.suppress(AssertionError):\n            function(*args, **keys)\n    return call\n\n"
        "@check('own/a')\n@forgiving\ndef test_a():\n    assert 1 == 2\n",
    )
    project.judge().assert_no_go("check own/a neither measured nor asserted anything")
