"""What tests of the scanning share: an analyser that does what the files say, and a repository of a few lines."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from readiness.model import FindingSeverity
from readiness.static.interface import Found, Hit, Rule, Scan
from readiness.static.scan import Gate, Outcome, scan
from readiness.static.selection import Selection
from readiness.static.skipping import RULES
from readiness.static.source import Source
from readiness.static.walk import File, Walk

GATE = "placeholder-audit"
CRITICAL = f"{GATE}/critical"
BAD = Rule(f"{GATE}/bad", CRITICAL, FindingSeverity.BLOCKING, "Nothing is bad", "It is bad.", "Make it good.")
TWICE = Rule(f"{GATE}/twice", CRITICAL, FindingSeverity.ADVISORY, "Nothing is there twice", "It is.", "Take one out.")
PLENTY_S = 600.0


@dataclass
class Obeys:
    """Finds each `BAD` of a file, and each first line that two files share; breaks where a file tells it to."""

    gate: str = GATE
    version: str = "1"
    suffix: str = ""
    seen: list[str] = field(default_factory=list)
    """Paths that were analysed in this process."""

    def wants(self, path: str) -> bool:
        """By the suffix."""
        return path.endswith(self.suffix)

    def analyse(self, source: Source) -> Found:
        """Does what the file says."""
        self.seen.append(source.path)
        text = source.text
        if "RAISE" in text:
            raise ValueError(text)
        if "KILL" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "HANG" in text:
            time.sleep(PLENTY_S)
        hits = [
            Hit(BAD.id, number, line.index("BAD") + 1, "this is BAD.", anchor=line.strip(), excerpt=line)
            for number, line in enumerate(source.lines, 1)
            if "BAD" in line
        ]
        return Found(tuple(hits), {"first": source.lines[0]} if source.lines else None)

    def conclude(self, facts: Mapping[str, Any]) -> Iterable[tuple[str, Hit]]:
        """Of files with the same first line all but the first are found."""
        known: set[str] = set()
        for path, fact in facts.items():
            if fact["first"].startswith("same") and fact["first"] in known:
                yield path, Hit(TWICE.id, 1, 1, "this is there twice.", anchor=fact["first"])
            known.add(fact["first"])


def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are started for the first file already, and not only where they pay."""
    monkeypatch.setattr("readiness.static.scan.TRIAL_FILES", 0)
    monkeypatch.setattr("readiness.static.scan.WORTH_S", -1.0)


def left() -> float:
    """Plenty of time."""
    return PLENTY_S


def write(folder: Path, files: Mapping[str, str | bytes], *, old: bool = True) -> None:
    """Writes files.

    Args:
        folder: where.
        files: path to content.
        old: as if long ago, so that what is known of them is trusted.
    """
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        if old:
            os.utime(file, (1_000_000_000, 1_000_000_000))


def scanned(
    folder: Path,
    *,
    analyser: Obeys | None = None,
    paths: Sequence[str] = (".",),
    exclude: Sequence[str] = (),
    max_size: int = 1_000_000,
    **options: Any,
) -> Outcome:
    """Returns what one gate came to."""
    analyser = analyser or Obeys()
    rules = {rule.id: rule for rule in (BAD, TWICE, *RULES)}
    gate = Gate(analyser.gate, Selection(analyser.gate, paths, exclude, analyser.wants), analyser, rules, max_size)
    given = {"budget": left, "config": "readiness.toml", "workers": 1, **options}
    return scan(folder, [gate], **given)[analyser.gate]


def scan_of(folder: Path, **options: Any) -> Scan:
    """Returns what one gate found; it could look."""
    outcome = scanned(folder, **options)
    assert isinstance(outcome, Scan), outcome
    return outcome


def walked(folder: Path, *, paths: Sequence[str] = (".",), exclude: Sequence[str] = ()) -> tuple[list[File], Selection]:
    """Returns the files that are found, and what the walk said of the others."""
    selection = Selection(GATE, paths, exclude)
    return list(Walk(folder, [selection], left).files()), selection


def names(folder: Path, **options: Any) -> list[str]:
    """Returns the paths of the files that are found."""
    return sorted(file.path for file in walked(folder, **options)[0])
