"""The placeholder audit on a generated tree, cold, against ripgrep 14.1.0 with the same patterns and one thread.

Both sides walk and read the same tree of programs and documents, with a placeholder in one file of fifty; ripgrep counts
the lines that match, the audit weighs them and says what they are. Worker processes count; importing modules does not.
Then the memory of a scan of 1 GB, all its processes together.

Run: pip install --group benchmark && python benchmarks/placeholder_audit.py [MEGABYTES]
"""

from __future__ import annotations

import json
import random
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import psutil
from timing import ENVIRON

from readiness.static.placeholders.text import PATTERNS

MEGABYTES, ROUNDS, LIMIT = 200, 3, 2.0
LARGE_MB, FILE_MB, MEMORY_LIMIT_MB = 1000, 6, 300
CONFIG = '[service]\nname = "bench"\n[env.production]\nkind = "live"\n[placeholder-audit]\npaths = ["."]\n'
CHILD = """
import importlib, json, resource, sys
from pathlib import Path
from readiness.config.loading import load
from readiness.gate import builtin_gates
from readiness.redact import Redactor
from readiness.static.repository import Repository

def cpu_s():
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in spent)

folder = Path(sys.argv[1])
settings = load("production", start=folder, path=folder / "readiness.toml", environ={}, gates=builtin_gates(), redactor=Redactor())
repository = Repository(settings, ["placeholder-audit"], lambda: 3600.0)
repository._gate("placeholder-audit")
for module in ("re2", "pathspec", "readiness.static.placeholders", "readiness.static.documents.yaml"):
    importlib.import_module(module)
began = cpu_s()
seen = repository.scan("placeholder-audit")
print(json.dumps({"cpu_s": cpu_s() - began, "files": seen.files, "size": seen.size, "findings": sum(map(len, seen.found.values()))}))
"""
WORDS = [
    "order",
    "price",
    "basket",
    "total",
    "customer",
    "delivery",
    "invoice",
    "amount",
    "return",
    "value",
    "count",
    "index",
    "result",
    "message",
    "handler",
    "request",
    "response",
    "session",
    "user",
    "account",
    "address",
    "street",
    "city",
    "country",
    "currency",
    "discount",
    "tax",
    "weight",
    "label",
    "item",
    "stock",
    "shelf",
]
LINES = {
    "py": "    {0}_{1} = {2}.{3}({4}, {5}={0}) if {1} else {3}[{2!r}]",
    "go": "\t{0}{1}, err := {2}.{3}({4}, {5}) // the {0} of the {1}",
    "js": "  const {0}{1} = await {2}.{3}({{ {4}: {5}, {0}: '{1}' }});",
    "java": "        {0} {1} = this.{2}.{3}({4}, {5}); /* {0} */",
    "md": "The {0} of a {1} is the {2} that its {3} has when the {4} is {5}.",
    "txt": "{0} {1} {2} {3} {4} {5}",
    "sql": "SELECT {0}, {1} FROM {2} WHERE {3} = {4} ORDER BY {5};",
    "html": "<p class='{0}'>{1} {2} <b>{3}</b> {4} {5}</p>",
}
LEFT = {
    "py": "# TODO: the price of a discount",
    "go": "// FIXME: the tax of a country",
    "js": 'const settings = { apiKey: "your-api-key" };',
    "md": "Ask the account of your-org.",
}


def write_tree(folder: Path, size: int, file_size: int, seed: int = 7) -> None:
    """The folder holds generated programs and documents of so many bytes, in files of about that size."""
    chance = random.Random(seed)  # noqa: S311 - the same tree every time
    suffixes = list(LINES)
    blocks = {
        suffix: "".join(LINES[suffix].format(*chance.sample(WORDS, 6)) + "\n" for _ in range(2000))
        for suffix in suffixes
    }
    for number in range(max(1, size // file_size)):
        suffix = suffixes[number % len(suffixes)]
        block = blocks[suffix]
        start = chance.randrange(len(block) // 2)
        text = block[start:] + block * (file_size // len(block)) + block[: file_size % len(block)]
        text = text[: chance.randrange(file_size // 2, file_size * 3 // 2)]
        if number % 50 == 0:
            text += "\n" + LEFT.get(suffix, "") + "\n"
        path = folder / f"part{number % 97}" / f"{number}.{suffix}"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "readiness.toml").write_text(CONFIG, encoding="utf-8")


def audit(folder: Path) -> dict[str, float]:
    """Returns CPU seconds, files, bytes and findings of one cold scan."""
    command = [sys.executable, "-c", CHILD, str(folder)]
    done = subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    result: dict[str, float] = json.loads(done.stdout)
    return result


def search(folder: Path, patterns: Path) -> float:
    """Returns the CPU seconds of ripgrep."""
    beside = Path(sysconfig.get_path("scripts")) / "rg"
    program = str(beside) if beside.exists() else shutil.which("rg") or "rg"
    command = [
        program,
        "--no-unicode",
        "-U",
        "-j1",
        "--no-ignore",
        "--hidden",
        "--count",
        "-f",
        str(patterns),
        str(folder),
    ]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode > 1:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak_mb(folder: Path) -> float:
    """Returns the most memory that a scan takes, all its processes together; what they share counts once."""
    with tempfile.TemporaryFile() as errors:
        child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=errors, stderr=errors, env=ENVIRON)
        top = psutil.Process(child.pid)
        most = 0
        while child.poll() is None:
            taken = 0
            for process in [top, *children(top)]:
                try:
                    taken += process.memory_full_info().pss
                except psutil.Error:
                    continue
            most = max(most, taken)
            time.sleep(0.02)
        if child.returncode:
            errors.seek(0)
            raise RuntimeError(errors.read().decode()[-2000:])
    return most / 1e6


def children(top: psutil.Process) -> list[psutil.Process]:
    """Returns the processes that it has started; none where it has just ended."""
    try:
        return top.children(recursive=True)
    except psutil.Error:
        return []


def main() -> None:
    """Prints the ratio of the CPU times, and the memory."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES
    with tempfile.TemporaryDirectory() as name:
        folder, patterns = Path(name) / "tree", Path(name) / "patterns"
        folder.mkdir()
        patterns.write_text("\n".join(pattern for _, pattern in PATTERNS) + "\n", encoding="utf-8")
        write_tree(folder, megabytes * 1_000_000, 25_000)
        audit(folder), search(folder, patterns)
        pairs = [(audit(folder), search(folder, patterns)) for _ in range(ROUNDS)]
        ratio = statistics.median(ours["cpu_s"] / theirs for ours, theirs in pairs)
        ours, theirs = pairs[-1]
        verdict = "holds" if ratio <= LIMIT else "MISSED"
        what = f"{ours['files']} files, {ours['size'] / 1e6:.0f} MB, {ours['findings']} findings"
        print(
            f"placeholder audit, {what}: {ours['cpu_s']:.2f} s CPU, ripgrep {theirs:.2f} s, ratio {ratio:.2f}"
            f" (limit {LIMIT:.1f}: {verdict})"
        )
        shutil.rmtree(folder)
        folder.mkdir()
        write_tree(folder, LARGE_MB * 1_000_000, FILE_MB * 1_000_000)
        most = peak_mb(folder)
        verdict = "holds" if most <= MEMORY_LIMIT_MB else "MISSED"
        print(f"memory at {LARGE_MB} MB of text: {most:.0f} MB (limit {MEMORY_LIMIT_MB}: {verdict})")


if __name__ == "__main__":
    main()
