"""A sample service: `python service.py PORT [OPTION...]`, with what may go wrong as options."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers what the service was started with."""

    def do_GET(self) -> None:
        """/health/ready is ready at once, or never."""
        is_ready = self.path == "/health/ready" and "never-ready" not in sys.argv
        names = ("DATABASE_URL", "REDIS_URL", "PORT", "PATH")
        body = json.dumps({name: os.environ[name] for name in names} | {"cwd": str(Path.cwd())}).encode()
        self.send_response(200 if is_ready else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serves until it is told to stop."""
    options = set(sys.argv[2:])
    sys.stderr.write(f"the service says hello to {os.environ['DATABASE_URL']}\n")
    if "exits" in options:
        sys.stderr.write("the setting FOO is missing\n")
        sys.exit(3)
    if "stubborn" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "with-child" in options:  # as a server with workers has them
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    if "with-daemon" in options:  # which leaves the process group
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    if "port-taken-once" in options and not Path("tried").exists():
        Path("tried").touch()
        sys.exit("OSError: [Errno 98] Address already in use")
    if "closed" in options:
        time.sleep(600)
    http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()


if __name__ == "__main__":
    main()
