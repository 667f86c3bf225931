"""JSON, with comments where its tool allows them."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from fnmatch import fnmatch
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from readiness.static.documents.kinds import has_marker_outside_strings
from readiness.static.documents.model import MOST_PROBLEMS, Document, Keys, SyntaxProblem

WITH_COMMENTS = (
    "tsconfig*.json",
    "jsconfig*.json",
    "*.jsonc",
    "*.code-workspace",
    ".eslintrc*",
    ".babelrc*",
    ".jshintrc",
    ".swcrc",
    ".jscsrc",
    ".hintrc",
    ".devcontainer.json",
    "devcontainer.json",
    "devcontainer-feature.json",
    "api-extractor*.json",
    "language-configuration.json",
    "tslint.json",
    "deno.json",
    "biome.json",
    "turbo.json",
    "nx.json",
    "angular.json",
    "rush.json",
    ".markdownlint*.json",
    ".oxlintrc.json",
    "typedoc.json",
    "wrangler.json",
    "*.arm.json",
    "appsettings*.json",
)
"""Files whose readers take comments and a comma after the last value."""
WITH_COMMENTS_IN = frozenset({".vscode", ".devcontainer", ".vscode-test"})

_INDEXED = 4 << 20
"""Characters of a file whose places are all kept once a third one is asked for."""
_MOST_SCANS = 30
"""Places that are looked up in a longer file; what comes after them has none."""
Tree: TypeAlias = tuple[int, "dict[str | int, Tree] | None"]
"""Where a value begins, and what is in it."""

_STRING = r'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?'
"""Also one that is not closed, so that no text is scanned twice."""
_COMMENT = re.compile(_STRING + r"|(//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?)")
_COMMA = re.compile(_STRING + r"|(,)(?=[ \t\r\n]*+[}\]])")
_TOKEN = re.compile(_STRING + r"|[{}\[\]:,]|[^\s{}\[\]:,\"]++")


class JsonDocument(Document):
    """A JSON file."""

    __slots__ = ("_left", "_text", "_tree")

    def __init__(self, text: str, values: tuple[object, ...] = (), problems: tuple[SyntaxProblem, ...] = ()) -> None:
        super().__init__("json", values, problems)
        self._text = text
        self._tree: Tree | None = None
        self._left = _MOST_SCANS

    def locate(self, document: int, keys: Keys) -> tuple[int, int]:
        """Returns line and column of the value, or of the deepest container on the way."""
        if document or not self.values:
            return 0, 0
        if self._tree is None and len(self._text) <= _INDEXED and self._left < _MOST_SCANS - 1:
            self._tree = _tree(self._text)
        if self._tree is not None:
            return _place(self._text, _look_up(self._tree, keys))
        self._left -= 1
        return _place(self._text, _offset(self._text, keys)) if self._left >= 0 else (0, 0)


def read_json(path: str, text: str) -> Document:
    """Returns the file's value; the last of repeated keys, each of which is a problem."""
    plain, allowed = text, allows_comments(path)
    if allowed:
        plain = _without_commas(_without_comments(text))
        if not plain.strip():
            return JsonDocument(plain)
    reader = _Reader()
    try:
        value = reader.read(plain)
    except json.JSONDecodeError as problem:
        return _broken(text, problem, allowed=allowed)
    except RecursionError:
        deep = SyntaxProblem("config-lint/too-deep", 0, 0, "its containers stand too deep in each other to be read")
        return JsonDocument(plain, problems=(deep,))
    except ValueError as problem:  # an integer of more digits than Python converts
        return JsonDocument(plain, problems=(SyntaxProblem("config-lint/json-syntax", 0, 0, str(problem)[:200]),))
    return JsonDocument(plain, (value,), reader.problems(plain))


def allows_comments(path: str) -> bool:
    """Returns whether the tool that reads this file takes comments."""
    file = PurePosixPath(path)
    name = file.name.lower()
    return any(fnmatch(name, pattern) for pattern in WITH_COMMENTS) or bool(WITH_COMMENTS_IN & set(file.parts[:-1]))


class _Reader:
    """The standard library's parser, told to notice what it otherwise lets pass."""

    def __init__(self) -> None:
        self._is_strange = False

    def read(self, text: str) -> object:
        return json.loads(text, object_pairs_hook=self._object, parse_constant=self._constant)

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            self._is_strange = True
        return made

    def _constant(self, name: str) -> None:  # noqa: ARG002 - the parser says which
        self._is_strange = True

    def problems(self, text: str) -> tuple[SyntaxProblem, ...]:
        """Returns each repeated key and each NaN with its place."""
        if not self._is_strange:
            return ()
        return tuple(islice(_second_look(text), MOST_PROBLEMS))


def _second_look(text: str) -> Iterator[SyntaxProblem]:
    """Yields where keys are repeated and where numbers are none, by walking the tokens once more."""
    starts = _line_starts(text)
    open_: list[tuple[dict[str, int], Keys]] = []
    before, where = "", 0
    key = ""
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "{[":
            keys = (*open_[-1][1], key) if open_ else ()
            open_.append(({}, keys))
        elif word in "}]" and open_:
            open_.pop()
        elif word == ":" and before.startswith('"') and open_:
            key = json.loads(before, strict=False)
            seen, keys = open_[-1]
            line, column = _at(starts, where)
            if key in seen:
                said = f"key '{key[:60]}' stands here again; it is already in line {seen[key]}"
                yield SyntaxProblem("config-lint/json-duplicate-key", line, column, said, (*keys, key))
            seen.setdefault(key, line)
        elif word in ("NaN", "Infinity", "-Infinity"):
            line, column = _at(starts, token.start())
            yield SyntaxProblem("config-lint/json-syntax", line, column, f"{word} is no JSON number")
        before, where = word, token.start()


def _offset(text: str, keys: Keys) -> int:
    """Returns where the value at `keys` begins, or the deepest container on the way; one pass over the tokens."""
    found = 0
    depth = matched = 0
    index = [-1]
    is_list: list[bool] = [False]
    before, expecting = "", True
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in "}]":
            depth -= 1
            if depth <= matched:
                break
            del index[depth + 1 :], is_list[depth + 1 :]
            expecting = False
        elif word == ":":
            wanted = depth == matched + 1 and matched < len(keys) and not is_list[depth]
            expecting = wanted and json.loads(before, strict=False) == str(keys[matched])
            if expecting:
                matched += 1
        elif word == ",":
            if is_list[depth]:
                index[depth] += 1
            expecting = is_list[depth] and depth == matched + 1 and _is_next(keys, matched, index[depth])
            matched += expecting
        else:
            if expecting:
                found = token.start()
                if matched == len(keys):
                    break
                expecting = False
            if word in "{[":
                depth += 1
                index.append(0)
                is_list.append(word == "[")
                if word == "[" and depth == matched + 1 and _is_next(keys, matched, 0):
                    matched += 1
                    expecting = True
        before = word
    return found


def _tree(text: str) -> Tree:
    """Returns where every value begins."""
    top: dict[str | int, Tree] = {}
    open_: list[tuple[dict[str | int, Tree], bool]] = [(top, True)]
    key: str | int = 0
    before = ""
    is_value = True
    for token in _TOKEN.finditer(text):
        word = token[0]
        children, is_list = open_[-1]
        if word in "}]":
            open_.pop()
            is_value = False
            if not open_:
                break
        elif word == ":":
            key = json.loads(before, strict=False)
            is_value = True
        elif word == ",":
            key = len(children)
            is_value = is_list
        elif is_value:
            inner: dict[str | int, Tree] | None = {} if word in "{[" else None
            children[key] = (token.start(), inner)
            is_value = word == "["
            if inner is not None:
                open_.append((inner, word == "["))
                key = 0
        before = word
    return top.get(0, (0, None))


def _look_up(tree: Tree, keys: Keys) -> int:
    offset, children = tree
    for key in keys:
        inner = None if children is None else children.get(key) or children.get(str(key))
        if inner is None:
            break
        offset, children = inner
    return offset


def _is_next(keys: Keys, matched: int, index: int) -> bool:
    return matched < len(keys) and keys[matched] == index and isinstance(keys[matched], int)


def _broken(text: str, problem: json.JSONDecodeError, *, allowed: bool) -> Document:
    """Returns what can be said of a text that is no JSON: a template, JSON with comments, or broken."""
    start = text.rfind("\n", 0, problem.pos) + 1
    if has_marker_outside_strings(text[start : problem.pos + 2]):
        return Document("json", is_template=True)
    if not allowed:
        plain = _without_commas(_without_comments(text))
        try:
            value = _Reader().read(plain)
        except (ValueError, RecursionError):
            pass
        else:
            said = f"{problem.msg}: the readers of this file take neither comments nor a comma after the last value"
            where = SyntaxProblem("config-lint/json-comment", problem.lineno, problem.colno, said)
            return JsonDocument(plain, (value,), (where,))
    where = SyntaxProblem("config-lint/json-syntax", problem.lineno, problem.colno, problem.msg)
    return JsonDocument(text, problems=(where,))


def _without_comments(text: str) -> str:
    """Returns the text with blanks for comments, so that all else keeps its place."""
    if "/" not in text:
        return text
    return _COMMENT.sub(lambda found: _blank(found[0]) if found[1] else found[0], text)


def _blank(comment: str) -> str:
    """Returns blanks of the same shape."""
    return "\n".join(" " * len(line) for line in comment.split("\n"))


def _without_commas(text: str) -> str:
    """Returns the text with a blank for each comma after a last value."""
    return _COMMA.sub(lambda found: " " if found[1] else found[0], text)


def _line_starts(text: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer("\n", text))]


def _at(starts: list[int], offset: int) -> tuple[int, int]:
    line = bisect_right(starts, offset)
    return line, offset - starts[line - 1] + 1


def _place(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)
