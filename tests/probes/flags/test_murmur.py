"""The hash is MurmurHash3, and the places are those of Unleash's clients."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.probes.flags.murmur import murmur3, place


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0),
        (b"", 1, 0x514E28B7),
        (b"", 0xFFFFFFFF, 0x81F16F39),
        (b"\xff\xff\xff\xff", 0, 0x76293B50),
        (b"!Ce\x87", 0, 0xF55B516B),
        (b"!Ce", 0, 0x7E4A8634),
        (b"!C", 0, 0xA0F7B07A),
        (b"!", 0, 0x72661CF4),
        (b"test", 0x9747B28C, 0x704B81DC),
        (b"Hello, world!", 0x9747B28C, 0x24884CBA),
    ],
)
def test_hash_is_murmur3(data: bytes, seed: int, expected: int) -> None:
    """The published vectors, with every length of the rest."""
    assert murmur3(data, seed) == expected


@pytest.mark.parametrize(
    ("user", "group", "expected"),
    [("123", "gr1", 73), ("999", "groupX", 25), ("174", "Feature.flexibleRollout.10", 10)],
)
def test_place_is_that_of_the_clients(user: str, group: str, expected: int) -> None:
    """The vectors of Unleash's clients."""
    assert place(user, group) == expected


@given(user=st.text(), group=st.text())
def test_place_is_between_1_and_100(user: str, group: str) -> None:
    """Whatever the names are, and the same each time."""
    assert 1 <= place(user, group) == place(user, group) <= 100
