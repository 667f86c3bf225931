"""MurmurHash3 of 32 bits, by which Unleash's clients give each user a place."""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_FIRST, _SECOND = 0xCC9E2D51, 0x1B873593


def _rotated(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mixed(word: int) -> int:
    return _rotated(word * _FIRST & _MASK, 15) * _SECOND & _MASK


def murmur3(data: bytes, seed: int = 0) -> int:
    """Returns the hash, 0 to 2**32 - 1.

    Source: Austin Appleby's MurmurHash3_x86_32, in the public domain.
    """
    value = seed
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        value = _rotated(value ^ _mixed(int.from_bytes(data[start : start + 4], "little")), 13)
        value = (value * 5 + 0xE6546B64) & _MASK
    if len(data) > whole:
        value ^= _mixed(int.from_bytes(data[whole:], "little"))
    value ^= len(data)
    value = (value ^ value >> 16) * 0x85EBCA6B & _MASK
    value = (value ^ value >> 13) * 0xC2B2AE35 & _MASK
    return value ^ value >> 16


def place(user: str, group: str) -> int:
    """Returns a user's place among those of a rollout group, 1 to 100; a rollout of 10 % reaches places 1 to 10.

    Source: Unleash client specification, 03 and 10: `murmur3("group:user") % 100 + 1`.
    """
    return murmur3(f"{group}:{user}".encode()) % 100 + 1
