"""An embedded environment starts nearly as fast as its two servers started by hand.

    python benchmarks/embedded_start.py [rounds]

Both sides start the same programs with the same settings on a copy of the same cluster, in parallel, alternating, and
both are measured until PostgreSQL answered a query and Redis a PING. By hand means `subprocess.Popen` on a cluster that
lies ready; the environment also takes a cluster from its cache, verifies it, and has all guarded against `kill -9`.

Its guardian boots while pytest collects, so the claim is about the time between collection and the first check. For
information: the same with the guardian's boot, and a cold start, which initialises the cluster.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from readiness.config.cache import cache_folder
from readiness.config.model import Embedded, Policy, Service, Settings
from readiness.environment import factory, servers
from readiness.environment.binaries import find_binaries, server_user
from readiness.environment.clusters import Cluster, ClusterCache

LIMIT = 1.30
COLLECTION_S = 0.2
"""What pytest takes at least between making the environment and needing it."""


def ask(database_url: str, redis_url: str) -> None:
    """Both servers have answered."""
    import psycopg
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.ping()
    with psycopg.connect(database_url) as connection:
        connection.execute("SELECT 1")


def environment_start(folder: Path, *, with_boot: bool = False) -> float:
    """Returns the seconds until the environment's servers have answered."""
    settings = Settings(
        file=folder / "readiness.toml",
        service=Service(name="none"),
        policy=Policy(),
        waivers=(),
        environment="local",
        where=Embedded(),
        gates={},
        known_gates=(),
    )
    begun = time.perf_counter()
    environment = factory.create(settings, run_folder_parent=folder)
    try:
        if not with_boot:
            time.sleep(COLLECTION_S)
            begun = time.perf_counter()
        target = environment.provision()
        ask(target.database_url or "", target.redis_url or "")
        return time.perf_counter() - begun
    finally:
        environment.close()


@contextlib.contextmanager
def by_hand(folder: Path) -> Iterator[Callable[[], float]]:
    """Yields a function that starts both servers on a cluster of its own and returns the seconds until they answered."""
    binaries, user = find_binaries(), server_user()
    cluster = ClusterCache(cache_folder(os.environ), binaries, user).take(folder / "by-hand")
    if cluster is None:
        sys.exit("there is no cluster in the cache: the environment could not keep one")
    yield lambda: _start_by_hand(folder, cluster)


def _start_by_hand(folder: Path, cluster: Cluster) -> float:
    binaries, user = find_binaries(), server_user()
    postgres_port, redis_port = servers.free_ports(2)
    both = [
        servers.postgres(binaries, folder, cluster.data, postgres_port, user),
        servers.redis(binaries, folder, redis_port, "by-hand", user),
    ]
    begun = time.perf_counter()
    running = [
        subprocess.Popen(
            server.start["argv"],
            env=server.start["env"],
            cwd=server.start["cwd"],
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for server in both
    ]
    try:
        while not all(server.is_ready() for server in both):
            time.sleep(0.002)
        ask(
            f"postgresql://postgres:{cluster.password}@{servers.HOST}:{postgres_port}/postgres",
            f"redis://:by-hand@{servers.HOST}:{redis_port}/0",
        )
        return time.perf_counter() - begun
    finally:
        for process in running:
            process.terminate()
            process.wait(20)


def cold_start(folder: Path) -> float:
    """Returns the seconds with an empty cache."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(folder / "empty-cache")
    try:
        return environment_start(folder)
    finally:
        if before is None:
            del os.environ["XDG_CACHE_HOME"]
        else:
            os.environ["XDG_CACHE_HOME"] = before


def main() -> int:
    """Returns 0 where the claim holds."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the servers of root run as nobody
        environment_start(folder)  # imports, the file cache, and a cluster in the cache
        ours, hand, booting = [], [], []
        with by_hand(folder) as start_by_hand:
            start_by_hand()
            for _ in range(rounds):
                ours.append(environment_start(folder))
                hand.append(start_by_hand())
                booting.append(environment_start(folder, with_boot=True))
        cold = cold_start(folder)
    one, other = statistics.median(ours), statistics.median(hand)
    ratio = one / other
    print(f"embedded start: {one:.3f} s, by hand {other:.3f} s, ratio {ratio:.2f} (limit {LIMIT:.2f})")
    print(f"for information: with the guardian's boot {statistics.median(booting):.3f} s, cold start {cold:.3f} s")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
