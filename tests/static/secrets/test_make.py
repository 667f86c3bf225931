"""What the configuration makes of the scan."""

from __future__ import annotations

import pytest

from readiness.errors import NotMeasured
from readiness.static import analysers, secrets
from readiness.static.secrets.entropy import BITS_PER_CHARACTER
from tests.config.samples import MINIMAL, Folder


def made(folder: Folder, options: str = ""):  # type: ignore[no-untyped-def] # the analyser of this package
    known = folder.load(f'{MINIMAL}\n[security-scan]\nsecrets = {{ paths = ["."]{options} }}\n')
    table = known.gates["security-scan"]
    return analysers.make_analyser("security-scan", table, environment="x", folder=folder.path, settings=known)


def test_options_reach_the_scan(folder: Folder) -> None:
    """Entropy has a default; the baseline is not searched, since it is made of hashes."""
    assert made(folder).bits == BITS_PER_CHARACTER
    folder.write('[{"schema": "readiness-baseline/1"}]', ".secrets.baseline")
    scan = made(folder, ', baseline = "./.secrets.baseline", entropy = 4.5')
    assert scan.bits == 4.5
    assert not scan.wants(".secrets.baseline")


@pytest.mark.parametrize("entropy", ["2", "9", '"much"'])
def test_entropy_has_bounds(folder: Folder, entropy: str) -> None:
    """Below three bits every word would be listed."""
    text = f'{MINIMAL}\n[security-scan]\nsecrets = {{ paths = ["."], entropy = {entropy} }}\n'
    assert "secrets.entropy" in folder.lines(text)[0]


def test_a_missing_package_is_named(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It leaves the check unmeasured, and says what to install."""
    monkeypatch.setattr(secrets, "NEEDED", ("re2", "no_such_package"))
    with pytest.raises(NotMeasured, match="no_such_package, which is not installed") as caught:
        made(folder)
    assert caught.value.remedy == "pip install 'pytest-readiness[security]'"
