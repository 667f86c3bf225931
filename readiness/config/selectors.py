"""Prometheus selectors as the configuration writes them: narrowed to an arm, or matched against samples that were scraped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_STRING = r'"(?:[^"\\\n]|\\.)*"' + r"|'(?:[^'\\\n]|\\.)*'"
_MATCHER = rf"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*({_STRING})\s*"
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class SelectorError(ValueError):
    """A selector cannot be read; says where."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: str
    """`=`, `!=`, `=~` or `!~`."""
    value: str

    def __post_init__(self) -> None:
        if self.operator.endswith("~"):
            try:
                _pattern(self.value)
            except re.error as error:
                raise SelectorError(f"{self.value!r} is no regular expression: {error}") from None

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.label}{self.operator}"{value}"'

    def holds(self, value: str) -> bool:
        """Returns whether a label of this value satisfies it; a label that is not there has the value `""`."""
        if self.operator.endswith("~"):
            found = _pattern(self.value).fullmatch(value) is not None
        else:
            found = value == self.value
        return found != self.operator.startswith("!")


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.DOTALL)


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric's name and conditions on its labels."""

    name: str
    matchers: tuple[Matcher, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}{{{','.join(map(str, self.matchers))}}}" if self.matchers else self.name

    def narrowed(self, matchers: Iterable[Matcher]) -> Selector:
        """Returns the selector with further conditions."""
        return Selector(self.name, (*self.matchers, *matchers))

    def renamed(self, name: str) -> Selector:
        """Returns the same conditions on another metric, such as a histogram's buckets."""
        return Selector(name, self.matchers)

    def selects(self, name: str, labels: dict[str, str]) -> bool:
        """Returns whether a series is selected."""
        return name == self.name and all(each.holds(labels.get(each.label, "")) for each in self.matchers)


def parse_selector(text: str) -> Selector:
    """Returns a selector such as `api_requests_total{endpoint="/evaluate"}`.

    Raises:
        SelectorError: it is an expression, or not written as Prometheus does.
    """
    match = re.fullmatch(rf"\s*({_NAME})\s*(?:\{{(.*)\}})?\s*", text, re.DOTALL)
    if match is None:
        raise SelectorError(
            f"{text!r} is no selector: expected a counter's name with conditions, such as "
            'http_requests_total{status=~"5.."}, without functions, ranges or operators'
        )
    return Selector(match[1], parse_matchers(match[2] or ""))


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Returns conditions such as `track="canary", zone!="b"`; a comma may follow the last.

    Raises:
        SelectorError: they are not written as Prometheus does.
    """
    return tuple(_matchers(text))


def _matchers(text: str) -> Iterator[Matcher]:
    position = 0
    while text[position:].strip():
        match = re.compile(_MATCHER).match(text, position)
        if match is None:
            raise SelectorError(f'{text[position:]!r} is no condition on a label: expected label="value"')
        yield Matcher(match[1], match[2], _unquoted(match[3]))
        position = match.end()
        if position < len(text):
            if text[position] != ",":
                raise SelectorError(f"a comma is missing before {text[position:]!r}")
            position += 1


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
