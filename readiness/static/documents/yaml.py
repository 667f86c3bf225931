"""YAML: values by yaml-rs, which follows YAML 1.2; positions by libyaml, composed only when something asks for one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from readiness.static.documents.kinds import has_marker_in_structure
from readiness.static.documents.model import MOST_DEPTH, MOST_PROBLEMS, Document, Keys, SyntaxProblem

if TYPE_CHECKING:
    from readiness.static.documents.yaml_nodes import Nodes

MOST_REPLAYED = 100_000
"""Nodes that aliases may add to a file. Each alias copies what it names, so that nine lines can make a billion."""
_CONTROL = bytes(code for code in (*range(9), 11, 12, *range(14, 32), 127))
_LONG = 2 * MOST_DEPTH
_INDICATORS = re.compile(rb"[ \t\-?:]*+")
_PLACE = re.compile(r"line (\d+), column (\d+)")
_END = "\n---\n0\n"
"""One more document, so that two documents can be told from one that is a list."""


class YamlDocument(Document):
    """A file of YAML documents."""

    __slots__ = ("_nodes", "text")

    def __init__(
        self,
        text: str,
        values: tuple[object, ...] = (),
        problems: tuple[SyntaxProblem, ...] = (),
        *,
        is_template: bool = False,
        nodes: Nodes | None = None,
    ) -> None:
        super().__init__("yaml", values, problems, is_template=is_template)
        self.text = text
        self._nodes = nodes

    @property
    def nodes(self) -> Nodes:
        """The file with positions, quotes and tags; composed on first use."""
        if self._nodes is None:
            from readiness.static.documents.yaml_nodes import Nodes

            self._nodes = Nodes(self.text)
        return self._nodes

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column of the value, or of the deepest container on the way."""
        return self.nodes.locate(document, keys)


def read_yaml(text: str) -> YamlDocument:
    """Returns the documents of a text; merge keys (`<<`) are resolved, and a tagged value is what its tag stands at."""
    data = text.encode("utf-8", "replace")
    if len(data) != len(data.translate(None, _CONTROL)):
        return YamlDocument(text, problems=(_control(text),))
    if deep := _deep_line(data):
        said = f"more than {MOST_DEPTH} containers in each other begin here; no reader is safe with them"
        return YamlDocument(text, problems=(SyntaxProblem("config-lint/too-deep", deep, 1, said),))
    try:
        values = _load(text)
    except ValueError as problem:
        return _broken(text, str(problem))
    if "{{" in text and _has_mapping_as_key(values):
        return YamlDocument(text, is_template=True)
    return YamlDocument(text, values)


@cache
def _loader() -> Any:
    """Returns the fast parser's module."""
    import yaml_rs

    return yaml_rs


def _load(text: str, *, keep_last: bool = False) -> tuple[object, ...]:
    """Returns the documents.

    Raises:
        ValueError: with the parser's words.
    """
    module = _loader()
    policy = module.DuplicateKeyPolicy.LastWins if keep_last else module.DuplicateKeyPolicy.Error
    is_many = "---" in text or "\n..." in text
    found = module.loads(
        text + _END if is_many else text,
        parse_datetime=False,
        alias_limits=module.AliasLimits(MOST_REPLAYED, 16, None),
        duplicate_key_policy=policy,
    )
    if is_many:
        documents = found[:-1] if isinstance(found, list) else []
    else:
        documents = [] if found is None and not _has_content(text) else [found]
    if "<<" in text:
        documents = [merged(document) for document in documents]
    return tuple(documents)


def _has_content(text: str) -> bool:
    return any(line and not line.startswith("#") for line in map(str.strip, text.splitlines()))


def _broken(text: str, said: str) -> YamlDocument:
    """Returns what can be said of a text that the fast parser rejects."""
    if "alias replay" in said or "alias expansion" in said:
        many = f"its aliases stand for more than {MOST_REPLAYED} values"
        return YamlDocument(text, problems=(SyntaxProblem("config-lint/yaml-aliases", 0, 0, many),))
    place = _PLACE.search(said)
    line, column = (int(place[1]), int(place[2])) if place else (0, 0)
    if "recursion limit" in said:
        deep = f"more than {MOST_DEPTH - 1} containers in each other"
        return YamlDocument(text, problems=(SyntaxProblem("config-lint/too-deep", line, column, deep),))
    if said.startswith("duplicate mapping key"):
        return _with_duplicates(text)
    if has_marker_in_structure(text):
        return YamlDocument(text, is_template=True)
    reason = said.rpartition("\n")[2] if place else said
    rule = "config-lint/yaml-tab" if "tab" in reason else "config-lint/yaml-syntax"
    problem = SyntaxProblem(rule, line, column, reason[:200])
    return _lenient(text, problem) or YamlDocument(text, problems=(problem,))


def _lenient(text: str, problem: SyntaxProblem) -> YamlDocument | None:
    """Returns the values as readers that are built on libyaml see them, most of all; None where they stop as well."""
    from readiness.static.documents.yaml_nodes import Nodes
    from readiness.static.documents.yaml_values import values_of

    nodes = Nodes(text)
    if nodes.is_broken:
        return None
    dialect = SyntaxProblem("config-lint/yaml-dialect", problem.line, problem.column, problem.text)
    values = values_of(nodes.documents, MOST_REPLAYED)
    if values is None:
        return None
    merges = tuple(merged(value) for value in values)
    return YamlDocument(text, merges, (dialect, *islice(nodes.duplicates(), MOST_PROBLEMS)), nodes=nodes)


def _with_duplicates(text: str) -> YamlDocument:
    """Returns the values as lenient readers see them, the last of each key, and where each key is repeated."""
    from readiness.static.documents.yaml_nodes import Nodes

    try:
        values = _load(text, keep_last=True)
    except ValueError as problem:
        return _broken(text, str(problem))
    if "{{" in text and _has_mapping_as_key(values):
        return YamlDocument(text, is_template=True)
    nodes = Nodes(text)
    # `1` and `true` are two keys; Python, which the fast parser asks, finds them equal.
    return YamlDocument(text, values, tuple(islice(nodes.duplicates(), MOST_PROBLEMS)), nodes=nodes)


def _control(text: str) -> SyntaxProblem:
    """Returns where the first character stands that no YAML may hold; the fast parser takes NUL for the file's end."""
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line, 1):
            if ord(character) < 128 and ord(character) in _CONTROL:  # noqa: PLR2004 - ASCII
                return SyntaxProblem(
                    "config-lint/yaml-syntax", number, column, f"control character U+{ord(character):04X}"
                )
    return SyntaxProblem("config-lint/yaml-syntax", 0, 0, "control character")


def _deep_line(data: bytes) -> int:
    """Returns the line where block containers stand too deep in each other for the parsers' stack; 0 for none.

    Each block level needs an indicator or a deeper indentation, so that only a file with a long line can be too deep.
    """
    if len(data) < _LONG:
        return 0
    lines = data.replace(b"\r", b"\n").split(b"\n")
    if max(map(len, lines)) < _LONG:
        return 0
    depth = set()
    for number, line in enumerate(lines, 1):
        start = _INDICATORS.match(line)
        run = start[0] if start else b""
        if len(run) - run.count(b" ") - run.count(b"\t") > MOST_DEPTH and not run.isspace() and b" " in run.strip():
            return number
        depth.add(len(run) - len(run.lstrip(b" ")))
        if len(depth) > MOST_DEPTH:
            return number
    return 0


def _has_mapping_as_key(values: tuple[object, ...]) -> bool:
    """Returns whether `{{ ... }}` was read as a mapping whose key is a mapping, which only a template has."""
    return any(
        isinstance(key, frozenset | tuple) for value in _containers(values) if isinstance(value, dict) for key in value
    )


def _containers(values: object) -> Iterator[dict[Any, Any] | list[Any] | tuple[Any, ...]]:
    """Yields every container in a value, without recursion."""
    stack = [values]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            yield value
            stack.extend(value.values())
        elif isinstance(value, list | tuple):
            yield value
            stack.extend(value)


def merged(document: object) -> object:
    """Returns the document with every `<<` replaced by what it takes over; own keys win, then the first source."""
    for container in list(_containers(document)):
        if isinstance(container, dict) and "<<" in container:
            taken = container.pop("<<")
            for source in taken if isinstance(taken, list) else [taken]:
                for key, value in source.items() if isinstance(source, dict) else ():
                    container.setdefault(key, value)
    return document
