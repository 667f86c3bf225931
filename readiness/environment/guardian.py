"""Everything that a run starts is a child of this small process, and none of it outlives the run.

It is started as `python -I -S` in a session of its own, so that Ctrl-C in the terminal reaches neither it nor the
servers, and talks through two pipes. When the pipe from pytest closes, for whatever reason (the end of the run, a
crash, `kill -9`), it stops what it started and deletes the run folder.

A message is four bytes of length, then a `marshal` of builtins: both ends are the same interpreter, and importing
`json` here would cost a third of the time that PostgreSQL needs to start. For the same reason `signal` and `shutil`
are imported only when the first servers are under way.

    start   {child: a `Start`}  ->  {pid} or {error}
    status              ->  {children: {name: None or wait status}}
    stop    {names}     ->  the same, when they are gone
    quit                ->  the same, when all are gone and the run folder is deleted

Each message has an `id`, which its answer repeats: who was interrupted while waiting does not read an old one later.

What is bounded: each log by rotation, one message by `MESSAGE_LIMIT`, the way out by the steps. Where this process
itself is killed, Linux takes its direct children along (PR_SET_PDEATHSIG); elsewhere that is not possible.
"""

# ruff: noqa: PTH105, PTH112, PTH119, PTH123, PTH208 - importing pathlib would take as long as Redis needs to start
from __future__ import annotations

import marshal
import os
import select
import sys
import time

TYPE_CHECKING = False  # as in typing, whose import would take as long as all the others
if TYPE_CHECKING:
    from typing import Any

    from readiness.environment.children import Start

LOG_LIMIT = 10 * 1024 * 1024
"""Bytes after which a log becomes `<name>.1`, replacing an earlier one: 20 MiB per child at most."""
HEADER = 4
"""Bytes that hold a message's length."""
MESSAGE_LIMIT = 16 * 1024 * 1024
BUSY_S = 0.05
"""After so long without anything to do, the first servers have been started."""
SIGKILL = 9
LAST_STEP = (SIGKILL, 2.0)
"""For whatever is still there after its own steps."""
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _load_prctl() -> Any:
    """Returns Linux's prctl, or None elsewhere; loaded before the fork, where importing is safe."""
    if sys.platform != "linux":
        return None
    try:
        import ctypes

        return ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):  # without libffi that guarantee is lost, the run is not
        return None


class Child:
    """A process that was started, its output and how it ended."""

    def __init__(self, start: Start, read_fd: int) -> None:
        self.name = start["name"]
        self.steps = start["steps"]
        self.whole_group = start["whole_group"]
        self.wave = start["wave"]
        self.pid = 0
        self.status: int | None = None
        self.read_fd = read_fd
        self._log = start["log"]
        self._fd = -1
        self._size = 0

    def drain(self, rounds: int) -> None:
        """Output that is there is in the log; at most `rounds` times 64 KiB, so that no child starves the others."""
        while rounds and self.read_fd >= 0:
            rounds -= 1
            try:
                data = os.read(self.read_fd, 65536)
            except BlockingIOError:
                return
            if data:
                self._write(data)
            else:
                os.close(self.read_fd)
                self.read_fd = -1

    def _write(self, data: bytes) -> None:
        try:
            if self._fd >= 0 and self._size + len(data) > LOG_LIMIT:
                os.close(self._fd)
                self._fd = -1
                os.replace(self._log, self._log + ".1")
            if self._fd < 0:
                self._fd = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
                self._size = os.fstat(self._fd).st_size
            self._size += len(data)
            os.write(self._fd, data)
        except OSError:  # a full disk must not stop the supervisor: the output is lost, the child goes on
            pass

    def signal(self, number: int) -> None:
        """The signal is sent; SIGKILL to the whole group always."""
        try:
            if self.whole_group or number == SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # it ended by itself, or has not yet made its group: the next step finds it


class Guardian:
    """The children, the pipe and the loop over both."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.children: dict[str, Child] = {}
        self.parent = os.getppid()
        self.prctl = _load_prctl()
        self.asked_to_end = False
        self.watching = False
        self.inbox = b""
        os.set_blocking(0, False)
        if self.prctl is not None:
            self.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # daemons that a service forks come to us, not to init

    # --- the loop ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Messages are answered until the pipe closes; then nothing is left."""
        try:
            while not self.asked_to_end:
                message = self._next_message()
                if message is not None:
                    self._send({**self._answer(message), "id": message["id"]})
                    continue
                if not self.pump(0.5 if self.watching else BUSY_S, commands=True) and not self.watching:
                    self._watch_signals()
                if os.getppid() != self.parent:  # a forked child of pytest may still hold the pipe open
                    self.asked_to_end = True
        finally:
            self.end()

    def pump(self, timeout_s: float, *, commands: bool = False) -> bool:
        """Returns whether there was something to read; waits for it at most so long."""
        by_fd = {child.read_fd: child for child in self.children.values() if child.read_fd >= 0}
        poll = select.poll()
        for fd in by_fd:
            poll.register(fd, select.POLLIN)
        if commands:
            poll.register(0, select.POLLIN)
        ready = poll.poll(timeout_s * 1000)
        for fd, _event in ready:
            if fd == 0:
                self._read_commands()
            else:
                by_fd[fd].drain(1)
        return bool(ready)

    def _read_commands(self) -> None:
        try:
            data = os.read(0, 1 << 20)
        except BlockingIOError:
            return
        self.inbox += data
        if not data or len(self.inbox) > MESSAGE_LIMIT:
            self.asked_to_end = True

    def _next_message(self) -> Any:
        end = HEADER + int.from_bytes(self.inbox[:HEADER], "big")
        if len(self.inbox) < end:
            return None
        body, self.inbox = self.inbox[HEADER:end], self.inbox[end:]
        return marshal.loads(body)  # noqa: S302 - from our own parent, through a private pipe

    def _send(self, reply: dict[str, Any]) -> None:
        body = marshal.dumps(reply)
        try:
            os.write(1, len(body).to_bytes(HEADER, "big") + body)
        except OSError:
            self.asked_to_end = True

    def _answer(self, message: Any) -> dict[str, Any]:
        match message["do"]:
            case "start":
                return self.start(message["child"])
            case "stop":
                self.stop([self.children[name] for name in message["names"] if name in self.children])
            case "quit":
                self.end()
                self.asked_to_end = True
            case "status":
                self.reap()
            case unknown:
                return {"error": f"unknown request {unknown!r}"}
        return {"children": {name: child.status for name, child in self.children.items()}}

    def _watch_signals(self) -> None:
        """SIGTERM and its like end the run in order; imported late, since `signal` takes 5 ms."""
        import signal

        def end(_number: int, _frame: object) -> None:
            self.asked_to_end = True

        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, end)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        self.watching = True

    # --- starting ---------------------------------------------------------------------------------------------

    def start(self, message: Start) -> dict[str, Any]:
        """The child runs, or the reason why it cannot is returned."""
        if message["whole_group"] and not self.watching:
            self._watch_signals()  # loads `signal`, which a command of the user needs, see _become
        read_fd, write_fd = os.pipe()  # not inheritable: closed by exec
        error_read, error_write = os.pipe()
        os.set_blocking(read_fd, False)
        child = Child(message, read_fd)
        guardian = os.getpid()
        child.pid = os.fork()
        if child.pid == 0:
            self._become(message, guardian, write_fd, error_write)
        os.close(write_fd)
        os.close(error_write)
        error = os.read(error_read, 4096).decode(errors="replace")  # empty when exec has closed it
        os.close(error_read)
        if error:
            os.waitpid(child.pid, 0)
            os.close(read_fd)
            return {"error": error}
        previous = self.children.get(child.name)
        if previous is not None and previous.read_fd >= 0:
            os.close(previous.read_fd)
        self.children[child.name] = child
        return {"pid": child.pid}

    def _become(self, message: Start, guardian: int, output: int, error_fd: int) -> None:
        """In the forked child: becomes the program, or says why not. Never returns."""
        try:
            os.setsid()  # a group of its own, so that all of it can be signalled
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            if message["user"] is not None:
                uid, gid = message["user"]
                os.setgroups([])
                os.setgid(gid)
                os.setuid(uid)
            if self.prctl is not None:  # after setuid, which clears it
                self.prctl(PR_SET_PDEATHSIG, message["orphaned"], 0, 0, 0)
                if os.getppid() != guardian:  # it was killed before the line above
                    os._exit(127)
            if self.watching:  # Python ignores these two, exec would hand that on: `yes | head` would never end
                import signal

                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            os.chdir(message["cwd"])
            os.execvpe(message["argv"][0], message["argv"], message["env"])  # noqa: S606 - argv, not a shell line
        except BaseException as error:  # noqa: BLE001 - whatever it is, the parent must learn of it
            os.write(error_fd, (str(error) or type(error).__name__).encode(errors="replace")[:4000])
        finally:
            os._exit(127)

    # --- stopping ---------------------------------------------------------------------------------------------

    def reap(self) -> None:
        """Children that ended have their status, all they wrote is in their log, their group is gone."""
        running = {child.pid: child for child in self.children.values() if child.status is None}
        for child in list(running.values()):
            if hasattr(os, "waitid") and os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                child.signal(SIGKILL)  # before it is waited for: until then its number cannot be another's
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)  # also the orphans that came to us
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in running:
                running[pid].drain(1024)
                running[pid].status = status

    def stop(self, children: list[Child]) -> None:
        """They are gone: each step's signal, then the time it may take. All at the same time."""
        steps = {child.name: [*child.steps, LAST_STEP] for child in children}
        due = dict.fromkeys(steps, 0.0)
        while True:
            self.reap()
            left = [child for child in children if child.status is None]
            if all(not steps[child.name] and time.monotonic() >= due[child.name] for child in left):
                return  # none is left, or what is left waits for a dead disk and cannot be killed
            for child in left:
                if steps[child.name] and time.monotonic() >= due[child.name]:
                    number, seconds = steps[child.name].pop(0)
                    due[child.name] = time.monotonic() + seconds
                    child.signal(number)
            self.pump(0.003)

    def end(self) -> None:
        """Nothing of ours is left: first what stands on the servers, then the servers, then the run folder."""
        for wave in sorted({child.wave for child in self.children.values()}):
            self.stop([child for child in self.children.values() if child.wave == wave])
        self._kill_orphans()
        if os.path.isdir(self.folder):
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)

    def _kill_orphans(self) -> None:
        """Daemons that left their group and came to us are gone; Linux only, where we are told of them."""
        if self.prctl is None:
            return
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            try:
                if os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            except ChildProcessError:
                return
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    with open(f"/proc/{pid}/stat", "rb") as file:
                        parent = int(file.read().rpartition(b")")[2].split()[1])
                    if parent == os.getpid():
                        os.kill(int(pid), SIGKILL)
                except (OSError, ValueError):  # it ended while we looked
                    continue
            time.sleep(0.002)


def main() -> None:
    """Runs until the pipe closes. The only argument is the run folder, which is deleted at the end."""
    folder = sys.argv[-1]
    if not os.path.basename(folder).startswith("readiness-"):
        sys.exit(f"not a run folder: {folder}")
    Guardian(folder).run()
    os._exit(0)  # at once: pytest waits for us, and there is nothing left to finalise


if __name__ == "__main__":
    main()
