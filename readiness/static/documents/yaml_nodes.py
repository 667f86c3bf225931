"""YAML composed by libyaml: where each value stands, whether it is quoted, and which tag it carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from readiness.static.documents.model import MOST_DEPTH, Keys, SyntaxProblem

PLAIN = "plain"
"""The tag of a scalar without quotes, whose type its reader decides."""
_QUOTED = "quoted"
_MOST_NODES = 1_000_000
_BRACKET = re.compile(r"[\[\]{}]")
_UNPRINTABLE = re.compile("[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""What libyaml does not read, or takes for the end of a line as YAML 1.1 did. Another character stands in for it, so that the
rest keeps its place."""
_OCTAL = re.compile(r"0o[0-7]+")


class Plain(NamedTuple):
    """A scalar without quotes or tag."""

    document: int
    keys: Keys
    value: str
    line: int
    column: int
    is_key: bool


class Nodes:
    """The composed documents of a text; empty where libyaml cannot read it.

    Args:
        text: the file.
    """

    def __init__(self, text: str) -> None:
        self.documents, self.is_broken = ([], True) if _is_deep(text) else _compose(text)
        self._children: dict[int, dict[object, Any]] = {}
        """Of each mapping that was looked into, by its number in memory."""

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column, from 1, of the value or of the deepest container on the way."""
        trail = self._trail(document, keys)
        if not trail:
            return 0, 0
        mark = trail[-1].start_mark
        return mark.line + 1, mark.column + 1

    def has_tag(self, document: int, keys: Keys) -> bool:
        """Returns whether a tag of an application (`!Ref`) stands at the value, above it or below it."""
        trail = self._trail(document, keys)
        if len(trail) <= len(keys):
            return any(_is_custom(node) for node in trail)
        return any(_is_custom(node) for node in trail) or any(_is_custom(node) for node in _below(trail[-1]))

    def bare(self, document: int, keys: Keys) -> str:
        """Returns the text of the scalar there that has neither quotes nor tag; empty for anything else."""
        trail = self._trail(document, keys)
        node = trail[-1] if len(trail) == len(keys) + 1 else None
        return str(node.value) if node is not None and node.id == "scalar" and node.tag == PLAIN else ""

    def _trail(self, document: int, keys: Keys) -> list[Any]:
        """Returns the nodes from the document's top to the value, as far as they exist."""
        if document >= len(self.documents) or self.documents[document] is None:
            return []
        trail = [self.documents[document]]
        for key in keys:
            inner = self._child(trail[-1], key)
            if inner is None:
                break
            trail.append(inner)
        return trail

    def _child(self, node: Any, key: str | int) -> Any:
        """Returns what stands under a key or index of a node, or is merged into it there; None for nothing."""
        if node.id == "sequence":
            return node.value[key] if isinstance(key, int) and 0 <= key < len(node.value) else None
        if node.id != "mapping":
            return None
        children = self._children.get(id(node))
        if children is None:
            children = self._children[id(node)] = _by_key(node)
        found = children.get(key)
        return children.get(str(key)) if found is None else found

    def plain(self) -> Iterator[Plain]:
        """Yields every scalar that has neither quotes nor a tag, keys among them, in order; bounded."""
        for number, top in enumerate(self.documents):
            seen: set[int] = set()
            stack: list[tuple[Keys, Any, bool]] = [((), top, False)]
            while stack:
                keys, node, is_key = stack.pop()
                if node is None or id(node) in seen or len(seen) > _MOST_NODES:
                    continue
                seen.add(id(node))
                if node.id == "scalar":
                    if node.tag == PLAIN:
                        mark = node.start_mark
                        yield Plain(number, keys, node.value, mark.line + 1, mark.column + 1, is_key)
                elif node.id == "mapping":
                    for key, value in reversed(node.value):
                        inner = (*keys, str(getattr(key, "value", "")) if key.id == "scalar" else "?")
                        stack.append((inner, value, False))
                        stack.append((inner, key, True))
                else:
                    stack.extend(((*keys, i), node.value[i], False) for i in range(len(node.value) - 1, -1, -1))

    def duplicates(self) -> Iterator[SyntaxProblem]:
        """Yields every key that stands twice in its mapping, in order."""
        for top in self.documents:
            seen: set[int] = set()
            stack: list[tuple[Keys, Any]] = [((), top)]
            while stack:
                keys, node = stack.pop()
                if node is None or id(node) in seen or node.id == "scalar" or len(keys) > MOST_DEPTH:
                    continue
                seen.add(id(node))
                if node.id == "sequence":
                    stack.extend(((*keys, i), node.value[i]) for i in range(len(node.value) - 1, -1, -1))
                    continue
                yield from _repeated(keys, node)
                stack.extend(((*keys, _text(key)), value) for key, value in reversed(node.value))


def _repeated(keys: Keys, mapping: Any) -> Iterator[SyntaxProblem]:
    first: dict[object, int] = {}
    for key, _ in mapping.value:
        if key.id != "scalar":
            continue
        name = ("word", key.value) if key.tag != PLAIN else _plain_key(key.value)
        mark = key.start_mark
        if name in first and key.value != "<<":
            text = f"key '{key.value[:60]}' stands here again; it is already in line {first[name]}"
            where = (*keys, _text(key))
            yield SyntaxProblem("config-lint/yaml-duplicate-key", mark.line + 1, mark.column + 1, text, where)
        first.setdefault(name, mark.line + 1)


def _plain_key(value: str) -> tuple[str, object]:
    """Returns a key such that `a` equals `"a"` and `1` equals `0x1`, but not `true`."""
    try:
        return ("number", int(value, 0) if not value.lstrip("+-").startswith("0") or "x" in value else int(value))
    except ValueError:
        return ("word", value)


def _text(node: Any) -> str:
    return str(node.value) if node.id == "scalar" else "?"


def _by_key(mapping: Any) -> dict[object, Any]:
    """Returns the values of a mapping by key, whole numbers also as such; its own before merged ones."""
    found: dict[object, Any] = {}
    merges: list[Any] = []
    for name, value in mapping.value:
        if name.id != "scalar":
            continue
        if name.value == "<<":
            merges.extend(value.value if value.id == "sequence" else [value])
        found[name.value] = value
        if name.tag == PLAIN and (number := _as_int(name.value)) is not None:
            found[number] = value
    for source in merges[:100]:
        for name, value in source.value if source.id == "mapping" else ():
            if name.id == "scalar":
                found.setdefault(name.value, value)
    return found


def _as_int(value: str) -> int | None:
    if not value[:1].isdigit() and value[:1] not in ("+", "-"):
        return None
    try:
        return int(value, 0 if _OCTAL.fullmatch(value) or value.startswith("0x") else 10)
    except ValueError:
        return None


def _below(top: Any) -> Iterator[Any]:
    seen: set[int] = set()
    stack = [top]
    while stack and len(seen) < 10_000:  # noqa: PLR2004 - a value of an ordinary size
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if node.id == "sequence":
            stack.extend(node.value)
        elif node.id == "mapping":
            stack.extend(part for pair in node.value for part in pair)


def _is_custom(node: Any) -> bool:
    return isinstance(node.tag, str) and node.tag.startswith("!")


def _is_deep(text: str) -> bool:
    """Returns whether so many brackets are open at once that composing could overflow the stack."""
    if text.count("[") + text.count("{") <= MOST_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > 4 * MOST_DEPTH:
            return True
        depth = max(depth, 0)
    return False


@cache
def _composer() -> Any:
    """Returns a libyaml loader that resolves no types: a scalar's tag says only whether it was quoted."""
    from yaml import cyaml

    parser: Any = vars(cyaml)["CParser"]

    class Composer(parser):  # type: ignore[misc]  # libyaml's binding has no types
        """Composes nodes; the resolver, most of the time of PyYAML's own, is left out."""

        def descend_resolver(self, parent: Any, index: Any) -> None:
            """Nothing: no type depends on the path."""

        def ascend_resolver(self) -> None:
            """Nothing."""

        def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - called by libyaml's binding
            """Returns whether the scalar is plain, instead of its type."""
            return PLAIN if isinstance(implicit, tuple) and implicit[0] else _QUOTED

    return Composer


def _compose(text: str) -> tuple[list[Any], bool]:
    """Returns the documents up to the first that libyaml cannot read, and whether there was one."""
    from yaml import YAMLError

    documents = []
    try:
        loader = _composer()(_UNPRINTABLE.sub("?", text))
        while loader.check_node():
            documents.append(loader.get_node())
    except (YAMLError, RecursionError, UnicodeError, ValueError):
        # What the fast parser has read and libyaml has not keeps its values and loses its places from here on.
        return documents, True
    return documents, False
