"""The lines of a runbook with what stands above them: headings, code blocks, table headers, forms to copy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LONGEST_LINE = 2000
"""Characters of a line that are looked at; a longer one is no line of a runbook."""
_HEADING = re.compile(r"^ {0,3}(#{1,6})[ \t]+(.+?)[ \t#]*$|^(={1,6})[ \t]+(\S.*)$")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-+|~+|\^+)[ \t]*$")
_BOLD = re.compile(r"^[ \t]*(?:\*\*|__)([^*_\n]{2,80}?):?(?:\*\*|__):?[ \t]*$")
_CAPITALS = re.compile(r"^[ \t]*([A-Z][A-Z0-9 /&\-]{3,70}):[ \t]*$")
_FENCE = re.compile(r"^[ \t]{0,12}(`{3,}|~{3,})[ \t]*([^`\r\n]*)$")
_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")
_FORM = re.compile(r"(?i)\btemplates?\b|\bform\b|\bexamples?\b|\bsamples?\b|\bboilerplate\b|\bskeleton\b|\bformat\b")
_PSEUDO = 7
"""The level of a bold line that serves as a heading."""


@dataclass(slots=True)
class Line:
    """One line."""

    number: int
    text: str
    headings: tuple[str, ...]
    """Above it, the outermost first."""
    in_code: bool
    """Inside a code block."""
    is_form: bool
    """Below a heading, or in a block, that says it is to be copied and filled in each time."""
    header: tuple[str, ...] = ()
    """Of the table that the line is a row of; empty where it is none."""
    cells: tuple[str, ...] = ()


@dataclass(slots=True)
class _State:
    stack: list[tuple[int, str]] = field(default_factory=list)
    fence: str = ""
    header: tuple[str, ...] = ()

    def open(self, level: int, title: str) -> None:
        while self.stack and self.stack[-1][0] >= level:
            self.stack.pop()
        self.stack.append((level, title))
        self.header = ()


def outline(lines: list[str]) -> Iterator[Line]:
    """Yields every line that is no heading, fence or ruler."""
    state = _State()
    for index, whole in enumerate(lines):
        text = whole[:LONGEST_LINE]
        if _fence(state, text):
            continue
        following = lines[index + 1][:LONGEST_LINE] if index + 1 < len(lines) else ""
        if not state.fence and _heading(state, text, following):
            continue
        pseudo = _CAPITALS.match(text) if state.fence else (_BOLD.match(text) or _CAPITALS.match(text))
        if pseudo:
            state.open(_PSEUDO, pseudo[1])
            continue
        cells = _cells(text) if not state.fence else ()
        if cells and _RULE.match(following):
            state.header = cells
            continue
        if _RULE.match(text) and "-" in text:
            continue
        if not cells:
            state.header = ()
        titles = tuple(title for _, title in state.stack)
        yield Line(
            index + 1,
            text,
            titles,
            bool(state.fence),
            any(_FORM.search(title) for title in titles),
            state.header,
            cells,
        )


def _fence(state: _State, text: str) -> bool:
    """Follows code blocks; returns whether the line opens or closes one."""
    found = _FENCE.match(text)
    if not found:
        return False
    if not state.fence:
        state.fence = found[1]
        return True
    if found[1].startswith(state.fence) and not found[2].strip():
        state.fence = ""
        while state.stack and state.stack[-1][0] == _PSEUDO and state.stack[-1][1].isupper():
            state.stack.pop()  # a title in capitals inside of the block ends with it
        return True
    return False


def _heading(state: _State, text: str, following: str) -> bool:
    found = _HEADING.match(text)
    if found:
        state.open(len(found[1] or found[3]), found[2] or found[4])
        return True
    under = _UNDERLINE.match(following)
    if under and text.strip() and text[:1] not in " |-*>" and len(under[1]) >= min(len(text.strip()), 8):
        state.open(1 if under[1][0] == "=" else 2, text.strip())
        return True
    return False


def _cells(text: str) -> tuple[str, ...]:
    line = text.strip()
    if not line.startswith("|") or line.count("|") < 2:  # noqa: PLR2004 - a row has a bar at both ends
        return ()
    return tuple(cell.strip() for cell in line.strip("|").split("|"))
