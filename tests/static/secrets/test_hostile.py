"""Files that no one wrote to be read: bounded time and memory, and a finding rather than silence."""

from __future__ import annotations

import random
import string
import time
import tracemalloc

import pytest

from readiness.static.secrets import analyser
from readiness.static.secrets.analyser import SecretsAnalyser
from readiness.static.secrets.engine import engine
from readiness.static.secrets.manifests import LARGEST_MANIFEST
from readiness.static.secrets.place import Place
from readiness.static.secrets.rules import DETECTORS
from readiness.static.source import Source
from tests.static.secrets.drawing import drawn

SCAN = SecretsAnalyser()
TOKEN = drawn("ghp_{b62:36}", "hostile")
MB = 1_000_000


def _cpu(data: bytes, path: str = "src/app.py") -> tuple[float, set[str]]:
    SCAN.analyse(Source(path, b""))
    started = time.process_time()
    hits = SCAN.analyse(Source(path, data)).hits
    return time.process_time() - started, {hit.rule for hit in hits}


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [b"a", b"aB3", b'password="', b"password=", b"://a:b", b"eyJ", b'"', b"key " * 5, b"sk-", b"\xff", b"AccountKey="],
)
def test_a_line_of_50_mb_takes_bounded_time(piece: bytes) -> None:
    """The secret at its end is still found; nothing is read again and again."""
    data = piece * (50 * MB // len(piece)) + f" '{TOKEN}' ".encode()
    took_s, rules = _cpu(data)
    assert "security-scan/github-token" in rules
    assert took_s < 30


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        'password = "a1b2c3d4e5f6" ',
        'token="',
        "password:x" * 3 + " ",
        "https://u:p@",
        "host=a password=b1c2d3 ",
        'name: password\nvalue: "',
        "-----BEGIN RSA PRIVATE" + " KEY-----\n",
        "machine a login b ",
        "curl -u a:",
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.",
        "# readiness: allow security-scan/generic-password ",
        "kind: Secret\n",
    ],
)
@pytest.mark.parametrize("path", ["src/app.py", "app.yaml", "app.env"])
def test_a_file_of_10_mb_made_of_beginnings_takes_bounded_time(piece: str, path: str) -> None:
    """Each of a million places begins like a secret, and none ends like one, or all do."""
    took_s, _ = _cpu((piece * (10 * MB // len(piece))).encode(), path)
    assert took_s < 30


@pytest.mark.slow
def test_memory_is_bounded() -> None:
    """Beside the file itself little is kept, however many places look like secrets."""
    source = random.Random(7)
    line = "".join(source.choices(string.ascii_letters + string.digits, k=30))
    data = f'password = "{line}"\n'.encode() * (20 * MB // 45)
    SCAN.analyse(Source("src/app.py", b""))
    tracemalloc.start()
    try:
        SCAN.analyse(Source("src/app.py", data))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * MB


@pytest.mark.parametrize(
    ("path", "severity"), [("src/app.py", "blocking"), ("tests/data.py", "information"), ("src/a.yaml", "blocking")]
)
def test_what_was_not_searched_is_said(monkeypatch: pytest.MonkeyPatch, path: str, severity: str) -> None:
    """More candidates than are judged leave a finding that blocks where the file ships: a secret may hide behind them."""
    monkeypatch.setattr(analyser, "MOST_CANDIDATES", 1000)
    hits = SCAN.analyse(Source(path, b'token = "abcd"\n' * 1001)).hits
    assert {(hit.rule, hit.severity) for hit in hits} == {("security-scan/unscanned-rest", severity)}
    assert hits[0].line == 1001
    assert SCAN.analyse(Source(path, b'token = "abcd"\n' * 1000)).hits == ()


def test_a_search_that_found_enough_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is behind the thousandth secret was not searched for that kind."""
    monkeypatch.setattr(analyser, "MOST_FOUND", 2)
    hits = SCAN.analyse(Source("src/app.py", f"'{TOKEN}'\n".encode() * 3)).hits
    names = [hit.rule.partition("/")[2] for hit in hits if hit.severity == "blocking"]
    assert names == ["github-token", "github-token", "unscanned-rest"]


def test_a_manifest_that_is_too_large_to_read_says_so() -> None:
    """No Secret is that large; what is in it was searched as text alone."""
    data = b"kind: Secret\ndata:\n  a: b\n" + b"# ...\n" * (LARGEST_MANIFEST // 6)
    assert {hit.rule for hit in SCAN.analyse(Source("a.yaml", data)).hits} == {"security-scan/unscanned-rest"}


def test_a_file_with_every_keyword_is_searched_for_everything() -> None:
    """Also where the set of literals would run out of memory, no detector is left out."""
    words = [word for detector in DETECTORS for word in detector.keywords]
    source = random.Random(3)
    text = " ".join(" ".join(source.sample(words, len(words))) for _ in range(300))
    names = {detector.name for detector, _ in engine(SCAN.bits).wanted(Place(Source("a.tfstate", text.encode())))}
    everywhere = {detector.name for detector in DETECTORS if detector.files is None}
    assert everywhere <= names


def test_a_set_that_fails_searches_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer of the set is not the answer that nothing is there."""
    made = engine(SCAN.bits)

    class Failing:
        def Match(self, _: bytes) -> None:  # noqa: N802 - the library's name
            return None

    monkeypatch.setattr(made, "_keywords", Failing())
    assert {hit.rule for hit in SCAN.analyse(Source("a.py", f"'{TOKEN}'".encode())).hits} == {
        "security-scan/github-token"
    }
