"""Configuration files as values: what is read, where it stands, and that no content can break or exhaust the reading."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.static.documents import LARGEST, Parsed, kind_of
from readiness.static.documents.json import _look_up, _offset, _tree  # two ways to one answer
from readiness.static.source import Source

PATHS = ("a.yaml", "a.json", "tsconfig.json", "a.toml", "a.ini", "alembic.ini", "setup.cfg", ".env", "templates/a.yaml")


def read(path: str, content: str | bytes) -> Parsed:
    """Returns the parsed file."""
    parsed = Source(path, content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")).parsed
    assert parsed is not None
    return parsed


def rules(parsed: Parsed) -> list[str]:
    """Returns the rules that the file breaks."""
    return [problem.rule.partition("/")[2] for problem in parsed.problems]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("a.yml", "yaml"),
        ("values.yaml.j2", "yaml"),
        ("package.json", "json"),
        ("Pipfile.lock", "json"),
        ("pyproject.toml", "toml"),
        ("setup.cfg", "ini"),
        (".env", "env"),
        (".env.production", "env"),
        ("deploy/prod.env", "env"),
        ("env.example", "env"),
        ("main.py", None),
        ("README.md", None),
        ("environment.py", None),
    ],
)
def test_name_says_the_format(path: str, kind: str | None) -> None:
    """Only files whose name is that of a configuration file are parsed."""
    assert kind_of(path) == kind


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", ()),
        ("# nothing\n", ()),
        ("a: 1\n", ({"a": 1},)),
        ("- 1\n- 2\n", ([1, 2],)),
        ("---\n- 1\n- 2\n", ([1, 2],)),
        ("a: 1\n---\nb: 2\n", ({"a": 1}, {"b": 2})),
        ("- 1\n---\n- 2\n", ([1], [2])),
        ("a: on\nb: no\n", ({"a": "on", "b": "no"},)),
        ("d: 2026-01-01\n", ({"d": "2026-01-01"},)),
        ("a: &x {k: 1}\nb:\n  <<: *x\n  k: 2\nc: {<<: [*x]}\n", ({"a": {"k": 1}, "b": {"k": 2}, "c": {"k": 1}},)),
        ("a: !Ref x\nb: !reference [y, z]\nc: !vault |\n  abc\n", ({"a": "x", "b": ["y", "z"], "c": "abc\n"},)),
        ("\ufeffa: 1\n", ({"a": 1},)),
    ],
)
def test_yaml_is_read(text: str, values: tuple[object, ...]) -> None:
    """All documents, as YAML 1.2 reads them; merge keys are resolved, and tags of applications are no errors."""
    parsed = read("a.yaml", text)
    assert (parsed.values, parsed.problems, parsed.is_template) == (values, (), False)


def test_scalars_have_place_and_path() -> None:
    """Each scalar comes in order with its keys, and its line and column are known."""
    parsed = read("a.yaml", 'a: 1\nb:\n  - x: "on"\n  - [3, 4]\n---\n80: q\n')
    found = [
        (each.document, each.keys, each.value, parsed.locate(each.document, each.keys)) for each in parsed.scalars()
    ]
    assert found == [
        (0, ("a",), 1, (1, 4)),
        (0, ("b", 0, "x"), "on", (3, 8)),
        (0, ("b", 1, 0), 3, (4, 6)),
        (0, ("b", 1, 1), 4, (4, 9)),
        (1, (80,), "q", (6, 5)),
    ]


@pytest.mark.parametrize(
    ("path", "text", "keys", "place"),
    [
        ("a.yaml", "a:\n  b: 1\n", ("a", "nothing", "there"), (2, 3)),
        ("a.yaml", "a: &x\n  k: 1\nb:\n  <<: *x\n", ("b", "k"), (2, 6)),
        ("a.json", '{"a": [1,\n {"b": 2}]}', ("a", 1, "b"), (2, 8)),
        ("a.json", '{"a": [1,\n {"b": 2}]}', ("a", 1, "c"), (2, 2)),
        ("tsconfig.json", '{/* x\n */ "a": "//", // y\n "b": 2,}', ("b",), (3, 7)),
        ("a.toml", '[t]\nk = """\n[x]\n"""\nz = 1\n', ("t", "z"), (5, 5)),
        ("a.toml", "[[p]]\nn = 1\n[[p]]\nn = 2\n[p.q]\nr = {s = 1}\n", ("p", 1, "n"), (4, 5)),
        ("a.toml", "[[p]]\nn = 1\n[[p]]\nn = 2\n[p.q]\nr = {s = 1}\n", ("p", 1, "q", "r", "s"), (6, 5)),
        ("a.ini", "[a]\n# c\nx = 1\n  2\ny: 3\n", ("a", "y"), (5, 4)),
        (".env", "# c\nexport A=1\nB='2'\n", ("B",), (3, 3)),
    ],
)
def test_values_are_located(path: str, text: str, keys: tuple[str | int, ...], place: tuple[int, int]) -> None:
    """A finding can point at the value in every format; where nothing stands there, at what should hold it."""
    assert read(path, text).locate(0, keys) == place


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", "{{- if .Values.x }}\na: 1\n{{- end }}\n"),
        ("a.yaml", "a: {{ .Values.x }}\n"),
        ("a.yaml", "name: {{ .x }}-foo\n"),
        ("a.yaml", "{% for x in y %}\n- {{ x }}\n{% endfor %}\n"),
        ("a.yaml", "name: {name}-a\nb: [{x}]\n"),
        ("a.yaml", "name: %NAME%\n"),
        ("a.yaml.j2", "a: 1\n"),
        ("chart/templates/a.yaml", "a: '{{ .Values.x }}'\n"),
        ("{{cookiecutter.name}}/a.toml", 'a = "{{ cookiecutter.name }}"\n'),
        ("a.json", '{"a": {{ .x }}, "b": 1}'),
        ("a.toml", "[a]\nx = {{ y }}\n"),
        ("setup.cfg", "[a]\n{% if x %}\nx = 1\n"),
        (".env", "A=1\n{{ range .env }}\n"),
    ],
)
def test_templates_are_recognised(path: str, text: str) -> None:
    """What makes a file is no broken file: it has no values and no problems."""
    parsed = read(path, text)
    assert (parsed.is_template, parsed.values, parsed.problems) == (True, (), ())


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", 'summary: "{{ $labels.x }}"\nb: [1\n'),
        ("a.yaml", "d: |\n  {{ $labels.x }}\nb: [1\n"),
        (".github/workflows/a.yml", "on: push\nx:\n- ${{ a }}\nb: [1\n"),
        ("templates/rules.yaml", 'summary: "{{ $labels.x }}"\nb: [1\n'),
        ("a.json", '{"legend": "{{x}}" "b": 1}'),
    ],
)
def test_a_broken_file_with_braces_in_its_text_is_broken(path: str, text: str) -> None:
    """An alert's text with `{{ }}` does not make its file a template, whose errors nobody would see."""
    parsed = read(path, text)
    assert not parsed.is_template
    assert parsed.problems


def test_a_file_that_stays_in_quotes_is_no_template() -> None:
    """Rules with `{{ }}` in their annotations are read."""
    text = 'groups:\n- name: a\n  rules:\n  - alert: x\n    annotations: {summary: "{{ $labels.x }}"}\n'
    assert read("templates/rules.yaml", text).values


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
MB = 1_000_000
HOSTILE = {
    "a billion laughs": ("a.yaml", LAUGHS, "yaml-aliases"),
    "lists in a line": ("a.yaml", "[" * 10_000 + "]" * 10_000, "too-deep"),
    "sequences in a line": ("a.yaml", "- " * 5 * MB, "too-deep"),
    "keys in a line": ("a.yaml", ": " * 5 * MB, "too-deep"),
    "questions in a line": ("a.yaml", "? - " * MB, "too-deep"),
    "a staircase": ("a.yaml", "".join(" " * n + "a:\n" for n in range(2000)), "too-deep"),
    "an open quote": ("a.yaml", 'a: "' + "\\" * 10 * MB, "yaml-syntax"),
    "braces": ("a.yaml", "[\n" + "{{" * 5 * MB, "too-deep"),
    "bare digits": ("a.yaml", "a: " + "1:" * 5 * MB, "yaml-syntax"),
    "a NUL": ("a.yaml", "a: 1\n\0b: [", "yaml-syntax"),
    "nested JSON": ("a.json", "[" * 10 * MB, "too-deep"),
    "escaped quotes": ("a.json", '"' + '\\"' * 5 * MB, "json-syntax"),
    "comments that stay open": ("tsconfig.json", "/*" * MB, "json-syntax"),
    "commas": ("a.json", "[1 " + ", " * 5 * MB, "json-syntax"),
    "a long number": ("a.json", "1" * 10 * MB, "json-syntax"),
    "a dotted key": ("a.toml", "a." * MB + "a = 1", "too-deep"),
    "a dotted header": ("a.toml", "[" + "a." * MB + "a]", "too-deep"),
    "inline tables": ("a.toml", "a=" + "{a=" * MB, "too-deep"),
    "blanks before a word": ("a.ini", "[a]\nx" + " " * 10 * MB + "y", "ini-syntax"),
    "an open value": (".env", 'A="' + '\\"' * 5 * MB, "env-syntax"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_content_is_a_finding(name: str) -> None:
    """Whatever a file holds, it takes bounded time and leads to one clear problem."""
    path, text, rule = HOSTILE[name]
    started = time.process_time()
    parsed = read(path, text)
    assert rules(parsed)[-1] == rule
    assert len(list(parsed.scalars())) <= 1
    assert time.process_time() - started < 10


def test_a_large_file_is_not_parsed() -> None:
    """It is named as what it is, instead of taking minutes."""
    parsed = read("a.toml", b" " * (LARGEST["toml"] + 1))
    assert rules(parsed) == ["too-large"]


def test_repeated_problems_are_limited() -> None:
    """A file that repeats one key a hundred thousand times is told about a hundred times."""
    assert len(read("a.yaml", "a: 1\n" * 20_000).problems) == 100
    assert len(read("a.json", "{" + ",".join(['"a":1'] * 100_000) + "}").problems) == 100


def test_bytes_of_another_encoding_are_a_problem() -> None:
    """They are named with their place, and the rest is read."""
    parsed = read("a.yaml", b"a: 1\nb: \xff\n")
    assert [(problem.rule, problem.line, problem.column) for problem in parsed.problems] == [
        ("config-lint/encoding", 2, 4)
    ]
    assert parsed.values == ({"a": 1, "b": "\ufffd"},)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PATHS),
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
)
def test_no_bytes_raise(path: str, data: bytes) -> None:
    """Whatever stands in a file, it is read or it has a problem, and each of its scalars can be asked for its place."""
    parsed = read(path, data)
    for scalar in parsed.scalars():
        line, column = parsed.locate(scalar.document, scalar.keys)
        assert line >= 0
        assert column >= 0


TOKENS = st.lists(
    st.sampled_from(
        [
            "a",
            "b: ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            ", ",
            ": ",
            "\n",
            "\n  ",
            "&x ",
            "*x",
            "<<: ",
            "!t ",
            "'",
            '"',
            "|\n",
            "---\n",
            "? ",
            "# c",
            "{{ ",
            " }}",
            "=",
            "[a]\n",
            "[[a]]\n",
            ".",
            "1",
            "012",
            "no",
            "\t",
            "\\",
            "export ",
            "%(a)s",
            "//",
            "/*",
            "*/",
            "null",
            "\ufeff",
            "...",
        ]
    ),
    max_size=40,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(PATHS), TOKENS)
def test_no_syntax_raises(path: str, text: str) -> None:
    """Nor do files that are nearly right."""
    parsed = read(path, text)
    for scalar in parsed.scalars():
        parsed.locate(scalar.document, scalar.keys)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(JSON, st.sampled_from([None, 2]))
def test_json_is_located_in_both_ways(value: object, indent: int | None) -> None:
    """The scan for one place and the index of all of them agree, and the value stands there."""
    text = json.dumps(value, indent=indent)
    parsed = read("a.json", text)
    assert parsed.values == (value,)
    for scalar in parsed.scalars():
        offset = _offset(text, scalar.keys)
        assert offset == _look_up(_tree(text), scalar.keys)
        assert text.startswith(json.dumps(scalar.value), offset)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_json_is_yaml(value: object) -> None:
    """What is written as JSON is read from YAML as the same, and each value has a place."""
    text = json.dumps({"top": value}, indent=1, ensure_ascii=False)
    parsed = read("a.yaml", text)
    if parsed.problems or parsed.is_template:  # half a surrogate pair, and `{{` of mappings in each other
        return
    assert parsed.values == ({"top": value},)
    assert all(parsed.locate(scalar.document, scalar.keys)[0] for scalar in parsed.scalars())


def test_places_survive_what_libyaml_does_not_read() -> None:
    """A character that only one of the parsers takes costs no other value its place."""
    parsed = read("a.yaml", 'a: "\x80"\nb: 1\n')
    assert parsed.locate(0, ("b",)) == (2, 4)
