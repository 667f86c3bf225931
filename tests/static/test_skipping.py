"""What it means that a file was not looked at."""

from __future__ import annotations

import pytest

from readiness.static.skipping import Why, binary, severity_of, too_large


@pytest.mark.parametrize("path", [".env", "app.py", "deploy/values.yaml", "Dockerfile", ".env.production", "id.pem"])
def test_text_with_nul_bytes_blocks(path: str) -> None:
    """Under the name of a text that ships, a NUL would hide from every gate what its reader still sees."""
    assert severity_of("security-scan", binary(path)) == "blocking"


@pytest.mark.parametrize("path", ["logo.png", "data.bin", "tests/data/nul.py", "vendor/x.yaml", "Info.plist"])
def test_other_binary_files_are_named(path: str) -> None:
    """They hold no text, or do not ship."""
    assert binary(path) is Why.BINARY
    assert severity_of("security-scan", binary(path)) == "information"


def test_text_above_the_limit_blocks_where_it_ships() -> None:
    """Padding must not hide a credential; what is large by nature, or does not ship, only warns."""
    assert severity_of("security-scan", too_large(".env")) == "blocking"
    assert severity_of("security-scan", too_large("model.bin")) == "advisory"
    assert severity_of("security-scan", too_large("tests/data/large.yaml")) == "advisory"
