"""What a word says of health: well, ill, or nothing that is known."""

from __future__ import annotations

import re
from enum import Enum

MOST_CHARACTERS = 100
"""A longer text is more than a word on health; only how it begins is looked at."""


def _listed(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


_WELL = _listed("""
    ok okay up healthy well good fine great normal nominal pass passes passed passing success successful succeeded
    succeeds alive live living ready available accessible reachable connected established online operational
    operating running serving started working works active enabled green pong imok true yes synced
    """)
_ILL = _listed("""
    down unhealthy ill sick bad error errors errored fail fails failed failing failure failures fatal critical panic
    degraded impaired partial partially limited warn warning warnings yellow amber orange red alarm outage
    disconnected unavailable unreachable inaccessible unresponsive offline dead lost missing broken crashed crashing
    killed stopped aborted abnormal refused rejected denied timeout timedout timed expired exceeded exhausted stale
    unknown unready inoperative inoperable unsuccessful cannot unable never null undefined false
    exception traceback starting initializing initialising loading booting warming pending connecting reconnecting
    restarting recovering stopping terminating draining shutting maintenance
    """)
_NOT_USED = _listed("configured enabled required used applicable installed needed supported present")
"""What is not that is missing on purpose, and neither well nor ill."""
_NONE = frozenset({"no", "zero", "0", "without"})


class Meaning(Enum):
    """What a word says of health."""

    WELL = "well"
    ILL = "ill"
    NOTHING = "nothing"
    """It is no word that is known for either."""


def normalized(text: str) -> str:
    """Returns the words of a text in lower case, joined by hyphens: `out-of-service` of `OUT_OF_SERVICE`."""
    return "-".join(_words(text))


def meaning_of(text: str) -> Meaning:
    """Returns what a text such as `healthy`, `OUT_OF_SERVICE` or `Prometheus Server is Ready.` says of health.

    One word for ill outweighs any for well, as in `starting up`; `not` turns well into ill, `no` ill into well.
    """
    words = _words(text[: 2 * MOST_CHARACTERS])
    if not words:
        return Meaning.NOTHING
    if len(text) > MOST_CHARACTERS:  # such as "unavailable: " and a library's whole message
        return Meaning.ILL if words[0] in _ILL else Meaning.NOTHING
    if words in (["no"], ["out", "of", "service"]):
        return Meaning.ILL
    if words[0].isdigit() and words[0] != "0" and len(words[0]) != len("503"):
        return Meaning.NOTHING  # a count, such as "3 pending"
    meanings = [_meaning_at(words, index) for index in range(len(words))]
    return next((each for each in (Meaning.ILL, Meaning.WELL) if each in meanings), Meaning.NOTHING)


def _meaning_at(words: list[str], index: int) -> Meaning:
    word, before = words[index], words[index - 1] if index else ""
    if before in _NONE and word in _ILL:
        return Meaning.WELL  # "no errors"
    if before == "not":
        return Meaning.NOTHING if word in _NOT_USED else Meaning.ILL
    if word in _ILL:
        return Meaning.ILL
    return Meaning.WELL if word in _WELL else Meaning.NOTHING


def _words(text: str) -> list[str]:
    """Returns the words in lower case, `isn't` as `is not`, `NotReady` as `not ready`."""
    apart = re.sub(r"n['\N{RIGHT SINGLE QUOTATION MARK}]t\b", " not", text, flags=re.IGNORECASE)
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", apart)
    return re.findall(r"[^\W_]+", apart.lower())
