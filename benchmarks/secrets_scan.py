"""The secrets scan on real code, cold, against detect-secrets: CPU time of each, and what each finds of the labelled set.

Both sides scan the same tree of files of this installation and the same labelled set that the tests carry. Children and
start-up count; detect-secrets is told to verify nothing, so that it contacts nobody.

Run: pip install --group benchmark && python benchmarks/secrets_scan.py [MEGABYTES]
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.static.secrets.labelled import FOUND, PASSED, Sample

MEGABYTES, LIMIT = 12, 50
SUFFIXES = frozenset(
    {".py", ".pyi", ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".md", ".rst", ".txt", ".html", ".js", ".sh"}
)
LARGEST = 400_000
OURS = """
import json, sys, time
from pathlib import Path
from readiness.static.analysers import rules_of
from readiness.static.scan import Gate, scan
from readiness.static.secrets.analyser import SecretsAnalyser
from readiness.static.walk import Selection

folder, until = Path(sys.argv[1]), time.monotonic() + 3600
analyser = SecretsAnalyser()
gate = Gate("security-scan", Selection("security-scan", ["."], [], analyser.wants), analyser, rules_of("security-scan"), 10 << 20)
seen = scan(folder, [gate], budget=lambda: until - time.monotonic(), config="readiness.toml")["security-scan"]
found = [(each.path, str(each.severity)) for each in seen.of("security-scan/secrets")]
print(json.dumps({"files": seen.files, "found": found}))
"""


def measured(command: Sequence[str], folder: Path) -> tuple[float, str]:
    """Returns CPU seconds, with those of children, and what the command wrote."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def by_us(folder: Path) -> tuple[float, dict[str, set[str]]]:
    """Returns what our scan takes, and path to the severities of its findings."""
    cpu, out = measured([sys.executable, "-c", OURS, str(folder)], folder)
    found: dict[str, set[str]] = {}
    for path, severity in json.loads(out)["found"]:
        found.setdefault(path, set()).add(severity)
    return cpu, found


def by_detect_secrets(folder: Path) -> tuple[float, set[str]]:
    """Returns what detect-secrets takes, and the paths with findings."""
    cpu, out = measured(
        [sys.executable, "-P", "-m", "detect_secrets", "scan", "--all-files", "--no-verify", "."], folder
    )
    return cpu, {os.path.normpath(path) for path in json.loads(out)["results"]}


def copy_files(folder: Path, size: int) -> tuple[int, int]:
    """Returns how many files and bytes of real code were put into the folder, taken evenly from all there are."""
    site = Path(sysconfig.get_path("purelib"))
    paths = sorted(path for path in site.rglob("*") if path.suffix in SUFFIXES and 0 < path.stat().st_size < LARGEST)
    step = max(1, sum(path.stat().st_size for path in paths) // size)
    count = copied = 0
    for path in paths[::step]:
        target = folder / "src" / path.relative_to(site)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        count, copied = count + 1, copied + path.stat().st_size
    return count, copied


def write_samples(folder: Path, samples: Sequence[Sample]) -> list[str]:
    """Returns the paths of the samples, each in a folder of its own."""
    paths = []
    for number, sample in enumerate(samples):
        path = folder / f"s{number}" / sample.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sample.text)
        paths.append(path.relative_to(folder).as_posix())
    return paths


def shares(folder: Path, samples: Sequence[Sample]) -> tuple[float, float, float]:
    """Returns the shares of samples in which we find anything, anything that warns or fails, and detect-secrets anything."""
    paths = write_samples(folder, samples)
    ours, theirs = by_us(folder)[1], by_detect_secrets(folder)[1]
    counted = [path for path in paths if ours.get(path, set()) - {"information"}]
    return tuple(
        len(found) / len(paths)
        for found in ([p for p in paths if p in ours], counted, [p for p in paths if p in theirs])
    )  # type: ignore[return-value] # three of them


def main() -> None:
    """Prints both recalls and the share of near misses that are reported, then the ratio of the CPU times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "found").mkdir()
        (folder / "passed").mkdir()
        (folder / "code").mkdir()
        found, counted, theirs = shares(folder / "found", FOUND)
        verdict = "holds" if found >= theirs else "MISSED"
        print(
            f"recall on {len(FOUND)} labelled secrets: {found:.3f} ({counted:.3f} fail or warn), detect-secrets {theirs:.3f} (limit: no lower: {verdict})"
        )
        said, counted, theirs = shares(folder / "passed", PASSED)
        print(
            f"of {len(PASSED)} near misses {counted:.3f} fail or warn, {said:.3f} are listed at all, detect-secrets reports {theirs:.3f}"
        )
        files, size = copy_files(folder / "code", int(sys.argv[1] if len(sys.argv) > 1 else MEGABYTES) * 1_000_000)
        mine = statistics.median(by_us(folder / "code")[0] for _ in range(3))
        peer = by_detect_secrets(folder / "code")[0]
        verdict = "holds" if peer / mine >= LIMIT else "MISSED"
        print(
            f"secrets scan, CPU, {files} files, {size / 1e6:.1f} MB: {mine:.2f} s, detect-secrets {peer:.2f} s, ratio {peer / mine:.1f} (limit: at least {LIMIT}: {verdict})"
        )


if __name__ == "__main__":
    main()
