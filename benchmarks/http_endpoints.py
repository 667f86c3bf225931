"""500 health endpoints of 50 ms each: one run against a bare asyncio and httpx loop of the same concurrency.

The server is a process of its own on loopback; both sides make the same 500 requests, eight at a time.

Run: python benchmarks/http_endpoints.py
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from timing import compare, pytest_command, report, run

ENDPOINTS, DELAY_S, CONCURRENCY = 500, 0.05, 8

SERVER = f"""
import asyncio

async def talk(reader, writer):
    try:
        while await reader.readuntil(b"\\r\\n\\r\\n"):
            await asyncio.sleep({DELAY_S})
            writer.write(b'HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\nContent-Length: 20\\r\\n\\r\\n{{"status":"healthy"}}')
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()

async def main():
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()

asyncio.run(main())
"""
PEER = """
import asyncio, sys
import httpx

async def main(url, count, concurrency):
    gate = asyncio.Semaphore(concurrency)
    async with httpx.AsyncClient(base_url=url) as client:
        async def ask(number):
            async with gate:
                reply = await client.get(f"/health/{number}")
                assert reply.status_code == 200 and reply.json() == {"status": "healthy"}
        await asyncio.gather(*(ask(number) for number in range(count)))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """The server is up; its address."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None  # noqa: S101 - for mypy: stdout is a pipe
        yield f"http://127.0.0.1:{server.stdout.readline().strip()}"
    finally:
        server.kill()
        server.communicate()


def main() -> None:
    """Prints the ratio of the wall times."""
    with tempfile.TemporaryDirectory() as name, serving() as url:
        folder = Path(name)
        paths = "".join(f'  {{ path = "/health/{n}", json = {{ status = "healthy" }} }},\n' for n in range(ENDPOINTS))
        (folder / "readiness.toml").write_text(
            f'[service]\nname = "bench"\n[env.bench]\nkind = "live"\nurl = "{url}"\n'
            f"[health]\nsamples = 1\nendpoints = [\n{paths}]\n"
        )
        (folder / "peer.py").write_text(PEER)
        judged = pytest_command("-p", "no:cacheprovider", "--env=bench")
        peer = [sys.executable, "peer.py", url, str(ENDPOINTS), str(CONCURRENCY)]
        result = compare(lambda: run(judged, folder), lambda: run(peer, folder), rounds=5)
    report(f"{ENDPOINTS} endpoints of {DELAY_S * 1000:.0f} ms, {CONCURRENCY} at a time", result, 1.5)


if __name__ == "__main__":
    main()
