"""Whether a string looks as if a machine had drawn it: entropy, the mixture of its characters, and what reads as words."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import pairwise

LONGEST = 512
"""More characters than a key has; what is longer is data."""
BITS_PER_CHARACTER = 4.2
"""From which on a string without a telling name counts as random; 20 random characters of base64 have 4.1 on average."""
HEX_BITS = 3.0
_MOST_BITS = 4.0
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_CHUNKS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FOLLOWS = (
    "abcdgiklmnprstuvy baeilorsu cacehiklorstu dabdeilorsu eacdefglmnoprstvwxy faefiloru gaeginorsu haeio iabcdefglmnoprstvxz keis"
    " ladeilostuy mabeimopsu nacdefgiklnostuv oabcdgiklmnoprstuvw paehiloprstuy qu racdegiklmnoprstuvy sacehiklopstuy tacehilorstuy"
    " uabcegilmnprst vaei waeino xpt yps ze"
)
"""Each letter with those that often follow it in names and English words: 93 of 100 pairs there, 36 of 100 in random letters."""
_PAIRS = frozenset(group[0] + after for group in _FOLLOWS.split() for after in group[1:])
_PAIRS_SHARE = 0.7
_SEPARATORS = re.compile(r"[-._/:+]")
_PLAIN_PART = re.compile(r"[A-Za-z]?[a-z]{0,20}\d{0,4}|[A-Z]{1,20}\d{0,4}|[vV]?\d{1,10}[a-z]?")
_FEW_PARTS = 3
_SHORTEST_WORD = 4
_WORDS_SHARE = 0.55
_SEQUENCE_SHARE = 0.3
_HEX_SEQUENCE_SHARE = 0.5
_SHORTEST_KEY = 16
_FEW_DIGITS = 2
_DIGITS = re.compile(r"[0-9]")
_LETTERS = re.compile(r"[A-Za-z]")
_BOTH_CASES = re.compile(r"[a-z].*[A-Z]|[A-Z].*[a-z]")


def bits_per_character(text: str) -> float:
    """Returns Shannon's entropy of the characters; 0 for an empty text."""
    size = len(text)
    return (
        math.log2(size) - sum(count * math.log2(count) for count in Counter(text).values() if count > 1) / size
        if size
        else 0.0
    )


def is_hex(text: str) -> bool:
    """Returns whether all of it is hexadecimal, in one case."""
    return _HEX.fullmatch(text) is not None


def is_sequence(text: str) -> bool:
    """Returns whether it mostly counts up or down, as an alphabet does, or repeats one character."""
    if len(text) <= 1:
        return True
    steps = sum(abs(ord(after) - ord(before)) <= 1 for before, after in pairwise(text))
    return steps / (len(text) - 1) > (_HEX_SEQUENCE_SHARE if is_hex(text) else _SEQUENCE_SHARE)


def reads_as_words(text: str) -> bool:
    """Returns whether most of the letters stand in chunks that can be spoken, as in `refreshTokenUrl` or `my-bucket-01`."""
    letters = sum(each.isalpha() for each in text)
    if not letters:
        return False
    spoken = 0
    for chunk in _CHUNKS.findall(text):
        if len(chunk) >= _SHORTEST_WORD and _is_word(chunk.lower()):
            spoken += len(chunk)
    return spoken / max(letters, len(text) * 0.6) > _WORDS_SHARE


def _is_word(letters: str) -> bool:
    common = sum(before + after in _PAIRS for before, after in pairwise(letters))
    return common >= _PAIRS_SHARE * (len(letters) - 1)


def is_slug(text: str) -> bool:
    """Returns whether it is made of words, abbreviations and numbers with separators between them, as `GPL-2.0-or-later` is."""
    parts = [part for part in _SEPARATORS.split(text) if part]
    return len(parts) >= _FEW_PARTS and all(_PLAIN_PART.fullmatch(part) for part in parts)


def looks_random(text: str, bits: float | None = None) -> bool:
    """Returns whether a machine seems to have drawn the text.

    Args:
        text: the value; padding of base64 at its end does not count.
        bits: wanted per character; by default what a random text of that length has, less a fifth.
    """
    body = text.rstrip("=")
    size = len(body)
    if not _SHORTEST_KEY <= size <= LONGEST:
        return False
    digits, letters = len(_DIGITS.findall(body)), _LETTERS.search(body) is not None
    if is_hex(body):
        return (
            digits >= _FEW_DIGITS and letters and bits_per_character(body) >= HEX_BITS - 0.2 and not is_sequence(body)
        )
    if not letters or (digits < _FEW_DIGITS and not _BOTH_CASES.search(body)):
        return False
    wanted = min(0.78 * math.log2(size), _MOST_BITS) if bits is None else bits
    return bits_per_character(body) >= wanted and not (is_sequence(body) or reads_as_words(body) or is_slug(body))
