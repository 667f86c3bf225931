"""The console command `readiness`: what is done outside of a run.

A run is `pytest --env=NAME`. Whatever is wrong with the command line ends in exit status 4, as there.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from readiness import __version__
from readiness.errors import UsageError

if TYPE_CHECKING:
    from readiness.scaffold.draft import Draft
    from readiness.scaffold.survey import Survey

USAGE_ERROR = 4
"""Exit status; pytest's own for the same."""
CONFIG = "readiness.toml"
AVAILABLE = ("init", "schema", "explain", "baseline", "rollout")
NOT_YET = {
    "diff": "what changed between two reports",
    "sign": "sign a report",
    "verify": "verify a signed report",
    "merge": "make one report of the shards of a run",
}
"""Commands to come, whose names are reserved."""


class _Parser(argparse.ArgumentParser):
    """Errors are raised, so that all of them look alike and end in the same exit status."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}.", f"See `{self.prog} --help`.")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status: 0, or 4 where it cannot be followed as given.

    `rollout backtest` returns 1 where the rollout would not have been promoted.

    Args:
        argv: the arguments without the program's name; default those of the process.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        parser = _parser()
        _refuse_unavailable(arguments)
        options = parser.parse_args(arguments)
        command: Callable[[argparse.Namespace], int] = options.command
        status = command(options)
        sys.stdout.flush()
    except UsageError as error:
        _write(f"readiness: {error}", sys.stderr)
        return USAGE_ERROR
    except BrokenPipeError:  # `readiness schema config | head`
        with contextlib.suppress(OSError, ValueError):  # captured streams have no descriptor
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SystemExit as end:  # argparse, after --help and --version
        return end.code if isinstance(end.code, int) else 0
    return status


# --- the command line -----------------------------------------------------------------------------------------------


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="readiness", description="May this go to production? Judge with `pytest --env=NAME`.")
    parser.add_argument("--version", action="version", version=f"readiness {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    init = commands.add_parser(
        "init", help=f"write a {CONFIG} from what is found in the repository", allow_abbrev=False
    )
    init.add_argument("--path", type=Path, default=Path(), metavar="DIR", help="the repository; default this folder")
    init.add_argument("--force", action="store_true", help="replace an existing configuration")
    init.add_argument("--dry-run", action="store_true", help="print the configuration, write nothing")
    init.set_defaults(command=_init)

    schema = commands.add_parser("schema", help="print a JSON Schema, for editors and validators", allow_abbrev=False)
    schema.add_argument("of", metavar="|".join(_SCHEMAS), help=f"of {CONFIG} or of report.json")
    schema.add_argument("--output", type=Path, metavar="FILE", help="write it there instead")
    schema.set_defaults(command=_schema)

    explain = commands.add_parser(
        "explain", help="what a check or a rule asserts, why, what to do when it fails", allow_abbrev=False
    )
    explain.add_argument("id", metavar="ID", help="of a check, as database/connects, or of a rule that a finding names")
    explain.set_defaults(command=_explain)

    known = commands.add_parser(
        "baseline", help="make the findings of a report known, so that only new ones block", allow_abbrev=False
    )
    known.add_argument(
        "action",
        choices=("write", "prune"),
        help="write: list what blocks now, forget what vanished; prune: only forget",
    )
    known.add_argument(
        "report", type=Path, nargs="?", help="a report.json or its folder; default the only one below reports/"
    )
    known.add_argument(
        "--file", type=Path, metavar="FILE", help="the baseline; default that of [baseline] in the configuration"
    )
    known.add_argument("--config", type=Path, metavar="PATH", help=f"default {CONFIG} or pyproject.toml, upward")
    known.set_defaults(command=_baseline)

    _add_rollout(commands)
    for name, about in NOT_YET.items():
        commands.add_parser(name, help=f"{about} (not available yet)")
    return parser


def _refuse_unavailable(arguments: list[str]) -> None:
    """A command that does not exist is refused with those that do; argparse would call it an invalid choice."""
    from readiness.config.suggest import known_names

    command = next((word for word in arguments if not word.startswith("-")), None)
    if command in NOT_YET:
        raise UsageError(f"`readiness {command}` is not available yet.", f"Available: {', '.join(AVAILABLE)}.")
    if command is None and not arguments:
        raise UsageError(f"no command was given. Known: {', '.join(AVAILABLE)}.", "See `readiness --help`.")
    if command is not None and command not in AVAILABLE:
        known = known_names(command, (*AVAILABLE, *NOT_YET))
        raise UsageError(f"there is no command {command!r}. {known}", "See `readiness --help`.")


# --- schema ---------------------------------------------------------------------------------------------------------


def _config_schema() -> dict[str, Any]:
    from readiness.config.schema import config_schema
    from readiness.gate import builtin_gates

    return config_schema(builtin_gates())


def _report_schema() -> dict[str, Any]:
    from readiness.reports.json import report_schema

    return report_schema()


_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {"config": _config_schema, "report": _report_schema}


def _schema(options: argparse.Namespace) -> int:
    import json

    from readiness.config.suggest import known_names

    if options.of not in _SCHEMAS:
        known = known_names(options.of, _SCHEMAS)
        raise UsageError(f"there is no schema of {options.of!r}. {known}", "See `readiness schema --help`.")
    text = json.dumps(_SCHEMAS[options.of](), indent=2) + "\n"
    if options.output is None:
        sys.stdout.write(text)  # ASCII, as `dumps` makes it
        return 0
    try:
        options.output.write_text(text, "utf-8")
    except (OSError, ValueError) as error:
        raise _not_written(options.output, error) from error
    return 0


# --- explain --------------------------------------------------------------------------------------------------------


def _explain(options: argparse.Namespace) -> int:
    from readiness import explain
    from readiness.gate import builtin_gates

    builtin = [gate.file for gate in builtin_gates() if gate.file is not None]
    own = [file for file in sorted(Path("checks").rglob("test_*.py")) if file.resolve() not in builtin]
    found = explain.find(options.id, explain.explained([*builtin, *own]), explain.explained_rules())
    _write(explain.as_text(found), sys.stdout, end="")
    return 0


# --- baseline -------------------------------------------------------------------------------------------------------


def _baseline(options: argparse.Namespace) -> int:
    import datetime as dt

    from readiness.adoption import adopt

    made = adopt(
        adds=options.action == "write",
        report=options.report,
        file=options.file,
        config=options.config,
        start=Path.cwd(),
        today=dt.datetime.now(dt.UTC).date(),
    )
    _write_whole(made.target, made.text, overwrite=True)
    _write("\n".join(made.said), sys.stdout)
    return 0


# --- rollout --------------------------------------------------------------------------------------------------------


def _add_rollout(commands: Any) -> None:
    rollout = commands.add_parser("rollout", help="look at rollouts of the past", allow_abbrev=False)
    tests = rollout.add_subparsers(metavar="COMMAND", required=True)
    backtest = tests.add_parser(
        "backtest",
        help="what the judge would have said of a past rollout, and when",
        description="Replays a past window of the Prometheus of [rollout], or a recording, through the gate's reader and "
        "judge. Exit status: 0 it would have been promoted, 1 held, rolled back or not readable, 4 wrong usage.",
        allow_abbrev=False,
    )
    backtest.add_argument("--env", required=True, metavar="NAME", help="the environment whose [rollout] holds")
    time = "2026-11-21T13:00:00Z, seconds since the epoch, or a length of time ago such as 2h"
    backtest.add_argument("--from", dest="start", metavar="TIME", help=f"when the stage began: {time}")
    backtest.add_argument("--to", dest="end", metavar="TIME", help="the end; default now, or that of the recording")
    backtest.add_argument("--stage", metavar="PERCENT", help="the stage under judgement; default the first one")
    backtest.add_argument("--step", default="0s", metavar="DURATION", help="time between two looks; default `every`")
    backtest.add_argument(
        "--record", type=Path, metavar="FILE", help="write what is read to a new file; .gz is gzipped"
    )
    backtest.add_argument("--file", type=Path, metavar="FILE", help="replay what was recorded; nothing is contacted")
    backtest.add_argument("--json", action="store_true", help="every look with all that is known, as JSON")
    backtest.add_argument("--config", type=Path, metavar="PATH", help=f"default {CONFIG}, found upward")
    backtest.set_defaults(command=_backtest)


def _backtest(options: argparse.Namespace) -> int:
    from readiness.backtesting import backtest
    from readiness.errors import ReadinessError
    from readiness.redact import Redactor

    redactor = Redactor()
    try:
        return backtest(options, redactor, lambda text: _write(text, sys.stdout))
    except UsageError as error:
        raise UsageError(redactor.redact(error.cause), redactor.redact(error.remedy)) from None
    except ReadinessError as error:
        _write(f"readiness: {redactor.redact(str(error))}", sys.stderr)
        return 1


# --- init -----------------------------------------------------------------------------------------------------------


def _init(options: argparse.Namespace) -> int:
    from readiness.gate import builtin_gates
    from readiness.scaffold.draft import draft
    from readiness.scaffold.survey import survey
    from readiness.scaffold.toml import shown

    folder: Path = options.path
    if not os.path.isdir(folder):  # noqa: PTH112 - unlike Path.is_dir it never raises
        raise UsageError(f"{str(folder)!r} is no folder.", "Pass --path=DIR with the folder of the repository.")
    target = folder / CONFIG
    exists = os.path.lexists(target)  # a link counts, wherever it leads
    may_write = options.force or options.dry_run
    remedy = "Pass --force to write it nevertheless, or --dry-run to see what would be written."
    if exists and not may_write:
        raise UsageError(f"{shown(str(target))} exists already.", remedy)
    seen = survey(folder)
    if seen.project.has_readiness and not may_write:
        project = shown(str(folder / "pyproject.toml"))
        raise UsageError(f"{project} holds a configuration, [tool.readiness], which a {CONFIG} would hide.", remedy)
    made = draft(seen, builtin_gates())
    if options.dry_run:
        _write(made.text, sys.stdout, end="")  # and nothing else, so that it can be redirected
        lead = f"{shown(str(target))}: nothing was written (--dry-run)."
    else:
        _write_whole(target, made.text, overwrite=options.force)
        lead = f"{shown(str(target))} was {'replaced' if exists else 'written'}."
    _write(_summary(lead, made, seen, shown(str(target))), sys.stderr if options.dry_run else sys.stdout)
    return 0


def _summary(lead: str, made: Draft, seen: Survey, target: str) -> str:
    lines = [lead]
    if seen.is_empty:
        lines.append("Nothing of a service was found: no application, no database, no health endpoint.")
    if made.found:
        lines.append(f"Found: {', '.join(made.found)}.")
    lines += [f"Note: {note}" for note in seen.notes]
    if made.fill:
        count = len(made.fill)
        lines.append("1 line is to be filled in:" if count == 1 else f"{count} lines are to be filled in:")
        lines += [f"  {target}:{number}: {' '.join(text.split())}" for number, text in made.fill]
    lines += ["Next: pip install 'pytest-readiness[embedded,static,security]', then", "    pytest --env=local"]
    return "\n".join(lines)


# --- output ---------------------------------------------------------------------------------------------------------


def _write_whole(target: Path, text: str, *, overwrite: bool) -> None:
    """The file holds `text`, whole, or is as it was. A link is replaced, never written through."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}.new") if overwrite else target
    try:
        file = fresh.open("x", encoding="utf-8", newline="\n")  # never what somebody else wrote meanwhile
    except OSError as error:
        raise _not_written(target, error) from error
    try:
        with file:
            file.write(text)
        if overwrite:
            fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise _not_written(target, error) from error


def _not_written(target: Path, error: Exception) -> UsageError:
    why = error.strerror if isinstance(error, OSError) else str(error)
    return UsageError(f"{str(target)!r} cannot be written: {why}.", "Name a place that can be written.")


def _write(text: str, stream: TextIO, end: str = "\n") -> None:
    """Characters that the stream cannot show are escaped."""
    encoding = stream.encoding or "utf-8"
    stream.write((text + end).encode(encoding, "backslashreplace").decode(encoding))


if __name__ == "__main__":
    sys.exit(main())
