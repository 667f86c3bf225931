"""pytest's way in: options, the late aliases, activation. Imports pytest and the standard library only.

Without an environment on the command line nothing else of this package is imported.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from readiness.gate import Gate
    from readiness.run import Run

GROUP = "readiness"
OPTIONS: dict[str, dict[str, Any]] = {
    "env": {"metavar": "NAME", "help": "judge this environment of readiness.toml; alias --env"},
    "gate": {"metavar": "GATE", "action": "append", "default": [], "help": "only this gate; repeatable; alias --gate"},
    "stage": {"metavar": "PERCENT", "help": "the rollout stage under judgement, such as 25; alias --stage"},
    "config": {"metavar": "PATH", "help": "default: readiness.toml, else [tool.readiness] in pyproject.toml, upward"},
    "reports": {"metavar": "DIR", "help": "where reports go; default reports/<env>"},
    "deadline": {"metavar": "DURATION", "help": "budget for the whole run, such as 15m; default [policy] deadline"},
}
ALIASES = ("env", "gate", "stage")
"""Options with a short alias, added only where it is typed and the repository has not taken the name."""


class _State:
    """What the process knows between pytest's early hooks."""

    active = False
    run: Run | None = None
    taken: tuple[str, ...] = ()


def is_active() -> bool:
    """Returns whether this pytest run judges an environment."""
    return _State.active


class HookSpecs:
    """Hooks that other plugins may implement."""

    @pytest.hookspec
    def pytest_readiness_gates(self) -> list[Gate]:  # type: ignore[empty-body] # a hook specification has no body
        """Returns gates that this plugin adds, as `readiness.Gate(name, title, table, file)`."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Other plugins may implement `pytest_readiness_gates`, also in runs that judge nothing."""
    pluginmanager.add_hookspecs(HookSpecs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The long options exist; the short ones come later, where they are free."""
    group = parser.getgroup(GROUP, "readiness: may this go to production?")
    for name, settings in OPTIONS.items():
        group.addoption(f"--readiness-{name}", dest=f"readiness_{name}", **settings)


def _typed_aliases(args: list[str]) -> list[str]:
    return [name for name in ALIASES if any(arg == f"--{name}" or arg.startswith(f"--{name}=") for arg in args)]


def _add_aliases(parser: pytest.Parser, names: list[str]) -> tuple[str, ...]:
    """Adds the typed aliases; returns those that the repository has taken.

    Only those typed: a conftest further down, which pytest loads later, may declare the name for itself.
    """
    group = parser.getgroup(GROUP)
    taken = []
    for name in names:
        settings = {key: value for key, value in OPTIONS[name].items() if key != "help"}
        try:
            group.addoption(f"--{name}", dest=f"readiness_{name}", help=argparse.SUPPRESS, **settings)
        except (ValueError, argparse.ArgumentError):
            taken.append(name)
            continue
        # pytest finds out about a clash with an option of another group only when it parses: try it now.
        try:
            with contextlib.redirect_stderr(None):
                parser.parse_known_args([])
        except (ValueError, argparse.ArgumentError):
            group.options.pop()
            taken.append(name)
    return tuple(taken)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Iterator[None]:
    """With an environment on the command line, the check files become the arguments of this run."""
    _State.active, _State.run, _State.taken = False, None, ()
    typed = _typed_aliases(args)
    # A worker of pytest-xdist gets what stood in addopts as options only; `@file` may hold anything.
    handed = getattr(early_config.option, "readiness_env", None)
    if not (typed or handed or any(arg.startswith(("--readiness-", "@")) for arg in args)):
        return (yield)
    from readiness.redact import Redactor, redact_streams

    # Known before conftests load, because their checks ask for it; corrected below where the name was taken.
    _State.active = True
    redactor = Redactor()
    # Before pytest's capture takes the streams: it puts back what it has found.
    restore = redact_streams(redactor)
    try:
        result = yield
    except (SystemExit, pytest.exit.Exception) as end:
        raise pytest.UsageError(f"a conftest ended the run while it was loaded ({end!r}): nothing was judged") from None
    _State.taken = _add_aliases(parser, typed)
    # What is unknown holds the files behind an option too, where pytest is older than 9.
    options, unknown = parser.parse_known_and_unknown_args(args, namespace=copy.copy(early_config.option))
    _State.active = options.readiness_env is not None
    if not _State.active:
        restore()
        _refuse_options_without_environment(options)
        return result
    from readiness.run import activate

    _State.run = activate(early_config, options, _State.taken, redactor)
    args[:] = _State.run.order.collection.arguments(args, [*options.file_or_dir, *unknown])
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Iterator[None]:
    """A run has begun, before any plugin is configured, unless this process is a worker of it."""
    if _State.run is not None and not hasattr(config, "workerinput"):
        _State.run.begin(config.option)
    return (yield)


def _refuse_options_without_environment(options: argparse.Namespace) -> None:
    """`--gate=health` alone would run the unit tests, and look like a decision."""
    given = [name for name in OPTIONS if getattr(options, f"readiness_{name}", None)]
    if given:
        raise pytest.UsageError(f"--readiness-{given[0]} needs --env=NAME: without it nothing is judged")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """The mark is known to `--strict-markers`; an active run is registered."""
    config.addinivalue_line("markers", "readiness_check(check): set by @readiness.check; a check of a release")
    if _State.run is not None:
        run, _State.run = _State.run, None
        run.start(config)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line where `--env` was typed, belongs to the repository, and could be mistaken for ours.

    At the end and not in the header, which `-q` and `--no-header` leave out: who releases by the exit status has to see it.
    """
    if "env" in _State.taken and not is_active() and _has_configuration(Path(config.invocation_params.dir)):
        terminalreporter.write_line(
            "readiness: nothing is judged: --env is taken by this repository's conftest; use --readiness-env=NAME",
            yellow=True,
        )


def _has_configuration(start: Path) -> bool:
    from readiness.config.source import find
    from readiness.errors import UsageError

    try:
        find(start)
    except UsageError:
        return False
    return True


def pytest_unconfigure() -> None:
    """The next run in this process starts inert."""
    _State.active = False
