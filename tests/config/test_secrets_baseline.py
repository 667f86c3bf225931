"""The baseline of known secrets: each entry has an owner, a reason and an end, or accepts nothing."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from readiness.baseline import compared
from readiness.config.baseline import Baseline, Entry, Key, render
from readiness.config.secrets_baseline import joined
from readiness.model import Finding, FindingSeverity
from tests.config.samples import MINIMAL, Folder

MARK = "4b0e" * 8
TODAY = dt.date(2026, 11, 21)
WITH_SECRETS = f'{MINIMAL}\n[security-scan]\nsecrets = {{ paths = ["."], baseline = ".secrets.baseline" }}\n'
FOUND = Finding("security-scan/github-token", "app.py", 3, 1, FindingSeverity.BLOCKING, "a token", "", fingerprint=MARK)


def entry(gate: str = "security-scan", **more: object) -> Entry:
    return Entry(Key("app.py", gate, FOUND.rule, MARK), **more)  # type: ignore[arg-type] # keywords of the dataclass


def loaded(folder: Folder, *entries: Entry, config: str = WITH_SECRETS) -> Baseline:
    folder.write(render(entries).decode(), ".secrets.baseline")
    known = folder.load(config).baseline
    assert known is not None
    return known


def blocks(known: Baseline, gate: str = "security-scan") -> bool:
    return compared([FOUND], gate, known, TODAY)[0].blocks


def test_an_owned_secret_passes_until_its_last_day(folder: Folder) -> None:
    """With owner, reason and a last day that has not passed, what is known blocks nothing."""
    assert not blocks(loaded(folder, entry(owner="a@b.c", reason="being rotated", expires=TODAY)))


@pytest.mark.parametrize("missing", ["owner", "reason", "expires"])
def test_an_entry_without_an_owner_a_reason_or_an_end_accepts_nothing(folder: Folder, missing: str) -> None:
    """Nobody answers for it, so the secret blocks as if it were new."""
    whole: dict[str, object] = {"owner": "a@b.c", "reason": "being rotated", "expires": TODAY}
    del whole[missing]
    assert blocks(loaded(folder, entry(**whole)))


def test_an_expired_secret_blocks_again(folder: Folder) -> None:
    """A day after its last one the entry accepts nothing."""
    assert blocks(loaded(folder, entry(owner="a@b.c", reason="x", expires=TODAY - dt.timedelta(days=1))))


def test_a_secret_at_another_place_or_with_another_value_is_new(folder: Folder) -> None:
    """An entry accepts one secret in one file, and no other gate's finding."""
    known = loaded(folder, entry(owner="a@b.c", reason="x", expires=TODAY))
    other = Finding("security-scan/github-token", "b.py", 3, 1, FindingSeverity.BLOCKING, "", "", fingerprint=MARK)
    assert compared([other], "security-scan", known, TODAY)[0].blocks
    assert blocks(known, gate="config-lint")


def test_entries_of_other_gates_accept_nothing(folder: Folder) -> None:
    """The file is about secrets; what else is known stands in the file of [baseline]."""
    known = loaded(folder, entry("config-lint", owner="a@b.c", reason="x", expires=TODAY))
    assert known.entries == ()


def test_it_counts_before_the_baseline_of_all_findings(folder: Folder) -> None:
    """A secret that both files know needs its owner."""
    folder.write(render([entry()]).decode(), "known.json")
    config = f'{WITH_SECRETS}\n[baseline]\nfile = "known.json"\n'
    known = loaded(folder, entry(), config=config)
    assert known.file == "known.json and .secrets.baseline"
    assert len(known.entries) == 1
    assert blocks(known)
    assert joined(None, known) is known


def test_a_missing_file_is_an_error_of_the_configuration(folder: Folder) -> None:
    """It is said once, with the key that names it."""
    problems = folder.problems(WITH_SECRETS)
    assert len(problems) == 1
    assert '".secrets.baseline" does not exist' in str(problems[0])
    assert problems[0].key.endswith("secrets.baseline")


def test_a_garbled_file_is_an_error_of_the_configuration(folder: Folder) -> None:
    """It says what is wrong with it."""
    folder.write("{", ".secrets.baseline")
    assert '".secrets.baseline" is not JSON' in str(folder.problems(WITH_SECRETS)[0])


def test_a_file_of_detect_secrets_is_named_as_such(folder: Folder) -> None:
    """It often has that very name; it cannot be used, and the message says why and what to do."""
    folder.write(json.dumps({"version": "1.5.0", "plugins_used": [], "results": {}}), ".secrets.baseline")
    text = str(folder.problems(WITH_SECRETS)[0])
    assert "is a baseline of detect-secrets" in text
    assert "readiness baseline write --file=" in text


def test_a_secret_in_the_baseline_of_all_findings_needs_its_owner_too(folder: Folder) -> None:
    """Otherwise `readiness baseline write` would accept every secret for ever; what else the gate finds needs none."""
    whole = entry(owner="a@b.c", reason="x", expires=dt.date(2999, 1, 1))
    config = f'{MINIMAL}\n[baseline]\nfile = ".secrets.baseline"\n'
    assert blocks(loaded(folder, entry(), config=config))
    assert not blocks(loaded(folder, whole, config=config))
    code = Entry(Key("app.py", "security-scan", "security-scan/weak-cryptography", MARK))
    assert loaded(folder, code, config=config).entries == (code,)


def test_every_rule_of_the_gate_is_about_a_secret_or_known_not_to_be() -> None:
    """A new rule about code is named here, or its findings need an owner."""
    from readiness.config.secrets_baseline import OTHER_RULES
    from readiness.static.rules import all_rules

    others = {
        rule.id
        for rule in all_rules()
        if rule.id.startswith("security-scan/") and rule.check != "security-scan/secrets"
    }
    assert others == {f"security-scan/{name}" for name in OTHER_RULES}
