"""How a text looks where something else carries it: quoted in a URL, escaped in JSON, markup or a repr, in base64."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _url_forms(text: str) -> Iterator[str]:
    data = _bytes(text)
    # Quoting differs by client and by component: what each leaves alone.
    for safe in ("", "/", "!$&'()*+,;=:@", "!$&'()*+,;=:@/", "!$&'()*+,;=:@/?", "!$'()*,:@/?;"):
        yield quote(data, safe=safe)
    yield quote_plus(data)


def _json_forms(text: str) -> Iterator[str]:
    for ascii_only in (True, False):
        plain = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield plain
        yield plain.replace("/", "\\/")
        in_page = plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield in_page
        yield in_page.replace("'", "\\u0027")


def _markup_forms(text: str) -> Iterator[str]:
    bare = html.escape(text, quote=False)
    for double, single in (('"', "'"), ("&quot;", "'"), ("&quot;", "&#x27;"), ("&quot;", "&apos;"), ("&#34;", "&#39;")):
        escaped = bare.replace('"', double).replace("'", single)
        yield escaped
        yield escaped.encode("ascii", "xmlcharrefreplace").decode()
    attribute = bare.replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;")
    for tab in ("&#9;", "&#09;"):
        yield attribute.replace("\t", tab)
        yield attribute.replace("\t", tab).encode("ascii", "xmlcharrefreplace").decode()


def _python_forms(text: str) -> Iterator[str]:
    for form in (repr(text)[1:-1], ascii(text)[1:-1], repr(_bytes(text))[2:-1]):
        bare = form.replace("\\'", "'")
        yield from (form, bare, bare.replace("'", "\\'"), bare.replace('"', '\\"'))


def escaped(text: str) -> set[str]:
    """Returns `text` and each of its escaped forms."""
    forms: set[str] = {text}
    for write in (_url_forms, _json_forms, _markup_forms, _python_forms):
        forms.update(write(text))
    for form in tuple(forms):  # hexadecimal digits in the other case
        forms.add(re.sub(r"%[0-9A-F]{2}", lambda match: match[0].lower(), form))
        forms.add(re.sub(r"\\u[0-9a-f]{4}", lambda match: "\\u" + match[0][2:].upper(), form))
    return forms


def escaped_twice(forms: set[str]) -> set[str]:
    """Returns `forms` and what JSON and markup make of each, such as of a repr in a message."""
    twice = set(forms)
    for form in forms:
        bare = html.escape(form, quote=False)
        twice |= {json.dumps(form)[1:-1], json.dumps(form, ensure_ascii=False)[1:-1], bare, html.escape(form)}
        twice |= {bare.replace('"', "&quot;"), bare.replace('"', "&#34;").replace("'", "&#39;")}
    return twice


def base64_cores(text: str) -> set[str]:
    """Returns the characters that encode nothing but `text`, at each of the three places a byte can have."""
    data, forms = _bytes(text), set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            whole = encode(b"\0" * shift + data).decode()
            forms.add(whole[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6])
    return forms | {quote(form, safe="") for form in forms} | {form.replace("/", "\\/") for form in forms}
