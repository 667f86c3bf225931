"""All four smoke gates of one example, 60 checks, 20 ms away: the whole run against its slowest single check.

The example service runs on a PostgreSQL and a Redis started for this; the run sees all three only through proxies that
hand on every answer 20 ms late. What is compared is in one and the same run: its wall time, reports included, and the
longest time that one check took.

Run in the repository, with the dependency group `test` installed: python benchmarks/smoke_gates.py
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from timing import ENVIRON, pytest_command, run

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from tests.faults.proxy import delaying  # noqa: E402 - the tests' parts are found from the repository's root
from tests.servers import Servers  # noqa: E402 - the same
from tests.waiting import wait_until  # noqa: E402 - the same

EXAMPLE = "compliance-kit"
LATENCY_S, CHECKS, LIMIT, ROUNDS = 0.02, 60, 3.0, 3


@contextlib.contextmanager
def serving(folder: Path, environ: dict[str, str], port: int) -> Iterator[None]:
    """The example service answers on this port."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=folder, env=environ, check=True, capture_output=True
    )
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port), "--log-level", "error"]
    server = subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: is_up(port), what="the service")
        yield
    finally:
        server.terminate()
        server.wait(10)


def is_up(port: int) -> bool:
    """Returns whether something listens on the port."""
    import socket

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def configure(folder: Path, addresses: dict[str, int], database_url: str) -> None:
    """The folder has the example's configuration, with the proxies' addresses and endpoints up to the number of checks."""
    text = (ROOT / "examples" / EXAMPLE / "readiness.toml").read_text()
    for extra in range(CHECKS - planned(folder, text)):
        text = text.replace('  "/health/ready",\n', f'  "/health/ready",\n  "/health/ready?again={extra}",\n', 1)
    text += (
        f'\n[env.bench]\nkind = "live"\nurl = "http://127.0.0.1:{addresses["http"]}"\nprotected = false\n'
        f'database.url = "{database_url}"\nredis.url = "redis://127.0.0.1:{addresses["redis"]}"\n'
    )
    (folder / "readiness.toml").write_text(text)


def planned(folder: Path, text: str) -> int:
    """Returns how many checks a live environment that may be written to would have."""
    (folder / "readiness.toml").write_text(f'{text}\n[env.plan]\nkind = "live"\nurl = "http://plan"\nprotected = false\n'
        'database.url = "postgresql://plan/plan"\nredis.url = "redis://plan"\n')  # fmt: skip
    command = pytest_command("--env=plan", "--collect-only", "-q")
    said = subprocess.run(command, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=True).stdout
    return sum("::" in line and not line.startswith(" ") for line in said.splitlines())


def main() -> None:
    """Prints the ratio."""
    with ExitStack() as stack:
        examples = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "examples"
        shutil.copytree(ROOT / "examples", examples, ignore=shutil.ignore_patterns("reports", "__pycache__"))
        folder = examples / EXAMPLE
        servers = stack.enter_context(Servers())
        postgres = stack.enter_context(servers.postgres())
        redis = stack.enter_context(servers.redis(maxmemory_policy="allkeys-lru", maxmemory="64mb"))
        from readiness.environment.servers import free_ports

        (port,) = free_ports(1)
        environ = {**os.environ, "DATABASE_URL": postgres.dsn(), "REDIS_URL": redis.url, "PORT": str(port)}
        stack.enter_context(serving(folder, environ, port))
        direct = {"http": port, "redis": redis.port, "postgres": postgres.port}
        late = {name: stack.enter_context(delaying(each, answer_s=LATENCY_S)) for name, each in direct.items()}
        configure(folder, late, postgres.dsn(port=late["postgres"]))
        ratios = []
        for _ in range(ROUNDS):
            started = time.perf_counter()
            run(pytest_command("-p", "no:cacheprovider", "--env=bench"), folder)
            wall_s = time.perf_counter() - started
            checks = json.loads((folder / "reports/bench/report.json").read_text())["checks"]
            slowest = max(checks, key=lambda check: check["duration_s"])
            ratios.append(wall_s / slowest["duration_s"])
            print(
                f"  {len(checks)} checks in {wall_s:.2f} s; the slowest, {slowest['id']}, {slowest['duration_s']:.2f} s"
            )
    ratio = statistics.median(ratios)
    verdict = "holds" if ratio <= LIMIT else "MISSED"
    print(f"{CHECKS} checks, {LATENCY_S * 1000:.0f} ms away: the run takes {ratio:.2f} times its slowest check (limit {LIMIT}: {verdict})")  # fmt: skip


if __name__ == "__main__":
    main()
