"""Filler, documented examples and stand-ins: what is well-formed, and names nothing that exists."""

from __future__ import annotations

import re

from readiness.static.placeholders import names, rules
from readiness.static.placeholders.entry import Entry
from readiness.static.placeholders.values import (
    SENTENCE_WORDS,
    SHORT,
    Guess,
    count_words,
    cut,
    is_filled_by_hand,
    is_prose,
)

_FILLER = re.compile(r"(?i)^(?:x{3,}(?:[-_. ]x{2,})*|(?:[a-z]{2,6}[-_]){1,3}x{4,}|\?{3,})$")
_MASK = re.compile(r"^(?:\*{3,}|\.{3}|\u2026|x{3,}@x{3,}\.\w+)$")
_NOTE = re.compile(
    r"^(?:(?i:to[-_ ]?do|tbd|tba|fixme|to[-_ ]be[-_ ](?:determined|decided|defined|done|announced|filled(?:[-_ ]in)?|provided)|fill[-_ ]in|placeholder)"
    r"[.!:?]*|(?:TODO|FIXME|TBD)\b.*)$"
)
_EXAMPLE = re.compile(
    r"(?i)(?<![a-z0-9-])((?:[a-z0-9*-]{1,63}\.){0,9}example\.(?:com|org|net|edu))(?![a-z0-9-]|\.[a-z0-9])"
)
_RECEIVER = re.compile(
    r"^(?:receivers?|email_configs|webhook_configs|slack_configs|pagerduty_configs|notifiers?|notifications?|contact_?points|alertmanager|alerts?|alerting)$"
)
_SENDER = re.compile(
    r"(?:^|_)(?:mail_from|smtp_from|sender|from|from_address|from_email|default_from_email|server_email|reply_to|mail_sender)$"
)
_INGRESS = frozenset({"hosts", "host"})
_CHAT = re.compile(
    r"https?://(?:hooks\.slack\.com/(?:services|workflows)|(?:ptb\.|canary\.)?discord(?:app)?\.com/api/webhooks|[a-z0-9-]+\.webhook\.office\.com/webhookb2"
    r"|outlook\.office\.com/webhook|chat\.googleapis\.com/v1/spaces)/?([^\s\"'`]*)"
)
_CHAT_EXAMPLE = re.compile(
    r"(?i)T0{6,}|B0{6,}|x{6,}|/0{6,}|1234567890|\.\.\.|your|<[a-z_ -]+>|example|changeme|replace|/xxx|/AAA/|placeholder"
)
_TEST_KEY = re.compile(
    r"(?<![A-Za-z0-9])((?:sk|pk|rk)_test_)[A-Za-z0-9]{6,}|(?<![A-Za-z0-9])whsec_test_[A-Za-z0-9]{4,}"
)
_DOCUMENTED = tuple(
    "".join(parts)
    for parts in (
        ("AKIA", "IOSFODNN7", "EXAMPLE"),
        ("AKIA", "I44QH8DHB", "EXAMPLE"),
        ("wJalrXUtnFEMI/", "K7MDENG/", "bPxRfiCYEXAMPLEKEY"),
    )
)
"""The keys in the documentation of a cloud; in pieces, so that no scanner takes this file for a leak."""
_TESTING = re.compile(r"(?:^|_)(?:test|tests|sandbox|mock|dev)(?:_|$)")

_MOCK = re.compile(
    r"(?i)^(?:mock(?:ed)?|fake|dummy|stub(?:bed)?)(?:[-_ ]?(?:provider|vendor|gateway|client|backend|server|service|api|mode|adapter|payments?|sms))?$|^(?:mock|fake|dummy)[-_][a-z]+$"
)
_SANDBOX = re.compile(r"(?i)^sandbox(?:[-_ ]?(?:mode|env|environment))?$")
_SANDBOX_HOST = re.compile(
    r"(?i)(?:://|@)(?:[a-z0-9-]{1,63}\.){0,9}(?:sandbox(?:[a-z0-9-]*)|[a-z0-9-]+-sandbox|mock(?:s|ed|api|server)?|[a-z0-9-]+-mock|mock-[a-z0-9-]+)\.[a-z0-9.-]*[a-z]"
    r"|(?:://|@|^)(?:[a-z0-9-]{1,63}\.){0,9}(?:httpbin\.org|jsonplaceholder\.typicode\.com|reqres\.in|mocky\.io|mockapi\.io|webhook\.site|mailtrap\.io)(?![a-z0-9.-])"
)
_SWITCH = re.compile(
    r"(?:^|_)(?:use|enable|enabled|is|with)_(?:mock|mocks|fake|sandbox|dummy|stub)(?:_|$)|^(?:mock|fake|sandbox)_(?:mode|payments?|vendors?|providers?)$"
)

_BRACKET = re.compile(r"^\[[A-Za-z][^\[\]\n]{1,60}\]$")
_INSTRUCTION = re.compile(
    r"(?i)^\[(?:add|insert|enter|your|tbd|todo|fill|specify|provide|contact|phone|e-?mail|name|pager)\b"
)
PHONE = re.compile(
    r"(?<![\w.-])(?:\+?1[-. ]?)?(?:\(?\d{3}\)?[-. ])?\(?555\)?[-. ](?!1212\b)[A-Z0-9]{2,}(?:[-. ][A-Z0-9]{2,})*(?![\w])"
    r"|(?<![\w.-])(?:\+?\d{1,2}[-. ])?\(?(?:123|000|999|[xX]{3})\)?[-. ](?:456|000|999|[xX]{3})[-. ](?:7890|0000|9999|[xX]{4})(?!\w)"
)
"""A number that is kept free for films, or made of filler."""
_VARIABLE = re.compile(
    r"__[A-Z][A-Z0-9_]*[A-Z0-9]__|@@[A-Z][A-Za-z0-9_]*@@|%%[A-Z][A-Za-z0-9_]*%%|#\{[A-Z][A-Za-z0-9_.]*\}#|~~[A-Z][A-Z0-9_]*~~"
)


def filler(entry: Entry) -> Guess | None:
    """A value of filler letters."""
    text = entry.text.strip()
    if len(text) > SHORT or names.is_descriptive(entry.name) or names.is_word_list(entry.name):
        return None
    by_hand = names.is_secret(entry.name) or names.is_contact(entry.name)
    if _FILLER.match(text):
        if entry.is_code and not by_hand:
            return None
        return Guess(rules.XXX_VALUE.id, by_hand, "is filler", cut(text))
    if _MASK.match(text) and names.is_secret(entry.name) and not entry.is_code:
        return Guess(rules.XXX_VALUE.id, True, "is filler", cut(text))
    return None


def note(entry: Entry) -> Guess | None:
    """A note in the place of a value."""
    text = entry.text.strip()
    if (
        len(text) > SHORT
        or entry.is_code
        or names.is_descriptive(entry.name)
        or names.is_word_list(entry.name)
        or not _NOTE.match(text)
    ):
        return None
    is_upper = text[:4] in ("TODO", "FIXM", "TBD", "TBA")
    by_hand = is_filled_by_hand(entry.name)
    if not is_upper and text.lower() not in ("tbd", "tba", "fixme") and (not by_hand or names.is_host(entry.name)):
        return None  # `domain: todo` may be the name of something
    if " " not in text and not by_hand and _is_label(entry):
        return None
    return Guess(rules.TODO_VALUE.id, by_hand, "is a note", cut(text))


def _is_label(entry: Entry) -> bool:
    """Returns whether the word may be the name of a state or column: `status: TODO`."""
    return entry.name in (
        "status",
        "state",
        "name",
        "type",
        "column",
        "category",
        "severity",
        "priority",
        "key",
        "value",
        "id",
    )


def example_domain(entry: Entry) -> Guess | None:
    """An address at a domain for documentation."""
    if any(names.is_descriptive(name) for name in entry.trail[-2:]) or names.is_schematic(entry.name) or entry.is_code:
        return None
    for found in _EXAMPLE.finditer(entry.text):
        before, after = entry.text[: found.start()], entry.text[found.end() :]
        if after[:1] == "/" and not before.endswith(("://", "@", "//")):
            continue  # `example.com/gpu`: the name of a resource, not an address
        what, seen = "is an address that exists in documentation only", cut(found[0])
        if _is_essential(entry, is_mail=before.endswith("@")):
            return Guess(rules.EXAMPLE_DOMAIN.id, True, what, seen)
        by_hand = count_words(entry.text) <= SENTENCE_WORDS and is_filled_by_hand(entry.name)
        return Guess(rules.EXAMPLE_DOMAIN.id, by_hand, what, seen, production_only=True)
    return None


def _is_essential(entry: Entry, *, is_mail: bool) -> bool:
    """Returns whether an alert, a visitor or a mail is lost."""
    trail = entry.trail
    if any(_RECEIVER.match(name) for name in trail[:-1]) and (
        is_mail or names.is_host(entry.name) or names.is_mail(entry.name)
    ):
        return True
    if is_mail and _SENDER.search(entry.name):
        return True
    return entry.name in _INGRESS and any(name in ("ingress", "rules", "tls", "ingresses") for name in trail[:-1])


def chat_hook(entry: Entry) -> Guess | None:
    """A chat's webhook as its documentation has it."""
    if names.is_descriptive(entry.name):
        return None
    found = _CHAT.search(entry.text)
    if not found or not _CHAT_EXAMPLE.search("/" + found[1]):
        return None
    return Guess(
        rules.CHAT_HOOK.id, True, "is a webhook as its documentation writes it", cut(found[0].split("/services")[0])
    )


def test_key(entry: Entry) -> Guess | None:
    """A sandbox key, or a key of a vendor's documentation."""
    if names.is_descriptive(entry.name):
        return None
    if any(key in entry.text for key in _DOCUMENTED):
        return Guess(rules.TEST_KEY.id, count_words(entry.text) == 1, "is a key of a vendor's documentation")
    found = _TEST_KEY.search(entry.text)
    if not found:
        return None
    is_meant = bool(_TESTING.search(entry.name)) or count_words(entry.text) > SENTENCE_WORDS
    return Guess(rules.TEST_KEY.id, not is_meant, "is a key of a vendor's sandbox", found[1] or "")


def mock_vendor(entry: Entry) -> Guess | None:
    """A stand-in for a vendor."""
    if is_prose(entry) or entry.is_code:
        return None
    text, name = entry.text.strip(), entry.name
    what = "is a stand-in for a vendor"
    if _MOCK.match(text) and (
        names.is_vendor(name) or names.is_mode(name) or any(names.is_vendor(each) for each in entry.trail[:-1])
    ):
        return Guess(rules.MOCK_VENDOR.id, True, what, cut(text), production_only=not names.is_vendor(name))
    if _SANDBOX.match(text) and (names.is_vendor(name) or names.is_mode(name)):
        return Guess(rules.MOCK_VENDOR.id, True, what, cut(text), production_only=True)
    found = _SANDBOX_HOST.search(text)
    if found:
        return Guess(
            rules.MOCK_VENDOR.id,
            True,
            "is the address of a sandbox or a mock",
            cut(found[0].lstrip(":/@")),
            production_only=True,
        )
    if _SWITCH.search(name) and text.lower() in ("true", "yes", "on", "1"):
        return Guess(rules.MOCK_VENDOR.id, True, "switches a stand-in on", cut(text), production_only=True)
    return None


def contact(entry: Entry) -> Guess | None:
    """A contact that nobody has filled in, in a file of values."""
    if names.is_descriptive(entry.name) or entry.is_code:
        return None
    text = entry.text.strip()
    who = names.is_contact(entry.name) or any(names.is_contact(name) for name in entry.trail[:-1])
    if who and len(text) <= SHORT and (found := PHONE.search(text)):
        return Guess(rules.CONTACT.id, True, "is a telephone number that nobody has", cut(found[0]))
    if not _BRACKET.match(text):
        return None
    if who or _INSTRUCTION.match(text):
        return Guess(
            rules.CONTACT.id, who or names.is_mail(entry.name), "is a contact that nobody has filled in", cut(text)
        )
    return None


def template_variable(entry: Entry) -> Guess | None:
    """A template's variable that nobody rendered."""
    found = None if is_prose(entry) or entry.is_code else _VARIABLE.search(entry.text)
    return Guess(rules.TEMPLATE_VARIABLE.id, False, "is the variable of a template", cut(found[0])) if found else None
