"""Work markers: TODO, FIXME, XXX and HACK in comments, and how long they have been there."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from readiness.errors import NotMeasured
from readiness.static.command import run

MOST = 500
"""Markers of one file that are listed; a file with more of them says so by its count."""
WITHIN_S = 10.0
"""For asking git about all files."""
MOST_WORDS = 20_000
"""Of one file that are looked at, whether they stand in a comment or not."""
_WORD = re.compile(r"\b(TODO|FIXME|XXX|HACK)(?=[\s:(!.,\]\-]|$)", re.MULTILINE)
_OPENERS = re.compile(r"#|//|/\*|^\s*\*|--|;|<!--|\{#|\"\"\"|^\s*(?:rem|REM)\b|%")
_REACH = 300
"""Characters before the word in which the comment has to start."""
_COMMIT = re.compile(r"^([0-9a-f]{40,64}) \d+ (\d+)")
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker."""

    line: int
    column: int
    word: str
    text: str
    """The comment from the word on."""


def markers(text: str) -> list[Marker]:
    """Returns the markers in the comments of a file, at most `MOST`."""
    found: list[Marker] = []
    line, counted = 1, 0
    for match in islice(_WORD.finditer(text), MOST_WORDS):
        start = text.rfind("\n", max(0, match.start() - _REACH), match.start()) + 1 or max(0, match.start() - _REACH)
        if start == 0 and match.start() > _REACH:
            start = match.start() - _REACH
        if not _OPENERS.search(text[start : match.start()]):
            continue
        line += text.count("\n", counted, match.start())
        counted = match.start()
        end = text.find("\n", match.start(), match.start() + 120)
        said = text[match.start() : end if end >= 0 else match.start() + 120].strip()
        found.append(Marker(line, match.start() - start + 1, match[1], said))
        if len(found) == MOST:
            break
    return found


def counted(words: Sequence[str]) -> str:
    """Returns how many there are of each: `12 TODO, 3 FIXME`."""
    return ", ".join(f"{count} {word}" for word, count in Counter(words).most_common())


def ages(folder: Path, places: Mapping[str, Sequence[int]], now: float) -> dict[tuple[str, int], int]:
    """Returns how many days ago each line was written, by `git blame`; only what git knows, and what it told in time.

    Args:
        folder: that the paths are relative to.
        places: path to lines.
        now: seconds since the epoch.
    """
    git = shutil.which("git")
    if git is None:
        return {}
    until = time.monotonic() + WITHIN_S
    found: dict[tuple[str, int], int] = {}
    for path, lines in places.items():
        left = until - time.monotonic()
        if left <= 0:
            break
        wanted = [part for line in sorted(set(lines)) for part in ("-L", f"{line},{line}")]
        command = [git, "-C", str(folder), "-c", "core.fsmonitor=false", "blame", "--porcelain", *wanted, "--", path]
        try:
            ended = run(command, folder=folder, within_s=left)
        except NotMeasured:
            break
        if ended.status == 0:
            found.update(
                {(path, line): max(0, int((now - then) // _DAY_S)) for line, then in _times(ended.out).items()}
            )
        elif not found and "not a git repository" in ended.err:
            break
    return found


def _times(porcelain: str) -> dict[int, float]:
    """Returns line to the time of its commit's author, in seconds since the epoch; lines not committed are left out."""
    written: dict[str, float] = {}
    lines: dict[str, list[int]] = defaultdict(list)
    commit = ""
    for text in porcelain.splitlines():
        found = _COMMIT.match(text)
        if found:
            commit = found[1]
            lines[commit].append(int(found[2]))
        elif text.startswith("author-time ") and text[12:].isdigit():
            written[commit] = float(text[12:])
    return {
        line: written[commit]
        for commit, numbers in lines.items()
        if commit in written and set(commit) != {"0"}
        for line in numbers
    }
