"""Each rule finds what it is for, and not what only looks like it; bandit and ruff mean the same by a number."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from readiness.config.security_tables import Bandit
from readiness.model import Finding
from readiness.static.code import observe
from readiness.static.code.rules import OTHER, RULES, UNSCANNED, remedy_of, rule_of, severity_of
from tests.static.listing import budget, lister, write

CHECK = "security-scan/code"
_WORD = "correct-" + "horse"
EXAMPLES: dict[str, tuple[list[str], list[str]]] = {
    "assert-in-code": (
        ["assert user.is_admin", "def f(n):\n    assert n, 'none'"],
        ["if not user.is_admin:\n    raise PermissionError", "assert_that(user)"],
    ),
    "code-execution": (
        ["eval(text)", "exec(text)"],
        ["import ast\nast.literal_eval(text)", "model.eval()"],
    ),
    "unsafe-file": (
        ["import os\nos.chmod(name, 0o777)", "import tempfile\ntempfile.mktemp()", "open('/tmp/report')"],
        ["import os\nos.chmod(name, 0o600)", "import tempfile\ntempfile.mkstemp()"],
    ),
    "open-binding": (["host = '0.0.0.0'", "s.bind(('0.0.0.0', 80))"], ["host = '127.0.0.1'", "s.bind(('10.0.0.0', 80))"]),
    "password-in-code": (
        [f"password = '{_WORD}'", f"login(password='{_WORD}')"],
        ["password = os.environ['PASSWORD']", f"passage = '{_WORD}'"],
    ),
    "swallowed-error": (
        ["try:\n    f()\nexcept Exception:\n    pass", "for a in b:\n    try:\n        f()\n    except:\n        continue"],
        ["try:\n    f()\nexcept KeyError:\n    pass", "try:\n    f()\nexcept Exception:\n    log()"],
    ),
    "no-time-limit": (
        ["import requests\nrequests.get(url)", "import requests\nrequests.post(url, timeout=None)"],
        ["import requests\nrequests.get(url, timeout=5)", "session.get(url)"],
    ),
    "debug-mode": (
        [f"from flask import Flask\napp = Flask('{name}')\napp.run(debug=True)" for name in ("a", "b")],
        ["from flask import Flask\napp = Flask('a')\napp.run()", "from flask import Flask\napp = Flask('a')\napp.run(debug=False)"],
    ),
    "unsafe-archive": (
        ["import tarfile\ntarfile.open(name).extractall()", "import tarfile\nt = tarfile.open(n)\nt.extractall('/data')"],
        ["import tarfile\ntarfile.open(n).extractall(filter='data')", "archive.extractall()"],
    ),
    "unsafe-deserialisation": (
        ["import pickle\npickle.loads(data)", "import yaml\nyaml.load(data)", "import marshal\nmarshal.loads(data)"],
        ["import json\njson.loads(data)", "import yaml\nyaml.safe_load(data)"],
    ),
    "weak-cryptography": (
        ["import hashlib\nhashlib.md5(data)", "import random\ntoken = random.random()"],
        ["import hashlib\nhashlib.sha256(data)", "import hashlib\nhashlib.md5(data, usedforsecurity=False)", "import secrets\nsecrets.token_hex()"],
    ),
    "unencrypted-connection": (
        ["import telnetlib", "import ftplib", "import urllib.request\nurllib.request.urlopen(url)"],
        ["import urllib.parse", "import ssl\nssl.create_default_context()"],
    ),
    "unsafe-xml": (
        ["import xml.etree.ElementTree as e\ne.parse(name)", "import xml.dom.minidom\nxml.dom.minidom.parseString(t)"],
        ["import defusedxml.ElementTree as e\ne.parse(name)", "from xml_of_mine import parse\nparse(t)"],
    ),
    "unverified-connection": (
        ["import requests\nrequests.get(url, verify=False, timeout=5)", "import ssl\nssl._create_unverified_context()"],
        ["import requests\nrequests.get(url, verify=True, timeout=5)", "import ssl\nssl.create_default_context()"],
    ),
    "command-injection": (
        ["import os\nos.system('rm ' + name)", "import subprocess\nsubprocess.run('ls ' + name, shell=True)"],
        ["import os\nos.listdir(name)", "run(['/bin/ls', name], shell=False)"],
    ),
    "sql-injection": (
        ["sql = 'SELECT a FROM t WHERE n = ' + name", "sql = f\"DELETE FROM t WHERE n = '{name}'\""],
        ["db.execute('SELECT a FROM t WHERE n = %s', [name])", "text = 'an update of ' + name", "text = f'selected by {name}'"],
    ),
    "unescaped-template": (
        ["import jinja2\njinja2.Environment()", "from mako.template import Template\nTemplate(text)"],
        ["import jinja2\njinja2.Environment(autoescape=True)", "from string import Template\nTemplate(text)"],
    ),
    "open-logging": (
        ["import logging.config\nlogging.config.listen(9999)", "from logging.config import listen\nt = listen(1)"],
        ["import logging.config\nlogging.config.dictConfig({})", "socket.listen(9999)"],
    ),
    "misleading-source": (
        ["# \u202e reversed\u202c", "name = 'a\u2066b\u2069'"],
        ["# \u05e9\u05dc\u05d5\u05dd", "name = 'a\\u2066b'"],
    ),
    "unscanned-code": (["print 'two'", "x = ("], ["print('three')", "x = ()"]),
}  # fmt: skip
"""Rule to what it must find, and what it must not."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], list[Finding]]:
    """Kind and name of each example to what bandit finds in it."""
    folder = tmp_path_factory.mktemp("examples-of-rules")
    kinds = ("finds", "misses")
    for rule, texts in EXAMPLES.items():
        for kind, examples in zip(kinds, texts, strict=True):
            write(folder, {f"code/{kind}/{rule}/n{n}.py": text + "\n" for n, text in enumerate(examples)})
    table = Bandit(paths=["code"], severity="low", confidence="low")
    scanned = observe(table, folder=folder, budget=budget(), cache=None, files=lister(folder))
    by_file: dict[tuple[str, str], list[Finding]] = {}
    for finding in scanned.of(CHECK):
        _, kind, rest = finding.path.split("/", 2)
        by_file.setdefault((kind, rest), []).append(finding)
    return by_file


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_finds_what_it_is_for(rule: str, found: dict[tuple[str, str], list[Finding]]) -> None:
    """Each example has a finding of that rule, which has words and a remedy."""
    examples, misses = EXAMPLES[rule]
    assert len(examples) >= 2
    assert len(misses) >= 2
    for number in range(len(examples)):
        findings = found.get(("finds", f"{rule}/n{number}.py"), [])
        ours = [each for each in findings if each.rule == f"security-scan/{rule}"]
        assert ours, examples[number]
        assert all(each.text and each.remedy for each in ours)


@pytest.mark.parametrize("rule", EXAMPLES)
def test_rule_leaves_alone_what_only_looks_like_it(rule: str, found: dict[tuple[str, str], list[Finding]]) -> None:
    """No near miss has a finding of that rule."""
    for number, text in enumerate(EXAMPLES[rule][1]):
        findings = found.get(("misses", f"{rule}/n{number}.py"), [])
        assert not [each for each in findings if each.rule == f"security-scan/{rule}"], text


def test_every_rule_has_examples() -> None:
    """But that for tests which this package does not know."""
    assert {rule.id for rule in RULES} - {OTHER} == {f"security-scan/{name}" for name in EXAMPLES}


@pytest.fixture(scope="module")
def levels() -> dict[str, str]:
    """Number of each of bandit's tests to its severity; empty where the test itself decides.

    From a process of its own: importing bandit warns, and changes how warnings look.
    """
    script = (
        "import json; from bandit.core.extension_loader import MANAGER as m;"
        "print(json.dumps({i: '' for i in m.plugins_by_id} | {i: e['level'] for i, e in m.blacklist_by_id.items()}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {id_.removeprefix("B"): level.lower() for id_, level in json.loads(done.stdout).items()}


def test_every_test_of_bandit_belongs_to_a_rule(levels: dict[str, str]) -> None:
    """A new version's new test has a family, or this fails and says which; until then its findings have the last rule."""
    assert sorted(number for number in levels if rule_of(number) == OTHER) == []
    assert rule_of("999") == OTHER
    assert "B999" in remedy_of("999")


def test_severities_are_bandits(levels: dict[str, str]) -> None:
    """What ruff's findings are weighed by is what bandit gives them where it has one severity for a test."""
    fixed = {number: level for number, level in levels.items() if level}
    assert {number: severity_of(number) for number in fixed} == fixed


def test_unscanned_code_says_what_to_do() -> None:
    """The remedy of a file without a test's number is that of its rule."""
    assert remedy_of("") == next(rule.remedy for rule in RULES if rule.id == UNSCANNED)


def test_rules_are_documented() -> None:
    """Each rule has a title, a reason and a remedy, and belongs to the check."""
    for rule in RULES:
        assert rule.check == CHECK
        assert rule.title
        assert rule.why.endswith(".")
        assert rule.remedy.endswith(".")
