"""Values that were to be replaced. Each judge sees one value with its name, and says what it takes it for."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from readiness.static.placeholders import names, rules
from readiness.static.placeholders.entry import Entry


@dataclass(frozen=True, slots=True)
class Guess:
    """What a value is taken for."""

    rule: str
    is_critical: bool
    """False: it is worth a look and blocks nothing."""
    what: str
    """Continues the sentence that starts with the value's name."""
    seen: str = ""
    """The part of the value that shows it; empty where that might be a secret."""
    production_only: bool = False
    """Critical only in a file that is named after production."""


Judge = Callable[[Entry], Guess | None]

SENTENCE_WORDS = 3
"""More words than these are prose: what is written there is for a reader."""
SHORT = 200

_CHANGE = re.compile(
    r"(?i)(?<![a-z])(?:change[-_ ]?(?:me|this|it|in[-_ ]?prod(?:uction)?|before[-_ ][a-z]+)"
    r"|(?:to|must|should)[-_ ]be[-_ ](?:changed|replaced|filled)(?:[-_ ]in)?|replace[-_ ]?(?:me|this)"
    r"|replace[-_ ]with[-_ ](?:your|the|a|an|real|actual|own|secure|strong|random|prod)|fill[-_ ]?(?:me|this)(?:[-_ ]?in)?"
    r"|(?:set|edit|update)[-_]me|(?:insert|put|paste)[-_ ](?:your[-_ ])?[a-z]+(?:[-_ ][a-z]+)?[-_ ]here"
    r"|(?:add|enter|insert)[-_ ]your[-_ ][a-z]+|[a-z]+[-_]goes[-_]here)(?![a-z])"
)
_LOUD = re.compile(
    r"(?<![A-Z])(?:CHANGE[-_]?(?:ME|THIS)|REPLACE[-_]?(?:ME|THIS)|FILL[-_]?ME)(?![A-Z])|(?<![a-z])changeme(?![a-z])"
)

_WEAK = names.word_set(
    "password passwd passw0rd p@ssw0rd password1 password123 secret secretkey mysecret mysecretpassword mypassword supersecret"
    " supersecretkey topsecret verysecret secret123 admin admin123 administrator root toor guest user pass test testing test123"
    " testpass testpassword demo default qwerty letmein welcome foo bar foobar 1234 12345 123456 12345678 123456789 1234567890"
    " 0000 0123456789 abc123 changeit minioadmin insecure insecure-key dev-secret devsecret secret-key my-secret my-secret-key"
    " not-secret notsecret unsafe hackme s3cr3t"
)
_PRODUCTS = names.word_set(
    "postgres postgresql mysql mariadb redis mongo mongodb rabbitmq elastic grafana keycloak airflow django flask"
)
_WEAK_SHAPE = re.compile(
    r"(?i)^(?:(?:my|the|a|an|some|this[-_]is[-_]a|dev|test|default|insecure|app|django|flask|jwt|session)[-_]?)?(?:(?:super|very|top|t0p|really)[-_]?){0,2}"
    r"(?:secret|s3cr3t|password|passw0rd)[-_]?(?:key|token|here|value)?[-_]?[0-9]{0,4}!?$"
)
"""What is made of such a word and of words that say nothing."""
WHOLE = _WEAK | _PRODUCTS | {"true"}
"""Values that mean something as they stand."""
_LOGIN = re.compile(r"[a-z][a-z0-9+.\-]{1,30}://([^:/@\s]{0,100}):([^@/\s]{1,100})@([^/:\s?]+)", re.ASCII)
_LOCAL = re.compile(r"^(?:localhost|127\.|0\.0\.0\.0|\[?::1)")

_ANGLE_WORDS = re.compile(
    r"(?i)<\s*(?:(?:your|insert|enter|replace|fill|specify|provide|todo|tbd|placeholder)(?:[-_ ][^<>=/\n]{0,60})?"
    r"|(?:add|change|set|put|my)[-_ ][^<>=/\n]{1,60})>"
)
_ANGLE_UPPER = re.compile(r"^<[A-Z][A-Z0-9]*(?:[-_ ][A-Z0-9]+)*>$")
_ANGLE_LOWER = re.compile(r"^<[a-z][a-z0-9]*(?:[-_ .][a-z0-9]+)*>$")
_ANGLE_HOST = re.compile(r"://(?:[^/\s<>@]*@)?[^/\s<>]*<[A-Za-z][A-Za-z0-9_\- ]*>")
_NO_VALUE = names.word_set(
    "<none> <all> <any> <unknown> <nil> <null> <default> <empty> <unset> <redacted> <auto> <eof> <na> <stdin> <stdout>"
)

_NOUN = (
    r"(?:name|user(?:name)?|pass(?:word|phrase)?|token|(?:api|access|secret|private|public|license|encryption|signing)?[-_]?key|secret|org"
    r"(?:ani[sz]ation)?|company|project|bucket|account|app(?:lication)?|repo(?:sitory)?|team|e?mail|tenant|workspace|domain|host(?:name)?"
    r"|client|server|service|cluster|region|registry|image|database|db|dsn|url|uri|endpoint|site|instance|namespace|phone|number|id|webhook"
    r"|channel|zone|subscription|vault|cert(?:ificate)?|address|group|login|credentials?|smtp|slack|sentry|stripe|github|gitlab|aws|azure|gcp"
    r"|openai|google|provider|product|subdomain|firm|business|website|env(?:ironment)?|git|docker|s3|jwt|bot|chat|own|real|actual|random|strong"
    r"|secure|super|very|long|unique|production|prod|staging)"
)
_YOUR = re.compile(
    rf"(?i)(?:^|[/:@=\"'\[({{,.&?|+~ ]|\b(?:sk|pk|ghp|xoxb|key|api|arn|ai)[-_])your[-_]?{_NOUN}(?:[-_][a-z0-9]+)*(?![a-z])"
)
_YOUR_WORDS = re.compile(rf"(?i)^(?:<|\[)?your[ ]{_NOUN}\b")
_YOUR_DOMAIN = re.compile(
    r"(?i)(?<![a-z0-9-])(?:[a-z0-9-]{1,63}\.){0,9}(?:your[-_]?(?:own[-_]?)?(?:domain|company|org(?:ani[sz]ation)?|corp|business|site|website|server|host"
    r"|app|project|service|instance|cluster|registry|team|startup|firm|store|shop|brand|product|tenant|realm)(?:[-_]?(?:name|here))?"
    r"|my[-_]?(?:domain|company|org(?:ani[sz]ation)?|corp|website))\.(?:com|org|net|io|co|dev|ai|de|eu|cloud|app|tld|local|internal|example|xyz)"
    r"(?![a-z0-9-])"
)
_ANY_DOMAIN = re.compile(r"(?i)(?:^|[/@ .])(?:domain|company)\.(?:com|tld)(?![a-z0-9.-])")


def count_words(text: str) -> int:
    """Returns how many words a text has."""
    return len(text.split(None, 50))


def is_prose(entry: Entry) -> bool:
    """Returns whether the value is written for a reader."""
    return count_words(entry.text) > SENTENCE_WORDS or names.is_descriptive(entry.name)


def is_filled_by_hand(name: str) -> bool:
    """Returns whether only a person knows what has to stand there."""
    return names.is_secret(name) or names.is_host(name) or names.is_mail(name) or names.is_contact(name)


def cut(text: str, length: int = 60) -> str:
    """Returns the text on one short line."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}\u2026"


def changeme(entry: Entry) -> Guess | None:
    """A value that asks to be changed."""
    found = _CHANGE.search(entry.text)
    if not found or names.is_descriptive(entry.name):
        return None
    what, seen = "asks to be changed", cut(found[0])
    is_loud = bool(_LOUD.search(entry.text))
    if count_words(entry.text) > SENTENCE_WORDS:
        if names.is_secret(entry.name) and not entry.is_code:
            return Guess(rules.CHANGEME.id, True, what, seen)
        return Guess(rules.CHANGEME.id, False, what, seen) if is_loud and not entry.is_code else None
    if " " in found[0] and not (is_filled_by_hand(entry.name) or found[0] == entry.text):
        return None
    if entry.is_code and not (is_filled_by_hand(entry.name) or entry.is_default):
        return Guess(rules.CHANGEME.id, False, what, seen) if is_loud else None
    return Guess(rules.CHANGEME.id, True, what, seen)


def weak_credential(entry: Entry) -> Guess | None:
    """A credential that everybody tries first."""
    text = entry.text
    if names.is_descriptive(entry.name):
        return None
    login = _LOGIN.search(text)
    if login and not entry.is_code:
        user, secret, host = login.groups()
        if secret.lower() in _WEAK | _PRODUCTS or (secret == user and secret.isalnum()):
            return Guess(
                rules.WEAK_CREDENTIAL.id, not _LOCAL.match(host), "holds a password that everybody tries first"
            )
    if not names.is_secret(entry.name) or (entry.is_code and not entry.is_default):
        return None
    is_word = text in _WEAK or (_is_weak_shape(entry) and text not in ("Secret", "Password"))
    if not is_word and not (text in _PRODUCTS and not names.is_resource(entry.name)):
        return None
    if names.is_resource(entry.name) and text not in ("password", "changeit", "letmein", "supersecret", "admin"):
        return None
    return Guess(rules.WEAK_CREDENTIAL.id, True, "is one of the credentials that everybody tries first")


def _is_weak_shape(entry: Entry) -> bool:
    """Returns whether the value is made of the words that everybody tries, and is not merely its own name."""
    return bool(_WEAK_SHAPE.match(entry.text)) and names.normal(entry.text) != entry.name


def angle(entry: Entry) -> Guess | None:
    """A description in angle brackets."""
    text = entry.text.strip()
    if "</" in text or "/>" in text or names.is_descriptive(entry.name) or count_words(text) > SENTENCE_WORDS + 3:
        return None
    what = "is a description of what should stand there"
    found = _ANGLE_WORDS.search(text) or _ANGLE_HOST.search(text)
    if found:
        return Guess(rules.ANGLE_YOUR.id, not entry.is_code or is_filled_by_hand(entry.name), what, cut(found[0]))
    if len(text) > SHORT or text.lower() in _NO_VALUE or entry.is_code:
        return None
    if _ANGLE_UPPER.match(text):
        return Guess(
            rules.ANGLE_YOUR.id, is_filled_by_hand(entry.name) or len(re.split("[-_ ]", text)) > 1, what, cut(text)
        )
    if _ANGLE_LOWER.match(text) and is_filled_by_hand(entry.name):
        return Guess(rules.ANGLE_YOUR.id, True, what, cut(text))
    return None


def your(entry: Entry) -> Guess | None:
    """A value that speaks of the reader's own."""
    if names.is_descriptive(entry.name):
        return None
    text, what = entry.text, "speaks of the reader's own"
    by_hand = is_filled_by_hand(entry.name)
    if count_words(text) > 1:
        is_short = count_words(text) <= SENTENCE_WORDS + 2 and by_hand and not entry.is_code
        found = _YOUR_WORDS.search(text) if is_short else None
        return Guess(rules.YOUR_X.id, True, what, cut(text)) if found else None
    found = _YOUR.search(text)
    if not found or (entry.is_code and not (by_hand or entry.is_default)):
        return None
    return Guess(rules.YOUR_X.id, True, what, cut(found[0].strip("/:@=\"'[({,.&?|+~ ")))


def your_domain(entry: Entry) -> Guess | None:
    """An address at the reader's own domain."""
    if names.is_descriptive(entry.name):
        return None
    what = "is an address that nobody has filled in"
    found = _YOUR_DOMAIN.search(entry.text)
    if found:
        is_sure = count_words(entry.text) <= SENTENCE_WORDS or is_filled_by_hand(entry.name)
        return Guess(
            rules.YOUR_DOMAIN.id, is_sure and (not entry.is_code or is_filled_by_hand(entry.name)), what, cut(found[0])
        )
    found = None if entry.is_code or is_prose(entry) else _ANY_DOMAIN.search(entry.text)
    return Guess(rules.YOUR_DOMAIN.id, False, what, cut(found[0].strip("/@. "))) if found else None
