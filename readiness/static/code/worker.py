"""A process that scans files with bandit: one question for each file, one answer, until its input ends.

It is a process of its own because bandit changes what is shared by a whole process (logging, how warnings look, the
settings of its tests), and so that a file that takes forever, or all memory, ends nothing but this.

    question: 4 bytes length, JSON {"path", "size"}, then the file's bytes
    answer:   4 bytes length, JSON {"issues": [...], "problems": [[line, text], ...], "nosec": int}

The first frame holds the settings instead. It is answered by {"ready": true} or {"error": "..."}.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import logging
import os
import re
import resource
import sys
import warnings
from typing import IO, Any

from readiness.static.code.settings import BanditSettings, from_json

HEADER = 4
MEMORY = 3 * 1024**3
"""Bytes of address space; a file that needs more is one that cannot be scanned."""
_COLLECT_EVERY = 2 * 1024 * 1024
"""Bytes of source after which garbage is collected. Python would do so during each file, at a tenth of the time."""
_PROBLEM = re.compile(r"running: (?P<test>\w+) on file .* at line (?P<line>\d+): (?P<why>.*)")
_LEVELS = ("UNDEFINED", "LOW", "MEDIUM", "HIGH")


class _Listener(logging.Handler):
    """Keeps what bandit only logs: a test of its own that failed on a file."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.problems: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        found = _PROBLEM.search(record.getMessage())
        if found:
            self.problems.append((int(found["line"]), f"bandit's test {found['test']} failed: {found['why'][:200]}"))


class Scanner:
    """bandit with one set of settings.

    Raises:
        ValueError: the settings leave no test to run.
    """

    def __init__(self, settings: BanditSettings, severity: str, confidence: str) -> None:
        from bandit.core.config import BanditConfig  # type: ignore[import-untyped] # bandit ships no types
        from bandit.core.manager import BanditManager  # type: ignore[import-untyped] # bandit ships no types

        config = BanditConfig()
        config.config.update(settings.options)
        profile = {"include": set(settings.tests), "exclude": set(settings.skips)}
        self._manager = BanditManager(config, "file", profile=profile, ignore_nosec=settings.ignore_nosec)
        if not self._manager.b_ts.tests:
            raise ValueError("no test is left to run")
        self._severity, self._confidence = severity.upper(), confidence.upper()
        self._listener = _Listener()
        logger = logging.getLogger("bandit")
        logger.setLevel(logging.ERROR)
        logger.addHandler(self._listener)
        logger.propagate = False
        warnings.simplefilter("ignore")  # what Python has to say about the code that is parsed

    def scan(self, path: str, data: bytes) -> dict[str, Any]:
        """Returns bandit's issues of one file, and what kept it from looking.

        Args:
            path: relative to the configuration's folder; bandit is told `./path`, as by `bandit -r .`.
            data: its content.
        """
        manager, shown = self._manager, f"./{path}"
        self._listener.problems = []
        # its public way reads the file once more, which may by then be another one than was hashed
        manager._parse_file(shown, io.BytesIO(data), [shown])  # noqa: SLF001 - see above
        issues, skipped = manager.results, manager.skipped
        nosec = sum(
            each["nosec"] + each["skipped_tests"] for name, each in manager.metrics.data.items() if name == shown
        )
        manager.results, manager.skipped, manager.scores = [], [], []
        manager.metrics.data.pop(shown, None)
        problems = [(0, str(why)) for _, why in skipped] or self._listener.problems
        kept = [_plain(each) for each in issues if each.filter(self._severity, self._confidence)]
        return {"issues": kept, "problems": problems, "nosec": nosec, "below": len(issues) - len(kept)}


def _plain(issue: Any) -> dict[str, Any]:
    return {
        "test": issue.test_id,
        "name": issue.test,
        "severity": issue.severity.lower(),
        "confidence": issue.confidence.lower(),
        "text": issue.text,
        "line": issue.lineno,
        "column": issue.col_offset,
    }


def send(stream: IO[bytes], document: dict[str, Any], data: bytes = b"") -> None:
    """One frame is written."""
    body = json.dumps(document).encode()
    stream.write(len(body).to_bytes(HEADER, "big") + body + data)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any] | None:
    """Returns the next frame's JSON; None at the end."""
    header = stream.read(HEADER)
    if len(header) < HEADER:
        return None
    document: dict[str, Any] = json.loads(stream.read(int.from_bytes(header, "big")))
    return document


def main() -> None:
    """Questions are answered until there are no more."""
    questions = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a plugin that prints does not garble our answers
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    told = receive(questions)
    if told is None:
        return
    try:
        scanner = Scanner(from_json(told["settings"]), told["severity"], told["confidence"])
    except Exception as error:  # noqa: BLE001 - whatever bandit or a plugin makes of the settings, it is told
        send(answers, {"error": f"{type(error).__name__}: {error}"[:300]})
        return
    send(answers, {"ready": True})
    gc.freeze()
    gc.disable()
    seen = 0
    while (asked := receive(questions)) is not None:
        data = questions.read(asked["size"])
        send(answers, scanner.scan(asked["path"], data))
        seen += len(data)
        if seen > _COLLECT_EVERY:
            gc.collect()
            seen = 0


if __name__ == "__main__":
    main()
