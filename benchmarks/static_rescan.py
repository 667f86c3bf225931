"""The static gates on a generated tree: a second run after 1 % of the files has changed, and a tree twice as large.

All three gates that read files are configured; each scan is made in a process of its own, and its worker processes
count; importing the modules does not, on either side. The second run is held against the first, without what it takes
to find the files of each gate.

Run: python benchmarks/static_rescan.py [FILES]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from timing import ENVIRON

FILES, ROUNDS = 16_000, 2
SETTLED_S = 3.0
"""After so long the scan trusts that a file has not changed since it was read."""
RESCAN_LIMIT, DOUBLE_LIMIT = 0.05, 2.1
CONFIG = """
[service]
name = "bench"
[env.production]
kind = "live"
[config-lint]
paths = ["."]
[placeholder-audit]
paths = ["."]
[security-scan]
secrets = { paths = ["."] }
"""
CHILD = """
import importlib, json, os, resource, sys, time
from pathlib import Path
from readiness.config.loading import load
from readiness.gate import builtin_gates
from readiness.redact import Redactor
from readiness.static.analysers import MODULES
from readiness.static.repository import Repository
from readiness.static.walk import Walk

def cpu_s():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)

folder, cache = Path(sys.argv[1]), Path(sys.argv[2])
settings = load("production", start=folder, path=folder / "readiness.toml", environ={}, gates=builtin_gates(), redactor=Redactor())
repository = Repository(settings, list(settings.gates), lambda: 3600.0, cache=lambda: cache)
for name in MODULES.values():
    importlib.import_module(name)  # what every run takes to start, however large the tree
def walk():
    selections = [repository._gate(gate).selection for gate in settings.gates]
    return len(list(Walk(folder, selections, lambda: 3600.0).files()))

walk()
began = cpu_s()
files = walk()
walked = cpu_s()
scans = {gate: repository.scan(gate) for gate in settings.gates}
ended = cpu_s()
peaks = [resource.getrusage(who).ru_maxrss // 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(json.dumps({
    "walk_s": walked - began, "scan_s": ended - walked, "files": files, "peak_mb": max(peaks),
    "size_mb": scans["placeholder-audit"].size / 1e6,
    "cached": {gate: [scan.cached, scan.files] for gate, scan in scans.items()},
    "findings": sum(len(found) for scan in scans.values() for found in scan.found.values()),
}))
"""
WORDS = [
    "order",
    "price",
    "basket",
    "user",
    "session",
    "queue",
    "worker",
    "limit",
    "cache",
    "token",
    "window",
    "report",
    "total",
    "ledger",
    "batch",
    "retry",
]


def code(draw: random.Random) -> str:
    """Returns a module."""
    parts = ['"""Generated."""\n\nimport os\n\n']
    for number in range(draw.randint(5, 40)):
        first, second = draw.sample(WORDS, 2)
        parts.append(
            f"\ndef {first}_{second}_{number}({first}: int, {second}: str = '{second}') -> str:\n"
            f'    """Returns the {first} of a {second}."""\n'
            f"    if {first} > {draw.randint(1, 999)}:\n        raise ValueError(f'{{{first}}} is too much')\n"
            f"    return os.path.join({second}, str({first}))\n\n"
        )
    return "".join(parts)


def manifest(draw: random.Random) -> str:
    """Returns a manifest of several documents."""
    documents = []
    for _ in range(draw.randint(1, 6)):
        name = "-".join(draw.sample(WORDS, 2))
        data = "\n".join(f'  {word.upper()}_{draw.randint(1, 99)}: "{draw.randint(1, 9999)}"' for word in WORDS)
        documents.append(f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{data}\n")
    return "---\n".join(documents)


def text(draw: random.Random) -> str:
    """Returns a page of documentation."""
    lines = [f"# The {draw.choice(WORDS)}\n"]
    lines += [" ".join(draw.choices(WORDS, k=14)) + "." for _ in range(draw.randint(20, 120))]
    return "\n".join(lines) + "\n"


def settings(draw: random.Random) -> str:
    """Returns a JSON document."""
    return json.dumps(
        {f"{word}-{number}": [draw.random(), word, {"on": True}] for number in range(8) for word in WORDS}, indent=1
    )


KINDS = (("py", code, 50), ("yaml", manifest, 20), ("md", text, 15), ("json", settings, 15))
"""Suffix, what such a file holds, and its share in percent."""


def grow(folder: Path, files: int, seed: int) -> None:
    """The folder holds so many files more."""
    draw = random.Random(seed)  # noqa: S311 - a tree, no secret
    for number in range(files):
        suffix, write, _ = draw.choices(KINDS, weights=[share for _, _, share in KINDS])[0]
        file = folder / f"part{seed}" / f"{number // 50:03}" / f"{draw.choice(WORDS)}_{number}.{suffix}"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(write(draw))
        os.utime(file, (1_000_000_000, 1_000_000_000))


def change(folder: Path, share: float) -> int:
    """That share of the files has another content; returns how many."""
    files = sorted(file for file in folder.rglob("*.*") if file.name != "readiness.toml")
    changed = files[:: int(1 / share)]
    for file in changed:
        file.write_text(file.read_text() + "\n")
    return len(changed)


def scan(folder: Path, cache: Path) -> dict[str, Any]:
    """Returns what a scan took."""
    cache.mkdir(exist_ok=True)
    time.sleep(SETTLED_S)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(cache)], env=ENVIRON, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def line(title: str, ratio: float, limit: float, rest: str) -> None:
    """Prints one result."""
    print(f"{title}: ratio {ratio:.3f} (limit {limit:.2f}: {'holds' if ratio <= limit else 'MISSED'}); {rest}")


def main() -> None:
    """Prints both ratios and the memory; of two rounds that are the same, the quicker one counts."""
    files = int(sys.argv[1]) if len(sys.argv) > 1 else FILES
    with tempfile.TemporaryDirectory() as name:
        caches, trees = Path(name) / "caches", [Path(name) / "single", Path(name) / "double"]
        caches.mkdir()
        for tree in trees:
            tree.mkdir()
            (tree / "readiness.toml").write_text(CONFIG)
            grow(tree, files, 1)
        grow(trees[1], files, 2)
        colds, doubles, agains = [], [], []
        for number in range(ROUNDS):
            colds.append(scan(trees[0], caches / f"single{number}"))
            doubles.append(scan(trees[1], caches / f"double{number}"))
        for _ in range(ROUNDS):
            changed = change(trees[0], 0.01)
            agains.append(scan(trees[0], caches / "single0"))
    cold, double, again = (min(rounds, key=lambda each: each["scan_s"]) for rounds in (colds, doubles, agains))
    beyond = again["scan_s"] - again["walk_s"]
    known = ", ".join(f"{gate} {cached} of {seen}" for gate, (cached, seen) in again["cached"].items())
    line(
        f"second run, {changed} of {cold['files']} files changed, CPU beyond the walk",
        beyond / cold["scan_s"],
        RESCAN_LIMIT,
        f"{beyond:.2f} s and {again['walk_s']:.2f} s of walking, cold {cold['scan_s']:.2f} s for {cold['size_mb']:.0f} MB;"
        f" from the cache: {known}",
    )
    line(
        "twice the tree, CPU",
        double["scan_s"] / cold["scan_s"],
        DOUBLE_LIMIT,
        f"{cold['scan_s']:.2f} s, then {double['scan_s']:.2f} s",
    )
    peaks = [each["peak_mb"] for each in (cold, again, double)]
    print(f"memory: {max(peaks)} MB at most in one process (cold {peaks[0]}, second run {peaks[1]}, twice {peaks[2]})")


if __name__ == "__main__":
    main()
