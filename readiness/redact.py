"""Secrets: values that came through `${NAME}` reach no output.

`Secret` keeps a value out of reprs; `Redactor` finds it wherever else it turns up: quoted in a URL, escaped in JSON,
HTML, XML or a Python repr, in base64, or cut short by a repr that was too long. Only the standard library is used,
because this also guards the output of a run that could not be configured.
"""

from __future__ import annotations

import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from readiness.disguise import base64_cores, escaped, escaped_twice

MASK = "***"
SHORTEST = 4
"""Shorter values stand in too many words to be kept out of a report."""
_ANYWHERE = 8
"""From this length on a value is replaced inside of words too; shorter ones only as a whole word."""
_LONG = 24
"""From this length on a part of a value is a secret as well, because reprs that are too long are cut in the middle."""
_RUN = 12
"""So many characters of a long value in a row are replaced."""
_VARIED = 5
"""A run with fewer different characters, such as a line of dashes, tells nothing."""

_SECRET_NAME = re.compile(
    r"pass(?:word|wd|phrase)?|pwd|token|secret|api[-_]?key|access[-_]?key|signature|credential", re.IGNORECASE
)
_SETTING = re.compile(r"(?:^|\s)([\w.-]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(\S+))")
"""`password=...` as in a libpq connection string."""
_PARAMETER = re.compile(r"[?&;,]\s*([\w.-]+)=([^\s&;,#]+)")
"""`password=...` as in a query or in a list of options."""
_WORD = re.compile(r"[A-Za-z0-9_]")
_ESCAPE_BEFORE = re.compile(r"(?:%[0-9A-Fa-f]{2}|\\(?:[abfnrtv0]|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4})|\x1b\[[0-9;]*m)\Z")


class Secret:
    """Text that never shows itself: `str`, `repr`, `format` and pytest's introspection see `***`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Returns the value, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


# --- what of a value is secret ----------------------------------------------------------------------------------


def secret_parts(value: str) -> tuple[str, ...]:
    """Returns `value` and what inside it is a secret of its own, such as the password of a database's address.

    Decoded too: a variable may be a percent-encoded piece of an address, and headers carry what it stands for.
    """
    parts = [value, value.strip(), *_decoded(value.strip()), *_credentials(value)]
    lines = value.splitlines()
    if len(lines) > 1:  # a traceback indents every line
        parts += [value.replace("\r\n", "\n"), *(line.strip() for line in lines if len(line.strip()) >= _ANYWHERE)]
    return tuple(dict.fromkeys(part for part in parts if part))


def is_too_short(value: str) -> bool:
    """True where the value, or what it stands for when it is percent-encoded, is too short to be kept out of a report."""
    return len(unquote(value.strip())) < SHORTEST


def stands_in(value: str, text: str) -> bool:
    """True where hiding `value` would change `text`."""
    return next(_whole(text, value.strip()), None) is not None


def _decoded(text: str) -> tuple[str, str]:
    """Returns what a percent-encoded text stands for: in the user or the path of an address, and in its query."""
    plain = unquote(text)
    # The plus of a scheme, such as `redis+cluster://`, is none; without it nobody would know the address for one.
    return plain, plain if "://" in text else unquote_plus(text)


def _credentials(value: str) -> Iterator[str]:
    """Passwords and tokens inside a URL, a connection string or a list of options, as written and decoded."""
    for name, text in _PARAMETER.findall(value):
        if _SECRET_NAME.search(name):
            yield from (text, *_decoded(text))
    scheme, net = _address(value)
    if not net:
        for name, quoted, plain in _SETTING.findall(value):
            if _SECRET_NAME.search(name):
                yield from (plain, re.sub(r"\\(.)", r"\1", quoted))
        return
    user_info = net.rpartition("@")[0]
    user, _, password = user_info.partition(":")
    if password:
        yield from (password, unquote(password))
        if user:
            yield from (user_info, unquote(user_info))
    elif scheme in ("http", "https") and len(user) >= _ANYWHERE:
        yield from (user, unquote(user))  # a key in place of a user, as in the address of an error tracker


def _address(value: str) -> tuple[str, str]:
    """Returns scheme and authority of a URL; empty for other text."""
    try:
        url = urlsplit(value.strip())
    except ValueError:
        return "", ""
    return (url.scheme, url.netloc) if url.scheme and url.netloc else ("", "")


def _cuttable(part: str, credentials: set[str]) -> str:
    """Returns the text of which a piece is secret too: never the public parts of an address."""
    if any(secret != part and secret in part for secret in credentials):
        return ""  # that one is secret, and the rest is public
    net = _address(part)[1]
    return part.partition(net)[2] if net else part  # without a password the path may be the secret, as of a webhook


# --- finding them -----------------------------------------------------------------------------------------------

Span = tuple[int, int, str]
"""Start, end, name of the secret."""


def _whole(text: str, form: str) -> Iterator[tuple[int, int]]:
    """Where `form` stands; a short one only where it is a word of its own."""
    start = text.find(form)
    while start >= 0:
        end = start + len(form)
        if len(form) >= _ANYWHERE or (
            not _WORD.match(text[end : end + 1])
            and (not _WORD.match(text[start - 1 : start]) or _ESCAPE_BEFORE.search(text[max(0, start - 12) : start]))
        ):
            yield start, end
        start = text.find(form, start + 1)


@dataclass(slots=True)
class _Index:
    """All forms of all secrets, arranged so that a text is searched once, however many there are.

    A form of 8 or more characters covers, wherever it stands, one of every fourth position with 5 characters; a run
    of 12 covers one of every sixth with 7. So it is enough to look at those positions.
    """

    anywhere: dict[str, list[tuple[str, int, str, bool]]] = field(default_factory=dict)
    """5 characters -> form, their offset in it, secret's name, whether it is base64."""
    short: dict[str, tuple[str, bool]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    """12 characters -> secret's name."""
    seeds: set[str] = field(default_factory=set)

    def add(self, name: str, value: str, public: set[str], texts: tuple[str, ...]) -> None:
        credentials = set(_credentials(value)) - {""}
        for part in secret_parts(value):
            # A password such as `postgres` is a word that reports hold anyway; the address around it is still hidden.
            if len(part) < SHORTEST or (part in credentials and any(stands_in(part, text) for text in texts)):
                continue
            plain, encoded = escaped(part), base64_cores(part)
            for form in escaped_twice(plain):
                self._add_form(name, form, is_base64=False)
            for form in encoded:
                self._add_form(name, form, is_base64=True)
            cuttable = _cuttable(part, credentials)
            if len(part) >= _LONG and cuttable:
                forms = plain | encoded if cuttable == part else escaped(cuttable) | base64_cores(cuttable)
                for form in forms:
                    self._add_runs(name, form, public)

    def _add_form(self, name: str, form: str, is_base64: bool) -> None:
        if len(form) >= _ANYWHERE:
            for offset in range(4):
                self.anywhere.setdefault(form[offset : offset + 5], []).append((form, offset, name, is_base64))
        elif len(form) >= (SHORTEST if not is_base64 else 6):  # five random characters turn up by chance
            self.short.setdefault(form, (name, is_base64))

    def _add_runs(self, name: str, form: str, public: set[str]) -> None:
        for start in range(len(form) - _RUN + 1):
            run = form[start : start + _RUN]
            if run not in self.runs and run not in public and len(set(run)) >= _VARIED:
                self.runs[run] = name
                self.seeds.update(run[offset : offset + 7] for offset in range(6))

    def spans(self, text: str) -> Iterator[Span]:
        yield from self._spans_anywhere(text)
        for form, (name, is_base64) in self.short.items():
            if form not in text:
                continue
            if is_base64:
                for match in re.finditer(re.escape(form), text):
                    yield (*_with_edges(text, *match.span()), name)
            else:
                yield from ((start, end, name) for start, end in _whole(text, form))
        if self.seeds:
            yield from self._spans_of_runs(text)

    def _spans_anywhere(self, text: str) -> Iterator[Span]:
        grams = self.anywhere
        for at in [at for at in range(0, len(text) - 4, 4) if text[at : at + 5] in grams]:
            for form, offset, name, is_base64 in grams[text[at : at + 5]]:
                start = at - offset
                if start >= 0 and text.startswith(form, start):
                    end = start + len(form)
                    yield (*(_with_edges(text, start, end) if is_base64 else (start, end)), name)

    def _spans_of_runs(self, text: str) -> Iterator[Span]:
        seeds, runs = self.seeds, self.runs
        for at in [at for at in range(0, len(text) - 6, 6) if text[at : at + 7] in seeds]:
            for start in range(max(0, at - 5), at + 1):
                name = runs.get(text[start : start + _RUN])
                if name is not None:
                    yield start, start + _RUN, name


def _with_edges(text: str, start: int, end: int) -> tuple[int, int]:
    """Takes in the neighbours, which encode some bits of the secret's first and last byte."""
    alphabet = re.compile(r"[A-Za-z0-9+/_-]")
    before = start > 0 and alphabet.match(text, start - 1) is not None
    after = alphabet.match(text, end) is not None
    return start - before, end + after


class Redactor:
    """Keeps the values of secrets out of text. Thread safe; free of cost while it knows no secret."""

    __slots__ = ("_index", "_lock", "_public", "_secrets", "_texts")

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._secrets: dict[tuple[str, str], None] = {}
        self._public: set[str] = set()
        self._texts: tuple[str, ...] = ()
        self._index: _Index | None = None

    def __repr__(self) -> str:
        return f"Redactor({', '.join(self.names)})"

    def add(self, name: str, value: str) -> None:
        """From now on `value`, and each password inside it that is not public, is replaced; none under 4 characters."""
        with self._lock:
            self._secrets[name, value] = None
            self._index = None

    def add_public(self, texts: Iterable[str]) -> None:
        """What stands in `texts` is not taken for a part of a longer secret, nor for a password inside one."""
        with self._lock:
            given = tuple(texts)
            self._texts += given
            for text in given:
                self._public.update(text[start : start + _RUN] for start in range(len(text) - _RUN + 1))
            self._index = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the secrets, in the order in which they came."""
        return tuple(dict.fromkeys(name for name, _ in tuple(self._secrets)))

    def redact(self, text: str) -> str:
        """Returns `text` with every secret replaced by `***`; applying it again changes nothing."""
        if not self._secrets or len(text) < SHORTEST:
            return text
        index = self._current()
        while spans := sorted(index.spans(text)):
            pieces, done, start, end = [], 0, spans[0][0], spans[0][1]
            for left, right, _ in [*spans[1:], (len(text) + 1, 0, "")]:
                if left <= end:
                    end = max(end, right)
                else:
                    pieces += [text[done:start], MASK]
                    done, start, end = end, left, right
            text = "".join([*pieces, text[done:]])  # shorter each time; a replacement may uncover a whole word
        return text

    def redact_bytes(self, data: bytes) -> bytes:
        """Returns `data` redacted; bytes that are no UTF-8 stay, and hide no secret beside them."""
        return self.redact(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def redact_all(self, value: Any) -> Any:
        """Returns `value`, made of builtins, with every text in it redacted."""
        if not self._secrets:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, dict):
            return {self.redact_all(key): self.redact_all(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self.redact_all(item) for item in value)
        return value

    def find(self, data: bytes | str) -> list[str]:
        """Returns the names of the secrets that stand in an artefact; empty is what it should be."""
        if not self._secrets:
            return []
        text = data if isinstance(data, str) else data.decode("utf-8", "surrogateescape")
        found = {name for _, _, name in self._current().spans(text)}
        return [name for name in self.names if name in found]

    def _current(self) -> _Index:
        index = self._index
        if index is None:
            with self._lock:
                index = _Index()
                for name, value in self._secrets:
                    index.add(name, value, self._public, self._texts)
                self._index = index
        return index


class RedactingStream:
    """A text or binary stream that writes nothing secret; all else is the wrapped stream's.

    Each write is redacted on its own: pytest, `print` and `traceback` write a text in one piece.
    """

    def __init__(self, stream: Any, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor

    def write(self, text: str | bytes) -> int:
        """Writes `text` redacted; returns the length of what was given."""
        redactor = self._redactor
        self._stream.write(redactor.redact(text) if isinstance(text, str) else redactor.redact_bytes(text))
        return len(text)

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        """Writes each of `lines` redacted."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """What was written is out."""
        self._stream.flush()

    @property
    def buffer(self) -> RedactingStream:
        """The binary stream beneath, redacted too."""
        return RedactingStream(self._stream.buffer, self._redactor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def redact_streams(redactor: Redactor) -> Callable[[], None]:
    """Nothing that this process prints from now on shows a secret; returns what undoes it."""
    before = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    for name, stream in before.items():
        if stream is not None:  # as under pythonw
            setattr(sys, name, RedactingStream(stream, redactor))

    def restore() -> None:
        for name, stream in before.items():
            setattr(sys, name, stream)

    return restore
