"""No form of a secret stays in a text, and nothing else goes."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import threading
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from readiness.redact import RedactingStream, Redactor, Secret, is_too_short, secret_parts, stands_in

AWKWARD = "s3cr+t/Väl ue&<'\"%7\n\\t"
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs"])
SECRETS = st.one_of(
    st.text(LETTERS, min_size=8, max_size=80),
    st.text("abc%+/&<>'\"\\\n\t =:@éß€😀", min_size=8, max_size=40),
    st.text("ABCDEFabcdef0123456789+/=", min_size=8, max_size=64),
).filter(lambda text: len(text.strip()) >= 8)
SURROUNDINGS = st.text(st.characters(codec="utf-8"), max_size=30)

FORMS: dict[str, Callable[[str], str]] = {
    "raw": str,
    "quoted": quote,
    "quoted, slash too": lambda text: quote(text, safe=""),
    "quoted, plus": quote_plus,
    "quoted in lower case": lambda text: re.sub("%..", lambda match: match[0].lower(), quote(text, safe="")),
    "query of urllib": lambda text: urlencode({"token": text}),
    "query of httpx": lambda text: str(httpx.URL("https://h.example/", params={"token": text})),
    "JSON": json.dumps,
    "JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"a": text})),
    "JSON in a page": lambda text: (
        json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    ),
    "HTML": html.escape,
    "HTML, no quotes": lambda text: html.escape(text, quote=False),
    "HTML of Jinja": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "XML": escape,
    "XML attribute": quoteattr,
    "repr": repr,
    "repr of a list": lambda text: repr([text]),
    "repr of bytes": lambda text: repr(text.encode()),
    "ascii": ascii,
    "repr in JSON": lambda text: json.dumps(repr(text)),
    "repr in HTML": lambda text: html.escape(repr(text)),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "basic authorization": lambda text: base64.b64encode(b"me:" + text.encode()).decode(),
    "base64 in the middle": lambda text: base64.b64encode(b"ab" + text.encode() + b"cd").decode(),
}


def redactor(*values: str) -> Redactor:
    made = Redactor()
    for number, value in enumerate(values):
        made.add(f"S{number}", value)
    return made


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "secret", [AWKWARD, "correct horse", "hunter2hunter2", "p@ss:w/rd+100%", "schlüssel€😀", "a'b\"c'd\"e"]
)
def test_every_form_is_hidden(form: str, secret: str) -> None:
    """However the value is written, it goes, is found, and what stands around it stays."""
    text = FORMS[form](secret)
    made = redactor(secret)
    hidden = made.redact(f"before {text} after")
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert "***" in hidden
    assert made.find(f"before {text} after") == ["S0"]
    assert made.find(hidden) == []
    assert secret not in hidden


@settings(deadline=None, max_examples=60)
@given(SECRETS, SURROUNDINGS, SURROUNDINGS, st.sampled_from(sorted(FORMS)))
def test_no_secret_survives(secret: str, before: str, after: str, form: str) -> None:
    """For any secret, in any surroundings, in any form."""
    made = redactor(secret)
    text = f"{before}{FORMS[form](secret)}{after}"
    hidden = made.redact(text)
    assert secret not in hidden
    assert made.find(hidden) == []
    assert made.find(text) == ["S0"]


@settings(deadline=None, max_examples=60)
@given(st.lists(SECRETS, min_size=1, max_size=4), st.lists(SURROUNDINGS, max_size=5))
def test_redacting_again_changes_nothing(secrets: list[str], texts: list[str]) -> None:
    """What is redacted once is stable, also where secrets overlap or stand in each other."""
    made = redactor(*secrets, *(secret[2:] + secrets[0][:5] for secret in secrets))
    text = "".join(f"{between}{secret}" for between, secret in zip(texts, secrets, strict=False)) + secrets[0] * 2
    once = made.redact(text)
    assert made.redact(once) == once
    assert all(secret not in once for secret in secrets)


@settings(deadline=None, max_examples=60)
@given(SURROUNDINGS)
def test_other_text_stays(text: str) -> None:
    """A text without the secret is the same text."""
    secret = "Zq7-Kx9-Wv3"
    assert redactor(secret).redact(text) == text


@settings(deadline=None, max_examples=60)
@given(st.text("abcdefghijkl0123456789", min_size=24, max_size=90), st.data())
def test_cut_secret_is_hidden(secret: str, data: st.DataObject) -> None:
    """Of a long value, any 12 characters in a row go, unless they are nearly all the same."""
    start = data.draw(st.integers(0, len(secret) - 12))
    run = secret[start : start + 12]
    hidden = redactor(secret).redact(f"'{run}...'")
    assert (run in hidden) is (len(set(run)) < 5)


def test_cut_repr_of_pytest() -> None:
    """A repr that is too long is cut in the middle, and with it the secret."""
    secret = "github_pat_11ABCDEFG0_hijklmnopqrstuvwxyz0123456789"
    made = redactor(secret)
    assert made.redact(f"assert '{secret[:20]}...{secret[-15:]}' == 1") == "assert '***...***' == 1"
    assert made.redact(f"{secret[:11]}...") == f"{secret[:11]}..."


def test_lines_are_not_taken_for_a_cut_secret() -> None:
    """Rulers and indentation stay, although keys in PEM hold dashes."""
    made = redactor("-" * 30 + "BEGIN" + " " * 20 + "END")
    assert made.redact("-" * 20 + "\n" + " " * 16) == "-" * 20 + "\n" + " " * 16


def test_lines_of_a_key() -> None:
    """A value of many lines goes line by line, as a traceback shows it."""
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\r\nAQEFAASCBKcwgg==\n-----END PRIVATE KEY-----\n"
    shown = "\n".join(f"E       {line}" for line in key.splitlines())
    hidden = redactor(key).redact(shown)
    assert "MIIEvQIB" not in hidden
    assert "AQEFAASC" not in hidden


URLS = [
    ("postgresql://judge:p%40ss-word@db.internal:5432/reports?sslmode=require", ["p%40ss-word", "p@ss-word"]),
    ("redis://:rd-90ab12@cache.internal:6379/0", ["rd-90ab12"]),
    ("host=db.internal user=judge password='pg 7c1e' dbname=reports", ["pg 7c1e"]),
    ("host=db.internal user=judge password=pg-7c1e dbname=reports", ["pg-7c1e"]),
    ("jdbc:postgresql://db/x?user=judge&password=pg-7c1e55", ["pg-7c1e55"]),
    ("cache.internal:6379,password=rd-90ab12,ssl=True", ["rd-90ab12"]),
    ("https://h.example/hook?access_token=ab%2Fcd-efgh&page=2", ["ab%2Fcd-efgh", "ab/cd-efgh"]),
    ("https://abcdef0123456789@errors.example/7", ["abcdef0123456789"]),
]


@pytest.mark.parametrize(("value", "inside"), URLS)
def test_password_in_an_address_is_a_secret_too(value: str, inside: list[str]) -> None:
    """A driver's message shows the password without the address around it, or the address in another form."""
    made = redactor(value)
    for secret in inside:
        assert secret in secret_parts(value)
        for form in ("raw", "repr", "quoted", "basic authorization"):
            assert made.find(FORMS[form](secret)) == ["S0"], form
    assert made.redact(f"cannot connect to {value}: refused") == "cannot connect to ***: refused"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("value", "decoded"),
    [
        ("p%40ssw0rd%2Fabc99", "p@ssw0rd/abc99"),
        ("judge:p%40ssw0rd%2Fabc99", "judge:p@ssw0rd/abc99"),
        ("ab%2Bcd+efgh%2F99", "ab+cd efgh/99"),
        ("gr%C3%BC%C3%9Fe%20an%20alle", "grüße an alle"),
    ],
)
def test_piece_of_an_address_is_hidden_decoded_too(value: str, decoded: str, form: str) -> None:
    """A percent-encoded value goes in the form that a client makes of it, such as basic authorization, as well."""
    made = redactor(value)
    for secret in (value, decoded):
        text = f"before {FORMS[form](secret)} after"
        assert made.find(text) == ["S0"]
        assert made.find(made.redact(text)) == []
        assert secret not in made.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        'connection to server at "db.internal", port 5432 failed: FATAL: no such database "reports_of_production"',
        "postgresql://someone@db.internal:5432/reports_of_production",
        "user judge_of_production",
    ],
)
def test_public_parts_of_an_address_stay(text: str) -> None:
    """Host, port, user and database are what a reader needs to mend it."""
    value = "postgresql://judge_of_production:pg-7c1e55@db.internal:5432/reports_of_production"
    assert redactor(value).redact(text) == text


def test_webhook_is_secret_from_its_path_on() -> None:
    """An address without a password may be a secret as a whole; its host is none."""
    made = redactor("https://hooks.chat.example/services/T0AB12CD3/B0EF45GH6/xYz789AbCdEf")
    assert made.redact("https://hooks.chat.example/ refused") == "https://hooks.chat.example/ refused"
    assert made.redact("POST /services/T0AB12CD3/B0EF45...") == "POST ***..."


def test_public_text_is_not_taken_for_a_cut_secret() -> None:
    """What the configuration itself says stays readable."""
    made = redactor("https://hooks.chat.example/services/compliance-report-generator")
    made.add_public(["compliance-report-generator"])
    assert made.redact("compliance-report-generator is ready") == "compliance-report-generator is ready"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("token abcd1 refused", "token *** refused"),
        ("abcd1", "***"),
        ("xabcd1 abcd12 _abcd1", "xabcd1 abcd12 _abcd1"),
        ("?t=abcd1&x", "?t=***&x"),
        ("me%3Aabcd1%40h", "me%3A***%40h"),
        ("\\nabcd1\\n", "\\n***\\n"),
        ("\x1b[31mabcd1\x1b[0m", "\x1b[31m***\x1b[0m"),
        ("'abcd1'", "'***'"),
    ],
)
def test_short_secret_goes_only_as_a_word(text: str, expected: str) -> None:
    """Four to seven characters stand in other words by chance; an escape before them is no word."""
    assert redactor("abcd1").redact(text) == expected


def test_word_that_a_replacement_uncovers() -> None:
    """Next to a secret that went, a short one is a word."""
    made = redactor("long-secret-1", "abcd1")
    assert made.redact("xlong-secret-1abcd1") == "x******"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("abc", True),
        (" ab ", True),
        ("abcd", False),
        ("a%40b", True),
        ("ab%40c", False),
        ("redis://:abc@h/0", False),
    ],
)
def test_too_short(value: str, expected: bool) -> None:
    """Under four characters nothing can be hidden."""
    assert is_too_short(value) is expected


def test_stands_in() -> None:
    """Tells of a text whether it would be changed."""
    assert stands_in("health", "[health]")
    assert not stands_in("health", "unhealthy")
    assert stands_in("shop.example", "https://shop.example/")
    assert not stands_in("redis://:redis@h:1/0", "redis/ping")


def test_password_that_is_a_public_word_hides_with_its_address_only() -> None:
    """`postgres:postgres@` is hidden as a whole; the word alone stands in every report about PostgreSQL."""
    made = redactor("postgresql://postgres:postgres@h/db")
    made.add_public(["the table of postgres"])
    assert made.redact("ask postgres at postgresql://postgres:postgres@h/db") == "ask postgres at ***"
    assert made.redact("postgres:postgres@") == "***@"


def test_longest_match_wins() -> None:
    """Of secrets that overlap nothing is left over."""
    made = redactor("hunter2-hunter2", "hunter2-hunter2-and-more", "more-and-more")
    assert made.redact("x hunter2-hunter2-and-more-and-more y") == "x *** y"


def test_redact_all_reaches_every_text() -> None:
    """In keys and values of tables, in lists and tuples; other values stay what they are."""
    made = redactor("hunter2-hunter2")
    value = {"a": ["hunter2-hunter2", 1, None], "hunter2-hunter2": {"b": ("x hunter2-hunter2", 2.5, True)}}
    assert made.redact_all(value) == {"a": ["***", 1, None], "***": {"b": ("x ***", 2.5, True)}}
    assert Redactor().redact_all(value) is value


def test_find_names_what_is_left() -> None:
    """By name, in the order in which they came, in text and in bytes of any kind."""
    made = redactor("hunter2-hunter2", "correct horse", "schlüssel€")
    assert made.names == ("S0", "S1", "S2")
    assert made.find("correct horse, schlüssel€".encode()) == ["S1", "S2"]
    assert made.find(b"\xff\xfe correct horse \x00") == ["S1"]
    assert made.find("nothing") == []
    assert Redactor().find(b"anything") == []


def test_values_that_utf8_cannot_carry() -> None:
    """Environment variables can hold any bytes."""
    secret = b"hunter\xff2-hunter2".decode("utf-8", "surrogateescape")
    made = redactor(secret)
    assert made.redact(f"x {secret} y") == "x *** y"
    assert made.redact(repr(secret)) == "'***'"
    assert made.find(b"x hunter\xff2-hunter2 y") == ["S0"]


def test_nothing_shows_the_values() -> None:
    """Neither a secret nor what hides it."""
    assert f"{Secret('hunter2')!r} {Secret('hunter2')} {[Secret('hunter2')]}" == "*** *** [***]"
    assert repr(redactor("hunter2-hunter2")) == "Redactor(S0)"
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_stream_writes_nothing_secret() -> None:
    """Text and bytes, line by line and beneath; everything else is the stream's own."""
    beneath = io.BytesIO()
    stream = io.TextIOWrapper(beneath, "utf-8", write_through=True)
    wrapped = RedactingStream(stream, redactor("hunter2-hunter2"))
    assert wrapped.write("a hunter2-hunter2\n") == 18
    wrapped.writelines(["b hunter2-hunter2\n"])
    print("c", "hunter2-hunter2", file=wrapped)
    wrapped.flush()
    assert wrapped.buffer.write(b"d hunter2-hunter2 \xff") == 19
    assert beneath.getvalue() == b"a ***\nb ***\nc ***\nd *** \xff"
    assert wrapped.encoding == "utf-8"
    assert not wrapped.isatty()


def test_threads_may_add_and_redact() -> None:
    """A secret that was added is hidden from then on, in every thread."""
    made, failures = Redactor(), []

    def work(number: int) -> None:
        for turn in range(20):
            secret = f"secret-{number}-{turn}-value"
            made.add(secret, secret)
            if secret in made.redact(f"x {secret} y"):
                failures.append(secret)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(made.names) == 80


def test_large_text_with_many_secrets() -> None:
    """A megabyte and fifty secrets: each is found wherever it stands, and nothing else is touched."""
    secrets = [base64.b64encode(bytes(range(number, number + 5 + number))).decode() + "+/%'" for number in range(50)]
    made = redactor(*secrets)
    made.redact("the index is built")
    text = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor. " * 12_500
    for sample in (text, "".join(text[at : at + 2000] + secrets[at % 50] for at in range(0, len(text), 2000))):
        hidden = made.redact(sample)
        assert (hidden == sample) is (sample is text)
        assert not any(secret in hidden for secret in secrets)


def test_no_secret_no_cost() -> None:
    """Without secrets a text is handed back as it is."""
    text = "x" * 100
    assert Redactor().redact(text) is text


def test_forms_agree_with_writers() -> None:
    """What the standard library's own writer makes of an attribute and a text is found."""
    element = ET.Element("case", {"name": AWKWARD})
    element.text = AWKWARD
    made = redactor(AWKWARD)
    document = ET.tostring(element, "unicode")
    assert made.redact(document) == '<case name="***">***</case>'
    assert made.find(ET.tostring(element)) == ["S0"]


def test_an_address_stays_one_whose_scheme_has_a_plus() -> None:
    """Its hosts are no secret, and a report without them would say nothing."""
    redactor = Redactor()
    redactor.add("URL", "redis+cluster://:hidden-word@127.0.0.1:53899,127.0.0.1:53900")
    assert redactor.redact("Redis at 127.0.0.1:53899") == "Redis at 127.0.0.1:53899"
    assert "hidden-word" not in redactor.redact("it was hidden-word")
