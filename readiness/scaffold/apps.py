"""Entry points: the application that a server is to be given, and the command that starts it."""

from __future__ import annotations

import ast
import keyword
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from readiness.scaffold.deployment import Mention
from readiness.scaffold.files import Files, depth, is_aside
from readiness.scaffold.source import Scope, argument, text_of

FRAMEWORKS = {"fastapi": "FastAPI", "starlette": "Starlette", "flask": "Flask"}
"""Package to the class that is an application."""
DJANGO = {
    "django.core.asgi.get_asgi_application": "Django (ASGI)",
    "django.core.wsgi.get_wsgi_application": "Django (WSGI)",
}
MANAGE = "Django"
"""Kind of a `manage.py`."""
MENTIONED = "application"
"""Kind of what a deployment file names and the source does not explain."""
_STEMS = ("main", "app", "service", "server", "asgi", "wsgi", "application", "api", "run", "__init__")
_NAMES = ("app", "application", "api")
_OWN_FOLDER = re.compile(r"(?:pyproject\.toml|requirements\.txt|alembic\.ini|Pipfile|Dockerfile|\.env(?:\..*)?)")
"""A folder with one of these is a project of its own: its commands are run in it."""


@dataclass(frozen=True, slots=True)
class App:
    """Something a server can be pointed at."""

    kind: str
    file: str
    name: str
    is_factory: bool = False
    settings: str = ""
    """Settings module, for Django."""
    server: str = ""
    """The server that a deployment file runs it with, where only that is known."""


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What one file says about applications."""

    scope: Scope
    instances: tuple[tuple[str, str], ...]
    """Module-level name, and the dotted name that was called for it."""
    factories: dict[str, tuple[str, bool]]
    """Module-level function to the kind that it returns and whether it can be called without arguments."""
    settings: str
    """Settings module that a `manage.py` names."""


@dataclass(frozen=True, slots=True)
class Start:
    """How an application is started."""

    app: App
    folder: str
    """Folder its imports start from; empty for the root."""
    command: tuple[str, ...]
    target: str
    """Dotted module and name, for people."""


# --- one file -----------------------------------------------------------------------------------------------------


def app_facts(tree: ast.Module, scope: Scope) -> AppFacts:
    """Returns what a file says about applications."""
    instances = tuple(_calls(tree.body, scope))
    factories = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (kind := _returned_kind(node, scope)):
            given = len(node.args.defaults)
            required = len(node.args.posonlyargs) + len(node.args.args) - given + node.args.kw_defaults.count(None)
            factories[node.name] = (kind, required == 0)
    settings = _settings_module(tree) if scope.file.rpartition("/")[2] == "manage.py" else ""
    return AppFacts(scope, instances, factories, settings)


def kind_of(target: str) -> str:
    """Returns the kind of application that a call of `target` makes; empty for none."""
    top, name = target.partition(".")[0], target.rpartition(".")[2]
    return name if FRAMEWORKS.get(top) == name else DJANGO.get(target, "")


def _calls(body: Sequence[ast.stmt], scope: Scope) -> Iterator[tuple[str, str]]:
    """`name = something()` at the level of the module, also inside `if`, `try` and `with`."""
    for node in body:
        match node:
            case ast.Assign(targets=targets, value=ast.Call() as call):
                yield from ((target.id, scope.resolve(call.func)) for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name() as target, value=ast.Call() as call):
                yield target.id, scope.resolve(call.func)
            case ast.If() | ast.Try():
                yield from _calls([*node.body, *node.orelse], scope)
            case ast.With():
                yield from _calls(node.body, scope)


def _returned_kind(function: ast.FunctionDef, scope: Scope) -> str:
    annotated = kind_of(scope.resolve(function.returns)) or kind_of(text_of(function.returns) or "")
    if annotated:
        return annotated
    made: dict[str, str] = {}
    returned: list[ast.expr] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            kind = kind_of(scope.resolve(node.value.func))
            made |= {target.id: kind for target in node.targets if kind and isinstance(target, ast.Name)}
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call) and isinstance(node.target, ast.Name):
            made[node.target.id] = kind_of(scope.resolve(node.value.func))
        elif isinstance(node, ast.Return) and node.value is not None:
            returned.append(node.value)
    for value in returned:
        kind = kind_of(scope.resolve(value.func)) if isinstance(value, ast.Call) else ""
        kind = kind or (made.get(value.id, "") if isinstance(value, ast.Name) else "")
        if kind:
            return kind
    return ""


def _settings_module(tree: ast.Module) -> str:
    for node in ast.walk(tree):
        match node:
            case ast.Call() if text_of(argument(node, 0)) == "DJANGO_SETTINGS_MODULE":
                return text_of(argument(node, 1)) or ""
            case ast.Assign(targets=[ast.Subscript(slice=key)]) if text_of(key) == "DJANGO_SETTINGS_MODULE":
                return text_of(node.value) or ""
    return ""


# --- the whole repository -------------------------------------------------------------------------------------------


def starts(facts: Sequence[AppFacts], files: Files, mentions: Sequence[Mention]) -> tuple[Start, ...]:
    """Returns how each application that was found is started, the most likely one first."""
    scopes = {each.scope.file: each.scope for each in facts}
    tops = frozenset[str]().union(*(scope.tops for scope in scopes.values()))
    found: dict[tuple[str, str], Start] = {}
    for app in (*_apps(facts), *_mentioned(mentions, files)):
        scope = scopes.get(app.file) or Scope(app.file, "", {}, frozenset(), 0)
        home = app.file.rpartition("/")[0]
        folder = home if app.kind == MANAGE else import_folder(scope, files, tops)
        if folder is not None and "{" not in folder:  # `{port}` would be replaced in it
            module = app.file[len(folder) :].strip("/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            target = module if app.kind == MANAGE else f"{module}:{app.name}"
            start = Start(app, folder, _command(app, target, folder, files), target)
            found.setdefault((app.file, app.name), start)
    named = {mention.target for mention in mentions}
    return tuple(sorted(found.values(), key=lambda start: _rank(start, named)))


def _apps(facts: Sequence[AppFacts]) -> Iterator[App]:
    factories = {f"{each.scope.module}.{name}": kind for each in facts for name, (kind, _) in each.factories.items()}
    for each in facts:
        file = each.scope.file
        if each.settings:
            yield App(MANAGE, file, "", settings=each.settings)
        if is_aside(file):
            continue
        for name, target in each.instances:
            kind = kind_of(target) or _made_by(target, factories)
            if kind and not name.startswith("_"):
                yield App(kind, file, name)
        for name, (kind, is_callable) in each.factories.items():
            if (
                is_callable
                and not name.startswith("_")
                and not any(target == f"{each.scope.module}.{name}" for _, target in each.instances)
            ):
                yield App(kind, file, name, is_factory=True)


def _made_by(target: str, factories: dict[str, str]) -> str:
    """Kind of the factory `target`, which may be named from a folder further in, or from the package it is in."""
    for name, kind in factories.items():
        if target and (name == target or name.endswith(f".{target}")):
            return kind
    home, _, function = target.rpartition(".")
    near = [
        kind
        for name, kind in factories.items()
        if home and name.startswith(f"{home}.") and name.endswith(f".{function}")
    ]
    return near[0] if near else ""


def _mentioned(mentions: Sequence[Mention], files: Files) -> Iterator[App]:
    for mention in mentions:
        path = mention.module.replace(".", "/")
        for name in files.names:
            if f"/{name}".endswith((f"/{path}.py", f"/{path}/__init__.py")) and not is_aside(name):
                yield App(MENTIONED, name, mention.name, is_factory=mention.is_factory, server=mention.server)
                break


def _rank(start: Start, named: set[str]) -> tuple[object, ...]:
    app = start.app
    stem = app.file.rpartition("/")[2].removesuffix(".py")
    return (
        is_aside(app.file),
        start.target not in named,
        app.is_factory,
        depth(app.file) if app.kind != MANAGE else depth(app.file) - 1,
        _STEMS.index(stem) if stem in _STEMS else len(_STEMS),
        _NAMES.index(app.name) if app.name in _NAMES else len(_NAMES),
        app.file,
        app.name,
    )


def import_folder(scope: Scope, files: Files, tops: frozenset[str]) -> str | None:
    """Returns the folder that has to be on the import path for a file's own imports to work; None where none will do.

    The evidence, best first: its imports name a neighbour; somebody imports its package; a folder above it is a
    project of its own; `__init__.py` and relative imports say which folders are packages.
    """
    *folders, stem = scope.file.removesuffix(".py").split("/")
    furthest = len(folders) - scope.levels
    roots = [
        ("/".join(folders[:length]), part)
        for length, part in enumerate((*folders, stem))
        if length <= furthest and all(_is_name(each) for each in (*folders[length:], stem))
    ]
    if not roots:
        return None
    for root, _ in roots:
        if any(_is_module(files, f"{root}/{top}".strip("/")) for top in scope.tops):
            return root
    for root, part in roots:
        if part in tops:
            return root
    for root, _ in reversed(roots):
        if root and is_project(files, root) and f"{root}/__init__.py" not in files.known:
            return root
    length = len(folders)
    while length and (length > furthest or "/".join((*folders[:length], "__init__.py")) in files.known):
        length -= 1
    near = "/".join(folders[:length])
    return near if length < len(folders) and near in dict(roots) else roots[0][0]


def _is_name(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part)


def _is_module(files: Files, path: str) -> bool:
    return f"{path}.py" in files.known or path in files.python_folders


def _command(app: App, target: str, folder: str, files: Files) -> tuple[str, ...]:
    factory = ["--factory"] if app.is_factory else []
    option = ["--app-dir", folder]
    match app.kind:
        case "Flask":
            command, option = ["flask", "--app", target, "run", "--port", "{port}"], []
        case "Django":
            command, option = ["python", "manage.py", "runserver", "127.0.0.1:{port}", "--noreload"], []
        case "Django (WSGI)":
            command, option = ["gunicorn", target, "--bind", "127.0.0.1:{port}"], ["--chdir", folder]
        case _ if app.server == "gunicorn":
            call = f"{target}()" if app.is_factory else target
            command, option = ["gunicorn", call, "--bind", "127.0.0.1:{port}"], ["--chdir", folder]
        case _:
            command = ["uvicorn", target, *factory, "--port", "{port}"]
    if not folder:
        return tuple(command)
    if option and not is_project(files, folder):
        return (*command[:1], *option, *command[1:])
    return in_folder(folder, command, replace=True)


def is_project(files: Files, folder: str) -> bool:
    """True where a folder below the root is a project of its own."""
    inside = (name[len(folder) + 1 :] for name in files.names if name.startswith(f"{folder}/"))
    return any(_OWN_FOLDER.fullmatch(name) for name in inside)


def in_folder(folder: str, command: Sequence[str], *, replace: bool = False) -> tuple[str, ...]:
    """Returns a command that runs `command` in a folder below the root; `replace` leaves no shell above a server."""
    if not folder:
        return tuple(command)
    return ("sh", "-c", f"cd {shlex.quote(folder)} && {'exec ' if replace else ''}{shlex.join(command)}")
