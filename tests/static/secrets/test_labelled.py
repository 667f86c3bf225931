"""What the scan finds of the labelled set, and what it leaves alone."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from readiness.static.secrets import RULES
from readiness.static.secrets.analyser import SecretsAnalyser
from readiness.static.source import Source
from tests.static.secrets.labelled import FOUND, PASSED, Sample

SCAN = SecretsAnalyser()
SHARED = {"security-scan/unscanned-rest"}
"""It is about no secret; tests of hostile input have it."""


@pytest.mark.parametrize("sample", FOUND, ids=str)
def test_secret_is_found_by_its_rule(sample: Sample) -> None:
    """Each labelled secret is found, by the rule of its kind, on the line where it stands."""
    hits = SCAN.analyse(Source(sample.path, sample.text.encode())).hits
    assert f"security-scan/{sample.rule}" in {hit.rule for hit in hits}


@pytest.mark.parametrize("sample", PASSED, ids=str)
def test_near_miss_neither_fails_nor_warns(sample: Sample) -> None:
    """What only looks like a secret is no finding of its rule, and none of another rule that fails or warns."""
    hits = SCAN.analyse(Source(sample.path, sample.text.encode())).hits
    assert not [hit for hit in hits if hit.severity != "information" or hit.rule == f"security-scan/{sample.rule}"]


def test_every_rule_has_examples_and_near_misses() -> None:
    """There are two of each for every rule, and 150 of each in all."""
    found, passed = Counter(each.rule for each in FOUND), Counter(each.rule for each in PASSED)
    names = {rule.id.partition("/")[2] for rule in RULES if rule.id not in SHARED}
    assert names == set(found) == set(passed)
    assert min(found.values()) >= 2
    assert min(passed.values()) >= 2
    assert len(FOUND) >= 150
    assert len(PASSED) >= 150


@pytest.mark.slow
def test_recall_is_no_lower_than_that_of_detect_secrets(tmp_path: Path) -> None:
    """On the same files, with all that it can do offline; it reports more near misses than we list."""
    pytest.importorskip("detect_secrets", reason="pip install --group benchmark")
    ours = {}
    for name, samples in (("found", FOUND), ("passed", PASSED)):
        paths = [f"{name}/s{number}/{sample.path}" for number, sample in enumerate(samples)]
        for path, sample in zip(paths, samples, strict=True):
            (tmp_path / path).parent.mkdir(parents=True)
            (tmp_path / path).write_text(sample.text)
        ours[name] = sum(bool(SCAN.analyse(Source(sample.path, sample.text.encode())).hits) for sample in samples)
    command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", "--no-verify", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    theirs = Counter(path.split("/")[0] for path in json.loads(done.stdout)["results"])
    assert theirs["found"] > len(FOUND) / 3  # else it did not look
    assert ours["found"] == len(FOUND)
    assert ours["found"] >= theirs["found"]
    assert ours["passed"] <= theirs["passed"]
