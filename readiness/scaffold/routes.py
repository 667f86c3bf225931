"""Health endpoints: routes whose path says so, with the prefixes under which they are included."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from readiness.scaffold.files import is_aside
from readiness.scaffold.source import Scope, argument, text_of

_HEALTH_SEGMENT = re.compile(
    r"_{0,2}health[-_]?(?:z|checks?|status)?_{0,2}|livez|readyz|startupz|liveness|readiness|_{0,2}heartbeat_{0,2}"
)
_WHOLE = frozenset({"/live", "/ready", "/alive", "/ping", "/up", "/status", "/_status"})
"""Words that say health only where they are all of the path."""
FLAG = "{flag}"
_PARAMETER = re.compile(r"\{[A-Za-z_]\w*\}|<(?:string:)?[A-Za-z_]\w*>")
"""One segment of a path that is a name, as FastAPI and as Flask write it."""
_PLAIN = re.compile(r"(?:/[A-Za-z0-9._~-]+)+/?")
_READY = ("/health/ready", "/readyz", "/health/readiness", "/healthz/ready", "/readiness", "/ready")
_DEEPEST = 5
"""Re-exports of re-exports ..."""
_MOST = 20
"""Prefixes of one router."""
_PARAMETERS = {"get": "path", "route": "rule", "api_route": "path"}
_ADDERS = ("add_api_route", "add_url_rule", "add_route")
_INCLUDERS = {"include_router": "prefix", "register_blueprint": "url_prefix"}
_ROUTERS = {"APIRouter": "prefix", "Blueprint": "url_prefix"}
_DJANGO_PATHS = ("path", "re_path", "url")


@dataclass(frozen=True, slots=True)
class Route:
    """One path, below what its owner is included under."""

    owner: str
    """Dotted name of the application, router or blueprint; of the module, for Django."""
    path: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Include:
    """One router that another, or the application, includes."""

    owner: str
    target: str
    """Dotted name of what is included; empty where it is computed."""
    prefix: str | None
    """None where it is computed."""
    replaces: bool = False
    """Flask's `register_blueprint(url_prefix=...)` takes the place of the blueprint's own."""
    is_blind: bool = False
    """What is included is computed, as in a loop over routers."""


@dataclass(slots=True)
class RouteFacts:
    """What one file says about routes."""

    scope: Scope
    routes: list[Route] = field(default_factory=list)
    includes: list[Include] = field(default_factory=list)
    posts: list[Route] = field(default_factory=list)
    """The same that take POST."""
    routers: dict[str, str | None] = field(default_factory=dict)
    """Dotted name of a router to its own prefix; None where that is computed."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A health endpoint."""

    path: str
    where: str
    """`file:line`."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The health endpoints of a repository."""

    certain: tuple[Endpoint, ...] = ()
    uncertain: tuple[Endpoint, ...] = ()
    """Below a prefix that is computed; the path is without it."""

    @property
    def ready(self) -> str:
        """The path that tells best when the service is ready; empty where there is none."""
        paths = [endpoint.path for endpoint in self.certain]
        plain = {path.rstrip("/"): path for path in reversed(paths)}
        for path in _READY:
            if path in plain:
                return plain[path]
        named = [path for path in paths if re.search("ready|readiness", path)]
        alone = [path for path in paths if not re.search("live|alive|startup", path)]
        return next(iter([*named, *alone, *paths]), "")


@dataclass(frozen=True, slots=True)
class FlagEndpoints:
    """The API of feature flags; paths with `{flag}` where a flag's name goes."""

    status: str
    flag: str
    evaluate: str
    where: str
    """`file:line` of the evaluation."""


# --- one file -----------------------------------------------------------------------------------------------------


def route_facts(tree: ast.Module, scope: Scope) -> RouteFacts:
    """Returns what a file says about routes."""
    facts = RouteFacts(scope)
    mounted = _mounted(tree)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call):
                    _decorated(decorator, facts)
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            _router(node.targets[0], node.value, facts)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Call):
            _router(node.target, node.value, facts)
        elif isinstance(node, ast.Call) and node not in mounted:
            _called(node, facts)
    return facts


def _mounted(tree: ast.Module) -> set[ast.AST]:
    """The calls inside of Starlette's `Mount(...)`, whose routes have another path."""
    mounts = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _last(node.func) == "Mount"]
    return {inner for mount in mounts for inner in ast.walk(mount)}


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _router(target: ast.expr, call: ast.Call, facts: RouteFacts) -> None:
    keyword = _ROUTERS.get(_last(call.func))
    if keyword and isinstance(target, (ast.Name, ast.Attribute)):
        facts.routers[facts.scope.resolve(target)] = _literal(argument(call, None, keyword))


def _literal(node: ast.expr | None) -> str | None:
    """The text of a prefix; empty where none is given, None where it is computed."""
    return "" if node is None or (isinstance(node, ast.Constant) and node.value is None) else text_of(node)


def _add(facts: RouteFacts, owner: str, path: str | None, line: int) -> None:
    if path is not None:
        facts.routes.append(Route(owner, path, facts.scope.file, line))


def _decorated(call: ast.Call, facts: RouteFacts) -> None:
    if isinstance(call.func, ast.Attribute) and call.func.attr in _PARAMETERS and _takes_get(call):
        path = text_of(argument(call, 0, _PARAMETERS[call.func.attr]))
        _add(facts, facts.scope.resolve(call.func.value), path, call.lineno)
    if isinstance(call.func, ast.Attribute) and call.func.attr == "post":
        path = text_of(argument(call, 0, "path", "rule"))
        if path is not None:
            facts.posts.append(Route(facts.scope.resolve(call.func.value), path, facts.scope.file, call.lineno))


def _takes_get(call: ast.Call) -> bool:
    methods = argument(call, None, "methods")
    if not isinstance(methods, (ast.List, ast.Tuple, ast.Set)):
        return True
    return any((text_of(each) or "").upper() == "GET" for each in methods.elts)


def _called(call: ast.Call, facts: RouteFacts) -> None:
    scope, name = facts.scope, _last(call.func)
    owner = scope.resolve(call.func.value) if isinstance(call.func, ast.Attribute) else ""
    if name in _ADDERS and _takes_get(call):
        _add(facts, owner, text_of(argument(call, 0, "path", "rule")), call.lineno)
    elif name == "Route" and scope.resolve(call.func).startswith("starlette.") and _takes_get(call):
        _add(facts, "", text_of(argument(call, 0, "path")), call.lineno)
    elif name in _INCLUDERS:
        target = scope.resolve(argument(call, 0, "router", "blueprint"))
        prefix = _literal(argument(call, None, _INCLUDERS[name]))
        is_replaced = name == "register_blueprint" and prefix != ""
        # A name of this file is a router that it makes, or a variable whose value only a run knows.
        is_blind = prefix != "" and (not target or target.startswith(f"{scope.module}."))
        facts.includes.append(Include(owner, target, prefix, is_replaced, is_blind))
    elif name == "mount" and len(call.args) > 1:
        facts.includes.append(Include(owner, scope.resolve(call.args[1]), _literal(call.args[0])))
    elif name in _DJANGO_PATHS and scope.resolve(call.func).startswith("django."):
        _django_path(call, name, facts)


def _django_path(call: ast.Call, name: str, facts: RouteFacts) -> None:
    path = text_of(argument(call, 0, "route", "regex"))
    if path is not None and name != "path":
        path = path.removeprefix("^").removesuffix("$")
    path = None if path is None else f"/{path}"
    view = argument(call, 1, "view")
    if not isinstance(view, ast.Call) or _last(view.func) != "include":
        _add(facts, facts.scope.module, path, call.lineno)
        return
    included = argument(view, 0)
    if isinstance(included, ast.Tuple) and included.elts:
        included = included.elts[0]
    target = text_of(included) or facts.scope.resolve(included)
    if target.startswith("health_check."):  # the package django-health-check
        _add(facts, facts.scope.module, path, call.lineno)
    facts.includes.append(Include(facts.scope.module, target, None if path is None else path.rstrip("/")))


# --- the whole repository -------------------------------------------------------------------------------------------


def health_endpoints(facts: Sequence[RouteFacts]) -> Endpoints:
    """Returns the health endpoints, the shortest path first."""
    shipped = [each for each in facts if not is_aside(each.scope.file)]
    graph = _Graph(shipped)
    certain: dict[str, Endpoint] = {}
    uncertain: dict[str, Endpoint] = {}
    for route in (route for each in shipped for route in each.routes):
        where = f"{route.file}:{route.line}"
        for prefix in graph.prefixes(route.owner):
            path = prefix.text + route.path
            if _PLAIN.fullmatch(path) and (is_health(path) or route.path == "/ht/"):
                (certain if prefix.is_certain else uncertain).setdefault(path, Endpoint(path, where))
    return Endpoints(
        *(
            tuple(sorted(each.values(), key=lambda one: (one.path.count("/"), one.path)))
            for each in (certain, uncertain)
        )
    )


def flag_endpoints(facts: Sequence[RouteFacts]) -> FlagEndpoints | None:
    """Returns the API of feature flags: a status, one resource per flag, an evaluation; None where one is missing."""
    shipped = [each for each in facts if not is_aside(each.scope.file)]
    graph = _Graph(shipped)

    def paths(routes: Iterable[Route]) -> dict[str, str]:
        return {
            _PARAMETER.sub(FLAG, prefix.text + route.path): f"{route.file}:{route.line}"
            for route in routes
            for prefix in graph.prefixes(route.owner)
            if prefix.is_certain
        }

    read = paths(route for each in shipped for route in each.routes)
    evaluated = paths(route for each in shipped for route in each.posts)
    for path, where in sorted(evaluated.items()):
        flag = path.removesuffix("/evaluate")
        status = f"{flag.removesuffix(f'/{FLAG}')}/status"
        if flag.endswith(f"/{FLAG}") and flag.count(FLAG) == 1 and "flag" in status and {flag, status} <= read.keys():
            return FlagEndpoints(status, flag, path, where)
    return None


def is_health(path: str) -> bool:
    """True where a path says that it is about health."""
    lowered = path.lower().rstrip("/")
    return lowered in _WHOLE or any(_HEALTH_SEGMENT.fullmatch(segment) for segment in lowered.split("/"))


@dataclass(frozen=True, slots=True)
class _Prefix:
    """What stands before a path."""

    text: str
    """As far as it is known."""
    is_certain: bool

    @classmethod
    def of(cls, text: str | None) -> _Prefix:
        return cls(text or "", text is not None)

    def __add__(self, inner: _Prefix) -> _Prefix:
        return _Prefix(self.text + inner.text, self.is_certain and inner.is_certain)


class _Graph:
    """Who includes whom."""

    def __init__(self, facts: Sequence[RouteFacts]) -> None:
        self.routers = {name: prefix for each in facts for name, prefix in each.routers.items()}
        self.modules = {each.scope.module: each.scope for each in facts}
        self.includes = [replace(one, target=self._origin(one.target)) for each in facts for one in each.includes]
        self.has_blind_prefix = any(
            one.is_blind and not any(_is_same(router, one.target) for router in self.routers) for one in self.includes
        )
        """True where something is included under a prefix, and it is not known what."""
        self._known: dict[str, tuple[_Prefix, ...]] = {}

    def _origin(self, target: str) -> str:
        """Follows re-exports, `from .main import router` in an `__init__.py`, to where the router is made."""
        for _ in range(_DEEPEST):
            home, _, name = target.rpartition(".")
            scope = next((scope for module, scope in self.modules.items() if _is_same(module, home)), None)
            origin = scope.imports.get(name) if scope is not None else None
            if origin is None or origin == target:
                break
            target = origin
        return target

    def prefixes(self, owner: str) -> tuple[_Prefix, ...]:
        """Returns the prefixes under which the routes of `owner` stand."""
        if owner not in self._known:
            self._known[owner] = ()  # where routers include each other in a circle, the circle has no prefix
            self._known[owner] = tuple(dict.fromkeys(self._prefixes(owner)))[:_MOST]
        return self._known[owner]

    def _prefixes(self, owner: str) -> Iterator[_Prefix]:
        own = _Prefix.of(self.routers.get(owner, ""))
        includes = [one for one in self.includes if _is_same(owner, one.target)]
        if not includes:
            is_blind = owner in self.routers and self.has_blind_prefix
            yield _Prefix.of(None) + own if is_blind else own
        for include in includes:
            here = _Prefix.of(include.prefix) if include.replaces else _Prefix.of(include.prefix) + own
            for outer in self.prefixes(include.owner):
                yield outer + here


def _is_same(full: str, named: str) -> bool:
    """True where a dotted name from the root is what a file further in calls `named`."""
    return bool(named) and (full == named or full.endswith(f".{named}"))
