"""How findings look, where they count, what allows them, and that nothing of a secret leaves the analyser."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.static.secrets import RULES
from readiness.static.secrets.analyser import MOST_HITS, SecretsAnalyser
from readiness.static.source import Source
from tests.static.secrets.drawing import drawn
from tests.static.secrets.labelled import FOUND, Sample, runs

SCAN = SecretsAnalyser()
TOKEN = drawn("ghp_{b62:36}", "token")
PASSWORD = drawn("{pw}", "password")
RULE = "security-scan/github-token"


def hits(text: str, path: str = "src/app.py"):  # type: ignore[no-untyped-def] # a tuple of hits
    return SCAN.analyse(Source(path, text.encode("utf-8", "surrogatepass"))).hits


def said(text: str, path: str = "src/app.py") -> list[tuple[str, str]]:
    return [(hit.rule.partition("/")[2], hit.severity) for hit in hits(text, path)]


# --- what is shown


@pytest.mark.parametrize("sample", FOUND, ids=str)
def test_no_part_of_a_secret_is_shown(sample: Sample) -> None:
    """Of what was filled in no six neighbouring characters are in what a report gets."""
    shown = "\n".join(
        f"{hit.text}\n{hit.excerpt}\n{hit.anchor}\n{hit.remedy}" for hit in hits(sample.text, sample.path)
    )
    assert not [run for run in runs(sample) if run in shown]


def test_a_finding_names_place_kind_and_hash() -> None:
    """Line and column are those of the secret, counted in characters."""
    (hit,) = hits(f'first = 1\n# \u00e4\u00f6\u00fc\n\u00e4 = call("{TOKEN}")\n')
    assert (hit.line, hit.column) == (3, 11)
    assert hit.rule == RULE
    assert hit.severity == "blocking"
    assert hit.text.startswith("A GitHub token. Its hash is ")
    assert hit.excerpt == "gh*_"


def test_the_hash_is_that_of_the_secret_in_its_file() -> None:
    """The same secret elsewhere in the file has the same hash; another secret or file has another one."""
    first, second = hits(f"a = '{TOKEN}'\n\nb = '{TOKEN}'\n")
    (elsewhere,) = hits(f"a = '{TOKEN}'\n", "src/other.py")
    (other,) = hits(f"a = '{drawn('ghp_{b62:36}', 'other')}'\n")
    assert first.anchor == second.anchor
    assert len({first.anchor, elsewhere.anchor, other.anchor}) == 3


def test_a_password_that_only_informs_is_not_hashed() -> None:
    """Its place stands for it: a hash of what a person thought up is a list of guesses away from it."""
    (hit,) = hits(f'connect(password="{PASSWORD}")\n', "tests/test_app.py")
    assert hit.severity == "information"
    assert "hash" not in hit.text
    assert hit.anchor == hit.excerpt == "password = ***"


def test_a_name_that_is_a_secret_itself_is_not_shown() -> None:
    """Only names that read as words are."""
    (hit,) = [hit for hit in hits(f'{{"{TOKEN}_password": "{PASSWORD}"}}\n', "app.json") if "password" in hit.rule]
    assert hit.excerpt == "***"


# --- where it counts


@pytest.mark.parametrize(
    ("path", "token", "password"),
    [
        ("src/app.py", "blocking", "blocking"),
        ("config/app.yaml", "blocking", "blocking"),
        ("docs/guide.md", "advisory", "information"),
        ("examples/app.py", "advisory", "information"),
        ("dist/app.js", "advisory", "information"),
        ("tests/test_app.py", "information", "information"),
        ("node_modules/x/index.js", "information", "information"),
    ],
)
def test_severity_follows_the_path(path: str, token: str, password: str) -> None:
    """What ships blocks; tests and other projects' files inform; a vendor's key in documents warns, a password there does not."""
    assert said(f'call("{TOKEN}")\n', path) == [("github-token", token)]
    assert said(f'call("redis://app:{PASSWORD}@cache.shop.internal:6379/0")\n', path) == [("database-url", password)]


def test_lock_files_hold_hashes_and_may_hold_tokens() -> None:
    """What is random there is no finding; a vendor's token is."""
    text = drawn('{"integrity": "sha512-{b64:86}==", "token": "{b62:40}", "x": "{b62:40}"}', "lock")
    assert said(text, "package-lock.json") == []
    assert said(f'{text} "https://x?{TOKEN}"', "package-lock.json") == [("github-token", "advisory")]


def test_compiled_files_are_searched_for_forms_alone() -> None:
    """On a line that no person wrote names and entropy mean nothing."""
    text = drawn('var a={token:"{b62:40}",b:"{b62:40}"};', "bundle") + ";" * 9000
    assert said(text, "static/app.js") == []
    assert said(f"{text}'{TOKEN}'", "static/app.js") == [("github-token", "blocking")]


def test_what_one_rule_has_found_another_does_not_report() -> None:
    """The particular rule wins over the general ones."""
    assert said(f'GITHUB_TOKEN = "{TOKEN}"\n') == [("github-token", "blocking")]


def test_a_local_or_exemplary_address_informs() -> None:
    """Its password opens nothing that anyone can reach."""
    assert said(f"URL = 'postgresql://app:{PASSWORD}@localhost/app'\n") == [("database-url", "information")]
    assert said(f"URL = 'https://app:{PASSWORD}@files.example.com/x'\n") == [("basic-auth-url", "information")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_every_encoding_is_read(encoding: str) -> None:
    """Byte order marks and umlauts hide nothing."""
    data = f"# \u00e4\n'{TOKEN}'\n".encode(encoding)
    (hit,) = SCAN.analyse(Source("src/app.py", data)).hits
    assert (hit.rule, hit.line, hit.column) == (RULE, 2, 2)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_counts(end: str) -> None:
    """Lines are those that an editor shows."""
    (hit,) = hits(f"a{end}b{end}'{TOKEN}'{end}")
    assert hit.line == 3


# --- what allows it


def test_a_comment_with_a_reason_allows_it() -> None:
    """It stays in the report, with the reason, and does nothing."""
    (hit,) = hits(f"call('{TOKEN}')  # readiness: allow {RULE} -- revoked in 2025\n")
    assert hit.severity == "information"
    assert hit.text.endswith("It is allowed where it stands: revoked in 2025")


def test_a_comment_without_a_reason_does_not() -> None:
    """The finding says what is missing."""
    (hit,) = hits(f"call('{TOKEN}')  # readiness: allow {RULE}\n")
    assert hit.severity == "blocking"
    assert "gives no reason, so it does not count: # readiness: allow security-scan/github-token -- reason" in hit.text


def test_a_comment_above_counts_where_it_stands_alone() -> None:
    """What is about the line before is not about this one."""
    comment = f"# readiness: allow {RULE} -- revoked in 2025"
    assert said(f"{comment}\ncall('{TOKEN}')\n") == [("github-token", "information")]
    assert said(f"other()  {comment}\ncall('{TOKEN}')\n") == [("github-token", "blocking")]
    assert said(f"{comment}\n\ncall('{TOKEN}')\n") == [("github-token", "blocking")]


def test_a_key_of_several_lines_is_allowed_on_the_line_before() -> None:
    """Its own lines have no room for a comment."""
    key = drawn("{pem:PRIVATE KEY}", "key").replace("\n", "\n  ")
    above = "key: |  # readiness: allow security-scan/private-key -- of the test server"
    assert said(f"{above}\n  {key}\n", "app.yaml") == [("private-key", "information")]


# --- bounds and form


def test_findings_of_one_rule_are_capped() -> None:
    """A hundred are listed, and one more says how many there are."""
    found = hits("".join(f"'{drawn('ghp_{b62:36}', str(number))}'\n" for number in range(MOST_HITS + 20)))
    assert len(found) == MOST_HITS + 1
    assert found[-1].text == f"{MOST_HITS + 20} of these are in the file; {MOST_HITS} are listed."
    assert found[-1].severity == "blocking"


def test_the_analyser_travels_and_knows_its_version() -> None:
    """It is pickled to other processes; its version changes with its options."""
    copy = pickle.loads(pickle.dumps(SecretsAnalyser(4.5, (".secrets.baseline",))))
    assert copy.version == SecretsAnalyser(4.5, (".secrets.baseline",)).version != SCAN.version
    assert not copy.wants(".secrets.baseline")
    assert copy.wants("src/app.py")
    assert list(copy.conclude({})) == []


def test_entropy_can_be_set() -> None:
    """At eight bits per character, which no text has, strings without a telling name are not listed."""
    text = drawn('VALUE = "{b64:44}"\n', "entropy").encode()
    assert SCAN.analyse(Source("src/app.py", text)).hits
    assert not SecretsAnalyser(8.0).analyse(Source("src/app.py", text)).hits


def test_a_kubernetes_secret_is_found_on_its_line() -> None:
    """Each value is decoded; user names and certificates are none."""
    text = drawn("kind: Secret\ndata:\n  username: c2hvcA==\n  password: {in64:pw}\n", "manifest")
    assert [
        (hit.rule, hit.line, hit.excerpt) for hit in hits(text, "k8s/secret.yaml") if hit.severity == "blocking"
    ] == [("security-scan/kubernetes-secret", 4, "password: ***")]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(["a.py", ".env", "a.yaml", "a.tfstate", "a.json", "id_rsa"]))
def test_any_bytes_can_be_read(data: bytes, path: str) -> None:
    """Nothing in a file breaks the search."""
    SCAN.analyse(Source(path, data))


_FRAGMENTS = st.sampled_from(
    [
        *(sample.text for sample in FOUND[::7]),
        "kind: Secret\ndata:\n  a: b\n",
        '"',
        "'",
        "=",
        ":",
        "\n",
        "password",
        "://",
        "@",
        "eyJ",
        "-----BEGIN ",
        "\0",
        "\u20ac",
        "{{",
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_FRAGMENTS, max_size=12).map("".join), st.sampled_from(["a.py", ".env", "a.yaml", "a.tfstate", ".pgpass"])
)
def test_any_mixture_of_secrets_can_be_read(text: str, path: str) -> None:
    """Whatever is mixed, each hit has a place in the file and names a rule that there is."""
    known = {rule.id for rule in RULES}
    lines = text.count("\n") + 1
    for hit in hits(text, path):
        assert hit.rule in known
        assert 0 <= hit.line <= lines


def test_a_reason_does_not_repeat_a_secret() -> None:
    """The comment that allows one may hold it, whole, cut or another one of the file; the rest of the reason is shown."""
    other = drawn("ghp_{b62:36}", "other")
    long = f"was {TOKEN}, now {other}, {'x ' * 120}{TOKEN}"
    found = hits(f'a = "{TOKEN}"  # readiness: allow {RULE} -- {long}\nb = "{other}"\n')
    assert any("It is allowed where it stands: was *** now ***" in hit.text for hit in found)
    assert not [hit for hit in found if TOKEN[:8] in hit.text or other[:8] in hit.text]


def test_one_more_than_are_listed_is_a_new_finding() -> None:
    """What a baseline knows of the rest is their number, so that no further one hides behind it."""

    def rest(count: int) -> str:
        tokens = "\n".join(f'k = "{drawn("ghp_{b62:36}", str(number))}"' for number in range(count))
        return str(next(hit.anchor for hit in hits(tokens) if not hit.line))

    assert rest(MOST_HITS + 1) != rest(MOST_HITS + 2)


def test_a_mark_of_utf_16_hides_nothing() -> None:
    """A file that only begins like UTF-16 is read as it stands, too."""
    for text in (f'k = "{TOKEN}"\n', f'k = "{TOKEN}"\n\0'):
        found = SCAN.analyse(Source("src/app.py", b"\xff\xfe" + text.encode())).hits
        assert [hit.rule for hit in found] == [RULE]
