"""bandit's own configuration: `.bandit`, `pyproject.toml` with `[tool.bandit]` or `bandit.yaml`, as bandit reads them."""

from __future__ import annotations

import configparser
import tomllib
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from readiness.errors import NotMeasured

INI = ".bandit"
NAMES = ("pyproject.toml", "bandit.yaml", "bandit.yml", "bandit.toml")
"""Where the settings are looked for, in this order, if neither readiness.toml nor `.bandit` names a file."""
LARGEST = 1024 * 1024
_LISTS = ("tests", "skips", "exclude_dirs", "include")
_DEFAULT_INCLUDE = ("*.py", "*.pyw")


@dataclass(frozen=True, slots=True)
class BanditSettings:
    """What the repository tells bandit. JSON builtins only, since it is sent to other processes."""

    files: tuple[str, ...] = ()
    """The files that say so, relative to the configuration's folder."""
    options: dict[str, Any] = field(default_factory=dict)
    """Settings of single tests, such as `assert_used`."""
    tests: tuple[str, ...] = ()
    """Ids of the only tests to run; empty for all."""
    skips: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Patterns, or parts, of paths that bandit leaves out."""
    include: tuple[str, ...] = _DEFAULT_INCLUDE
    ignore_nosec: bool = False

    def takes(self, path: str) -> bool:
        """Returns whether `bandit -r .` in the configuration's folder would scan the file, by its relative path."""
        shown = f"./{path}"
        if not any(fnmatch(shown, pattern) for pattern in self.include):
            return False
        return not any(fnmatch(shown, pattern) or pattern in shown for pattern in self.exclude)

    def as_json(self) -> dict[str, Any]:
        """Returns the same as JSON builtins, for `from_json`."""
        return asdict(self)


def from_json(document: dict[str, Any]) -> BanditSettings:
    """Returns what `as_json` was made of."""
    told: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in document.items()}
    return BanditSettings(**told)


def read(folder: Path, named: str | None = None) -> BanditSettings:
    """Returns the settings of the repository.

    Args:
        folder: of the configuration.
        named: the file that readiness.toml names, relative to it.

    Raises:
        NotMeasured: the file is not there, cannot be read or says what bandit could not follow.
    """
    ini = _read_ini(folder / INI)
    name = named or (ini or {}).get("configfile") or _first(folder, is_ini=ini is not None)
    options = _read_options(folder / name) if name else {}
    told = {key: _list_of(options, key, name or "") for key in _LISTS}
    for key in ("tests", "skips", "exclude"):
        told["exclude_dirs" if key == "exclude" else key] += _split((ini or {}).get(key, ""))
    tests, skips = frozenset(told["tests"]), frozenset(told["skips"])
    files = tuple(each for each in (INI if ini is not None else "", name or "") if each)
    if tests & skips:
        both = ", ".join(sorted(tests & skips))
        raise NotMeasured(f"{' and '.join(files)} both selects and skips {both}", "Name each test once.")
    return BanditSettings(
        files=files,
        options={key: value for key, value in options.items() if key not in _LISTS},
        tests=tuple(sorted(tests)),
        skips=tuple(sorted(skips)),
        exclude=tuple(told["exclude_dirs"]),
        include=tuple(told["include"]) or (("*.py",) if name else _DEFAULT_INCLUDE),
        ignore_nosec=str((ini or {}).get("ignore-nosec", "")).lower() in ("1", "true", "yes", "on"),
    )


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _first(folder: Path, *, is_ini: bool) -> str | None:
    if not is_ini and (folder / INI).is_file():
        return INI  # YAML under that name, which bandit reads with -c
    for name in NAMES:
        file = folder / name
        if file.is_file() and (name != "pyproject.toml" or _read_options(file)):
            return name
    return None


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST + 1)
    except OSError as error:
        raise NotMeasured(
            f"bandit's configuration {file.name} cannot be read: {error.strerror}",
            "Mend [security-scan] bandit.config or the file.",
        ) from None
    if len(data) > LARGEST:
        raise NotMeasured(f"bandit's configuration {file.name} is larger than {LARGEST // 1024} KiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotMeasured(f"bandit's configuration {file.name} is no UTF-8 text") from None


def _read_ini(file: Path) -> dict[str, str] | None:
    """Returns the options that `.bandit` adds to the command line; None where it is not there or no INI file."""
    if not file.is_file():
        return None
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_read(file))
    except configparser.MissingSectionHeaderError:
        return None
    except configparser.Error as error:
        raise NotMeasured(f"{INI} cannot be read: {str(error).splitlines()[0]}") from None
    if not parser.has_section("bandit"):
        raise NotMeasured(f"{INI} has no section [bandit]", "Add it, or remove the file.")
    return dict(parser.items("bandit"))


def _read_options(file: Path) -> dict[str, Any]:
    text = _read(file)
    try:
        if file.suffix == ".toml":
            options = tomllib.loads(text).get("tool", {}).get("bandit", {})
        else:
            import yaml

            options = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506 - safe
    except (ValueError, RecursionError, yaml_error()) as error:
        raise NotMeasured(f"bandit's configuration {file.name} cannot be read: {str(error).splitlines()[0]}") from None
    if not isinstance(options, dict):
        raise NotMeasured(f"bandit's configuration {file.name} is no table of options")
    return {str(key): value for key, value in options.items()}


def yaml_error() -> type[Exception]:
    """Returns the class of YAML's errors; one that nothing raises where PyYAML is not installed."""
    try:
        from yaml import YAMLError
    except ImportError:
        return FileExistsError
    return YAMLError


def _list_of(options: dict[str, Any], key: str, name: str) -> list[str]:
    value = options.get(key) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise NotMeasured(f"{key} in {name} is no list of texts", f'Write {key} = ["..."].')
    return list(value)
