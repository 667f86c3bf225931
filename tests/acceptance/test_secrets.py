"""A value that came through `${NAME}` is in no report, log, terminal line, traceback or assertion introspection."""

from __future__ import annotations

import base64
import html
import json
import string
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.acceptance.conftest import CONFIG, Judged, Project

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s3cr+t/Väl ue&<'\"%7"
WITH_TOKEN = CONFIG.replace('kind = "live"', 'kind = "live"\nheaders = { Authorization = "Bearer ${SHOP_TOKEN}" }')

LEAKS = {
    "assertion": "assert os.environ['SHOP_TOKEN'] == 'something else'",
    "message": "raise AssertionError(f'token {os.environ[\"SHOP_TOKEN\"]} refused')",
    "error": "raise ConnectionError(os.environ['SHOP_TOKEN'])",
    "print": "print(os.environ['SHOP_TOKEN']); print(os.environ['SHOP_TOKEN'], file=sys.stderr); assert 0",
    "log": "logging.getLogger('shop').warning('token %s', os.environ['SHOP_TOKEN']); assert 0",
    "url": "raise OSError('https://me:' + urllib.parse.quote(os.environ['SHOP_TOKEN'], safe='') + '@host/')",
    "basic": "raise OSError('Basic ' + base64.b64encode(('me:' + os.environ['SHOP_TOKEN']).encode()).decode())",
    "repr": "raise OSError(repr({'Authorization': 'Bearer ' + os.environ['SHOP_TOKEN']}))",
    "json": "raise OSError(json.dumps([os.environ['SHOP_TOKEN']]))",
    "measurement": "measure('token', os.environ['SHOP_TOKEN'], equals='another')",
    "warning": "warnings.warn('token ' + os.environ['SHOP_TOKEN'])\n    assert 0",
    "introspection": "reply = {'headers': {'token': os.environ['SHOP_TOKEN']}}\n    assert reply['headers'] == {}",
    "long": "assert 'x' * 300 + os.environ['SHOP_TOKEN'] + 'y' * 300 == 'z'",
}
IMPORTS = "import base64, json, logging, os, sys, urllib.parse, warnings\nfrom readiness import check\n"


def leaking(name: str) -> str:
    return f"{IMPORTS}\n@check('shop/{name}')\ndef test_{name}(measure):\n    {LEAKS[name]}\n"


def shown(judged: Judged, *more: Path) -> dict[str, str]:
    """Everything that a run leaves for people and machines."""
    files = [path for path in judged.folder.rglob("*") if path.is_file()]
    return {"terminal": judged.out} | {str(path): path.read_text("utf-8", "replace") for path in (*files, *more)}


def assert_not_shown(secret: str, judged: Judged, *more: Path) -> None:
    forms = {
        secret,
        html.escape(secret),
        quote(secret, safe=""),
        repr(secret)[1:-1],
        base64.b64encode(secret.encode()).decode()[4:-4],
    }
    for place, text in shown(judged, *more).items():
        for form in forms:
            assert form not in text, f"{form!r} stands in {place}"


@pytest.mark.parametrize(
    "way",
    [(), ("-n2",), ("-s", "-rA", "-vv", "--showlocals", "--log-cli-level=DEBUG", "--log-file=own.log")],
    ids=" ".join,
)
def test_no_form_of_a_secret_is_shown(project: Project, way: tuple[str, ...]) -> None:
    """Each way in which a check can let it slip, in one run."""
    project.config(WITH_TOKEN)
    for name in LEAKS:
        project.write(f"checks/test_{name}.py", leaking(name))
    judged = project.judge(*way, "--junitxml=own.xml", SHOP_TOKEN=SECRET)
    judged.assert_no_go(*(f"shop/{name}" for name in LEAKS))
    logs = [path for path in [project.folder / "own.log"] if path.exists()]
    assert_not_shown(SECRET, judged, project.folder / "own.xml", *logs)


def test_secret_reaches_the_target_all_the_same(project: Project) -> None:
    """It is hidden, not lost."""
    project.config(WITH_TOKEN)
    project.write(
        "checks/test_own.py",
        "from readiness import check\n\n@check('shop/own')\ndef test_own(env, measure):\n"
        "    measure('token', env.headers['Authorization'] == 'Bearer correct horse', equals=True)\n",
    )
    project.judge(SHOP_TOKEN="correct horse").assert_go()


def test_configuration_errors_show_no_secret(project: Project) -> None:
    """A wrong value that came from a variable is not repeated."""
    project.config(CONFIG.replace('"{url}"', '"${SHOP_URL}"'))
    judged = project.judge(SHOP_URL="not-a-url-but-secret")
    assert judged.status == 4, judged.out
    assert "not-a-url-but-secret" not in judged.out
    assert "SHOP_URL" in judged.out


def test_dead_database_shows_no_password(project: Project) -> None:
    """Neither the DSN nor its password stands in the message of a refused connection."""
    project.config(CONFIG.replace('kind = "live"', 'kind = "live"\ndatabase.url = "${SHOP_DSN}"') + "\n[database]\n")
    judged = project.judge(SHOP_DSN="postgresql://me:tops3cret!@127.0.0.1:9/shop")
    judged.assert_no_go("database/connects unmeasured", "refused")
    assert_not_shown("tops3cret!", judged)


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=" ".join)
def test_echoed_password_of_an_address_is_not_shown(project: Project, way: tuple[str, ...]) -> None:
    """A service that echoes its Authorization header shows the password decoded, and in base64 with its user."""

    def echo(method: str, path: str, body: bytes, authorization: str) -> tuple[int, str, str]:
        user = base64.b64decode(authorization.partition(" ")[2]).decode()
        return 500, "application/json", json.dumps({"authorization": authorization, "user": user})

    project.site.apps.append(echo)
    project.config(CONFIG.replace("{url}", project.site.url.replace("//", "//user:${SHOP_PASSWORD}@")))
    judged = project.judge(*way, "-rA", "--junitxml=own.xml", SHOP_PASSWORD="p%40ssw0rd%2Fabc99")
    judged.assert_no_go("health/endpoint[/health]", "500")
    assert project.site.requests, "the service was never asked"
    for secret in ("p%40ssw0rd%2Fabc99", "p@ssw0rd/abc99", "user:p@ssw0rd/abc99"):
        assert_not_shown(secret, judged, project.folder / "own.xml")


TOKEN = "tok-1234-abcd-5678"
GIVEN_AWAY = {
    "import": "import os\nraise RuntimeError(os.environ['SHOP_TOKEN'])\n",
    "skip": "import os, pytest\npytest.skip(os.environ['SHOP_TOKEN'], allow_module_level=True)\n",
    "property": """
import os
from readiness import check

@check("shop/property")
def test_property(measure, record_property, record_testsuite_property, record_xml_attribute):
    record_property("token", os.environ["SHOP_TOKEN"])
    record_property("tokens", [os.environ["SHOP_TOKEN"]])
    record_testsuite_property("token", os.environ["SHOP_TOKEN"])
    record_xml_attribute("token", os.environ["SHOP_TOKEN"])
    measure("x", 1)
""",
    "parameter": """
import os
import pytest
from readiness import check

@check("shop/parameter")
@pytest.mark.parametrize("v", [os.environ["SHOP_TOKEN"], os.environ["SHOP_TOKEN"].encode()])
def test_parameter(v, measure):
    measure("x", 1, equals=2)
""",
    "xfail": """
import os
import pytest
from readiness import check

@check("shop/xfail")
def test_xfail():
    pytest.xfail(os.environ["SHOP_TOKEN"])
""",
    "hook": """
import os

def pytest_runtest_logfinish():
    raise RuntimeError(os.environ["SHOP_TOKEN"])
""",
}


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=" ".join)
@pytest.mark.parametrize("leaks", [("import",), ("hook",), ("skip", "property", "parameter", "xfail")], ids=" ".join)
def test_files_of_pytest_show_no_secret(project: Project, leaks: tuple[str, ...], way: tuple[str, ...]) -> None:
    """What a check gives away to pytest is neither in the file of --junitxml nor in its cache."""
    project.config(WITH_TOKEN)
    for leak in leaks:
        project.write("plug.py" if leak == "hook" else f"checks/test_{leak}.py", GIVEN_AWAY[leak])
    plugin = ("-p", "plug") if "hook" in leaks else ()
    judged = project.judge(*plugin, "--junitxml=own.xml", "-o", "junit_family=xunit1", *way, SHOP_TOKEN=TOKEN)
    own = project.folder / "own.xml"
    assert "***" in ET.tostring(ET.parse(own).getroot(), "unicode"), "the leak did not get that far"
    kept = [path for path in (project.folder / ".pytest_cache").rglob("*") if path.is_file()]
    assert kept, judged.out
    assert_not_shown(TOKEN, judged, own, *kept)


@pytest.mark.parametrize("way", [(), ("-n2",)])
def test_explicit_ids_of_parameters_are_redacted(project: Project, way: tuple[str, ...]) -> None:
    """They go round pytest's hook; the check still counts, and pytest's cache holds no secret."""
    project.config(CONFIG.replace("[health]", 'headers = { A = "Bearer ${TOK}" }\n[health]'))
    project.write(
        "checks/test_own.py",
        "import os, pytest\nfrom readiness import check\nTOK = os.environ['TOK']\n\n"
        "@check('own/a')\n@pytest.mark.parametrize('v', [1, pytest.param(2, id=f'x-{TOK}')], ids=[TOK, 'other'])\n"
        "def test_own(v, measure):\n    measure('v', v, equals=1)\n",
    )
    judged = project.judge(*way, "--junitxml=own.xml", TOK="hidden-7c1e55d2")
    judged.assert_no_go("own/a")
    assert sorted(each for key, each in judged.outcomes.items() if key.startswith("own/")) == ["failed", "passed"]
    files = [
        path
        for path in project.folder.rglob("*")
        if path.is_file() and "hidden-7c1e55d2" in path.read_text("utf-8", "replace")
    ]
    assert files == []
    assert "hidden-7c1e55d2" not in judged.out


def test_debugging_by_a_variable_is_refused(project: Project) -> None:
    """PYTEST_DEBUG prints past all redaction."""
    judged = project.judge(PYTEST_DEBUG="1")
    assert judged.status == 4
    assert "PYTEST_DEBUG prints every argument of every hook" in judged.out


@pytest.mark.parametrize("option", ["--debug=own.log", "--pastebin=failed"])
def test_options_that_would_show_secrets_are_refused(project: Project, option: str) -> None:
    """What pytest writes past all redaction is not written at all."""
    project.config(WITH_TOKEN)
    judged = project.judge(option, SHOP_TOKEN=TOKEN)
    assert judged.status == 4, judged.out
    assert f"{option.partition('=')[0]} " in judged.out
    assert "secrets of staging" in judged.out
    assert not (project.folder / "own.log").exists()
    assert not project.site.requests


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text(string.printable.strip() + "äß€😀 ", min_size=9, max_size=60)
    .map(str.strip)
    .filter(lambda text: len(text) > 8)
)
def test_random_secrets(project: Project, secret: str) -> None:
    """Whatever the value looks like."""
    project.config(WITH_TOKEN)
    for name in ("assertion", "json", "basic", "print"):
        project.write(f"checks/test_{name}.py", leaking(name))
    judged = project.judge("-p", "no:cacheprovider", SHOP_TOKEN=secret)
    assert judged.status == 1, judged.out
    assert_not_shown(secret, judged)
