"""bandit's part of security-scan on 400 files of this installation: CPU time of one process, wall time of two, against bandit.

Both sides scan the same files at the lowest thresholds with bandit's default tests, and must find the same. The processes
that scan are children; their CPU time counts. The wall time of two says something only where two processors are free,
so the run looks first whether they are, with two processes that only count.

Run: python benchmarks/code_scan.py
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
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from timing import report

FILES, LARGEST, ROUNDS = 400, 60_000, 3
Issues = list[tuple[str, int, str]]
"""Path, line and test."""
OURS = """
import json, sys, time
from pathlib import Path
from readiness.config.security_tables import Bandit
from readiness.static.code.bandit import scan_with_bandit
from readiness.static.walk import File

folder, workers = Path(sys.argv[1]), int(sys.argv[2])
files = [File(p.name, (p.stat().st_size, 0, 0, 0), ()) for p in sorted(folder.glob("*.py"))]
until = time.monotonic() + 3600
table = Bandit(paths=["."], severity="low", confidence="low")
seen = scan_with_bandit(files, table, folder, lambda: until - time.monotonic(), cache=None, workers=workers)
print(json.dumps([[f.path, f.line, f.text.partition(":")[0]] for f in seen.of("security-scan/code") if f.text[0] == "B"]))
"""
COUNTING = "n = 0\nwhile n < 30_000_000: n += 1"


def measured(command: Sequence[str], folder: Path) -> tuple[float, float, str]:
    """Returns CPU seconds, with those of children, wall seconds, and what the command wrote."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or not done.stdout:
        raise RuntimeError(f"{' '.join(command[:3])} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall, done.stdout


def by_bandit(folder: Path) -> tuple[float, float, Issues]:
    """Returns what bandit's own command line takes and finds."""
    command = [sys.executable, "-P", "-W", "ignore", "-m", "bandit", "-q", "-r", ".", "-f", "json"]
    cpu, wall, out = measured(command, folder)
    found = json.loads(out)["results"]
    return cpu, wall, sorted((each["filename"][2:], each["line_number"], each["test_id"]) for each in found)


def by_us(folder: Path, workers: int) -> tuple[float, float, Issues]:
    """Returns what our scan takes and finds."""
    cpu, wall, out = measured([sys.executable, "-c", OURS, str(folder), str(workers)], folder)
    return cpu, wall, sorted((path, line, test) for path, line, test in json.loads(out))


def copy_files(folder: Path) -> int:
    """Returns how many bytes of real code were put into the folder."""
    site = Path(sysconfig.get_path("purelib"))
    paths = sorted(path for path in site.rglob("*.py") if 2_000 < path.stat().st_size < LARGEST)
    step = max(1, len(paths) // FILES)
    size = 0
    for number, path in enumerate(paths[::step][:FILES]):
        data = path.read_bytes()
        (folder / f"module_{number:03}.py").write_bytes(data)
        size += len(data)
    return size


def speedup_of_two() -> float:
    """Returns how much faster two processes count than one that counts twice: 2 where two processors are free."""
    command = [sys.executable, "-c", COUNTING]
    started = time.perf_counter()
    for _ in range(2):
        subprocess.run(command, check=True)
    one = time.perf_counter() - started
    started = time.perf_counter()
    both = [subprocess.Popen(command) for _ in range(2)]
    for process in both:
        process.wait()
    return one / (time.perf_counter() - started)


def pairs(ours: Callable[[], float], peer: Callable[[], float]) -> tuple[float, float, float]:
    """Returns both medians, and the median of the ratios of adjacent runs, whose order alternates."""
    taken = []
    for index in range(ROUNDS):
        if index % 2:
            theirs = peer()
            taken.append((ours(), theirs))
        else:
            mine = ours()
            taken.append((mine, peer()))
    mine, theirs = [each[0] for each in taken], [each[1] for each in taken]
    return statistics.median(mine), statistics.median(theirs), statistics.median(m / t for m, t in taken)


def main() -> None:
    """Prints the ratio of the CPU times on one core, and of the wall times on two."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = copy_files(folder)
        theirs, ours, two = by_bandit(folder)[2], by_us(folder, 1)[2], by_us(folder, 2)[2]  # these warm up, too
        if not theirs == ours == two:
            raise RuntimeError(f"other findings than bandit: {set(ours) ^ set(theirs) or set(two) ^ set(theirs)}")
        what = f"{len(list(folder.iterdir()))} files, {size / 1e6:.1f} MB, {len(theirs)} equal findings"
        report(
            f"bandit's part, CPU of one process ({what})",
            pairs(lambda: by_us(folder, 1)[0], lambda: by_bandit(folder)[0]),
            1.1,
        )
        free = speedup_of_two()
        result = pairs(lambda: by_us(folder, 2)[1], lambda: by_bandit(folder)[1])
        report("bandit's part, wall time of two processes", result, 1 / 1.8)
        print(
            f"  {1 / result[2]:.2f} times as fast; two processes that only count were {free:.2f} times as fast as one,"
            f" load {os.getloadavg()[0]:.1f}"
        )


if __name__ == "__main__":
    main()
