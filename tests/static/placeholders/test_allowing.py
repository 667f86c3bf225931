"""A placeholder that is wanted is accepted by its path, by its rule, or where it stands with a reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from readiness.errors import ConfigError
from readiness.static.placeholders import make
from readiness.static.placeholders.options import Allowed, Options
from tests.config.samples import Folder
from tests.static.placeholders.audits import audit, rules_in

RULE = "placeholder-audit/changeme"


def test_by_path() -> None:
    """A file that `allow` names is not looked at; patterns are those of .gitignore."""
    options = Options(allowed_paths=("deploy/templates/**", "*.sample.yaml"))
    paths = ("deploy/templates/a.yaml", "x/b.sample.yaml", "deploy/c.yaml")
    assert [path for path, _ in audit(dict.fromkeys(paths, "password: changeme\n"), options)] == ["deploy/c.yaml"]


@pytest.mark.parametrize("path", ["readiness-baseline.json", "waivers.yaml"])
def test_a_rules_own_name_is_no_placeholder(path: str) -> None:
    """A baseline or a waiver names the rule that it accepts."""
    text = f'[{{"rule": "{RULE}", "path": "a.yaml", "match": "changeme"}}]\n'
    assert rules_in(path, text.replace(', "match": "changeme"', "")) == []
    assert rules_in(path, text) == ["changeme"]


def test_by_rule() -> None:
    """A rule is not applied everywhere, or to some files."""
    text = "password: changeme\nregion: TBD\n"
    assert rules_in("a.yaml", text, Options(allowed_rules=(Allowed(RULE, ()),))) == ["todo-value"]
    somewhere = Options(allowed_rules=(Allowed(RULE, ("b/**",)),))
    assert rules_in("a.yaml", text, somewhere) == ["changeme", "todo-value"]
    assert rules_in("b/a.yaml", text, somewhere) == ["todo-value"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", f"password: changeme  # readiness: allow {RULE} -- set by the operator\n"),
        ("a.yaml", f"# readiness: allow {RULE} -- set by the operator\npassword: changeme\n"),
        ("a.py", f'SECRET_KEY = "changeme"  # readiness: allow {RULE} -- refused at start\n'),
        (
            "a.py",
            "def f():  # readiness: allow placeholder-audit/stub -- to come in May\n    raise NotImplementedError\n",
        ),
        ("a.go", "// TODO: later readiness: nothing // readiness: allow placeholder-audit/work-marker -- SEC-12\n"),
        (
            "runbook.md",
            "# Runbook\n\n## Contacts\n\n- Lead: [Add contact] <!-- readiness: allow placeholder-audit/contact -- hired in May -->\n",
        ),
    ],
)
def test_where_it_stands(path: str, text: str) -> None:
    """A comment on the line, or alone on the one before, accepts it with its reason."""
    assert rules_in(path, text) == []


def test_not_without_a_reason() -> None:
    """A comment that gives none does not count, and the finding says so."""
    ((_, hit),) = audit({"a.yaml": f"password: changeme  # readiness: allow {RULE}\n"})
    assert "gives no reason" in hit.text
    assert f"# readiness: allow {RULE} -- reason" in hit.text


def test_not_for_another_rule() -> None:
    """A comment accepts what it names."""
    line = "password: changeme  # readiness: allow placeholder-audit/your-x -- because\n"
    assert rules_in("a.yaml", line) == ["changeme"]


CONFIG = """
[service]
name = "shop"
runbook = "docs/ops.md"
[env.production]
kind = "live"
url = "https://shop.test.internal"
[env.local]
kind = "live"
url = "https://shop.test.internal"
placeholder-audit.strict = true
[placeholder-audit]
paths = ["."]
"""


def configured(folder: Path, keys: str, environment: str = "production") -> Options:
    """Returns the options that the configuration comes to."""
    (folder / "docs").mkdir(exist_ok=True)
    (folder / "docs" / "ops.md").touch()
    settings = Folder(folder).load(CONFIG + keys, environment)
    table = settings.gates["placeholder-audit"]
    return make(table, environment=environment, folder=folder, settings=settings).options  # type: ignore[arg-type] # the gate's own table


def test_options_come_from_the_table(tmp_path: Path) -> None:
    """Each key of the table reaches the audit."""
    keys = (
        'allow = ["a/**", { rule = "placeholder-audit/stub", paths = ["b/**"], reason = "to come" }]\n'
        'enable = ["nil-uuid"]\nmax-work-markers = 7\nmax-marker-age = "90d"\n'
    )
    options = configured(tmp_path, keys)
    assert options == Options(
        environment="production",
        strict=True,
        runbook="docs/ops.md",
        allowed_paths=("a/**",),
        allowed_rules=(Allowed("placeholder-audit/stub", ("b/**",)),),
        enabled=frozenset({"nil-uuid"}),
        max_markers=7,
        max_age_days=90,
    )


def test_an_environment_may_be_strict(tmp_path: Path) -> None:
    """`strict` says what an environment's name does not."""
    assert configured(tmp_path, "", "local").strict
    assert not configured(tmp_path, "strict = false\n").strict


def test_an_unknown_rule_is_an_error(tmp_path: Path) -> None:
    """A rule that does not exist is an error of the configuration, before anything is scanned."""
    with pytest.raises(ConfigError, match="placeholder-audit"):
        configured(tmp_path, 'allow = [{ rule = "placeholder-audit/changme", reason = "x" }]\n')
    with pytest.raises(ConfigError, match="nil-uid"):
        configured(tmp_path, 'enable = ["nil-uid"]\n')
