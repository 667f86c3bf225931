"""Runbooks, contact lists and sign-off sheets, read as text: whom to call, where to look, who has signed.

A form that is copied and filled in each time, such as the message of an incident in a code block or a template of a
review, is meant to be blank. A contact, an address or a signature of this system is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from readiness.static.interface import Rule
from readiness.static.placeholders import rules
from readiness.static.placeholders.addresses import PHONE
from readiness.static.placeholders.outline import LONGEST_LINE, Line, outline
from readiness.static.placeholders.values import cut

_CONTACTS = re.compile(
    r"(?i)contact|on-?call|escalat|roster|\brota|pager|who to (?:call|ask)|stakeholder|key people|support|\bteams?\b"
)
_SIGNING = re.compile(r"(?i)sign(?:ed)?-?[ -]?off|signature|approv|authori[sz]ation|go/no-?go|acceptance")
_WHO = re.compile(
    r"(?i)contact|phone|call|pager|e-?mail|\bname\b|schedule|rotation|rota\b|slack|channel|owner|lead\b|manager|admin|engineer|team|support|portal|primary"
    r"|secondary|backup|escalat|number|mobile|tbd|reach"
)
_ASKS = re.compile(
    r"(?i)^(?:add|insert|enter|fill|your|tbd|tba|todo|to be|specify|provide|replace|put|update|name|link|url|contact|phone|number|e-?mail|who)\b|\btbd\b|\bhere$"
)
_KEY_URL = re.compile(r"(?i)\burls?\b|\blinks?\b|dashboard|endpoint|monitoring|address|status page")

_BRACKET = re.compile(r"(?<![\]\w!`\\])\[([A-Za-z][^\[\]\n]{1,80})\](?![\[(:\w])")
_LABEL = re.compile(
    r"^[ \t>]*(?:[-*+\u2022]|\d{1,3}[.)])?[ \t]*(?:\[[ xX]?\][ \t]*)?(?:\*\*|__)?([A-Za-z][^:*_|\n]{0,60}?)[ \t]*(?::(?:\*\*|__)?|(?:\*\*|__):)[ \t]*(.*?)[ \t\\]*$"
)
_DEFINITION = re.compile(r"(?m)^ {0,3}\[([^\]\n]{1,80})\]:[ \t]*\S")
_BLANK = r"(?:_{3,}|(?:\\_){3,}|\.{4,}|\u2026{2,}|(?:&nbsp;){3,})"
_UNSIGNED = re.compile(
    rf"(?:[A-Za-z)\]*][ \t]{{0,3}}[:\uff1a](?:\*\*|__(?!_))?[ \t]{{0,9}}|(?:^|\s)(?:[Bb]y|[Nn]ame|[Dd]ate|[Ss]ignature)[ \t]{{1,9}}){_BLANK}"
)
_UNDECIDED = re.compile(
    r"^[ \t>]*(?:[-*+][ \t]+)?(?:\[ ?\]|[\u2610\u25a1\u25fb\u2b1c]|\u00e2\u02dc\S?|\u00e2\u2013\u00a1)[ \t\u00a0]*(?:\*\*)?(?:GO\b|NO-?GO\b|NOT READY|APPROVED|REJECTED|ACCEPTED|READY FOR)"
)
_UNTICKED = re.compile(r"^[ \t>]*[-*+][ \t]+\[ ?\][ \t]+(?:\*\*)?([A-Z][A-Za-z /&]{2,40}?)(?:\*\*)?[ \t]*:?[ \t]*$")
_ROLE = re.compile(
    r"(?i)\b(?:lead|manager|owner|director|cto|ceo|vp|head|officer|engineer|architect|security|qa|product|legal|compliance|operations|devops|sre)\b"
)
_EMPTY = re.compile(
    r"(?i)^(?:tbd|tba|todo|to be (?:determined|decided|defined|filled|added|announced|confirmed)\S*|\?{2,}|x{3,}|_{2,}|n/?a\?|<[^<>]{1,60}>|fill (?:me )?in|-{2,}|none yet|unassigned|unknown)[.!]?$"
)
_ROTA = re.compile(
    r"(?i)^[ \t>]*(?:[-*+|][ \t]*)?(?:week|day|shift|month|primary|secondary|backup|tier|level|monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b[ \t]*[\dA-D]?[ \t]*[:|][ \t]*((?:engineer|person|member|user|dev|developer|name|operator|admin|employee|teammate|someone)[ \t]+[A-Z1-9])\b"
)
_BARE_MAIL = re.compile(r"^(?:mailto:)?[A-Za-z0-9][\w.+-]*@[A-Za-z][\w-]*$")
_EXAMPLE_MAIL = re.compile(r"(?i)\b[\w.+-]+@(?:[a-z0-9-]{1,63}\.){0,9}example\.(?:com|org|net)\b")
_EXAMPLE_URL = re.compile(r"(?i)https?://(?:[a-z0-9-]{1,63}\.){0,9}example\.(?:com|org|net)(?![a-z0-9-]|\.[a-z])")
_YOUR_DOMAIN = re.compile(
    r"(?i)(?<![\w-])(?:[a-z0-9-]{1,63}\.){0,9}(?:(?:your|my)[-_]?(?:own[-_]?)?(?:domain|company|org(?:ani[sz]ation)?|corp|business|site|website|host|app|project|service|instance|team)"
    r"(?:[-_]?name)?|domain|company)\.(?:com|org|net|io|co|dev|ai|de|eu|cloud|app|tld|local|internal|xyz)(?![\w-])"
)
_YOUR_X = re.compile(r"(?i)(?<![\w-])(?:<)?your[-_](?:[a-z0-9]+)(?:[-_][a-z0-9]+)*(?:>)?")
_PLACE = re.compile(
    r"(?i)host|server|domain|url|endpoint|address|org|company|account|team|workspace|project|cluster|registry|bucket|db\b|database"
)
_ANGLE = re.compile(
    r"<(?:your|insert|add|enter|fill|tbd|todo)[-_ ][^<>\n]{1,60}>|https?://[^\s/<>]*<[A-Za-z][\w -]*>", re.IGNORECASE
)
_LOCAL = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?\S*")


@dataclass(frozen=True, slots=True)
class Blank:
    """Something in a runbook that nobody has filled in."""

    rule: Rule
    line: int
    column: int
    what: str
    seen: str
    is_critical: bool = True


def blanks(text: str) -> Iterator[Blank]:
    """Yields what is blank in a runbook, line by line."""
    defined = {found[1].lower() for found in _DEFINITION.finditer(text)}
    for line in outline(text.splitlines()):
        if len(line.text) >= LONGEST_LINE:
            continue
        yield from _addresses(line)
        if not line.is_form:
            yield from _signatures(line)
            yield from _people(line, defined)


# --- who --------------------------------------------------------------------------------------------------------


def _people(line: Line, defined: set[str]) -> Iterator[Blank]:
    text = line.text
    for found in PHONE.finditer(text):
        yield Blank(rules.CONTACT, line.number, found.start() + 1, "is a telephone number that nobody has", found[0])
    rota = _ROTA.match(text)
    if rota:
        yield Blank(rules.CONTACT, line.number, rota.start(1) + 1, "stands for a person who is not named", rota[1])
    for found in _EXAMPLE_MAIL.finditer(text):
        yield Blank(rules.CONTACT, line.number, found.start() + 1, "is a mail address that nobody reads", found[0])
    if line.in_code:
        return
    in_contacts = _is_about(_CONTACTS, line)
    for found in _BRACKET.finditer(text):
        if found[1].lower() not in defined and not _in_code_span(text, found.start()):
            yield from _bracket(line, found, in_contacts=in_contacts)
    if in_contacts:
        yield from _unnamed(line)
    label = _LABEL.match(text)
    if label:
        for each in re.split(r"[,;]\s*|\s+", label[2]):
            if _BARE_MAIL.match(each) and re.search(
                r"(?i)contact|owner|mail|lead|team|reviewer|call|escalat|support|manager", label[1]
            ):
                yield Blank(
                    rules.CONTACT,
                    line.number,
                    text.find(each) + 1,
                    "is a mail address without a domain that can be reached",
                    each,
                )


def _is_about(pattern: re.Pattern[str], line: Line) -> bool:
    """Returns whether the line belongs to a subject, by the headings nearest to it or by its table."""
    return any(pattern.search(title) for title in line.headings[-2:]) or any(
        pattern.search(cell) for cell in line.header
    )


def _bracket(line: Line, found: re.Match[str], *, in_contacts: bool) -> Iterator[Blank]:
    inner = found[1]
    label = _LABEL.match(line.text)
    before = label[1] if label else ""
    is_whole = (
        found[0] in line.cells
        or (label is not None and label[2].strip(" *_`") == found[0])
        or line.text.strip(" \t-*+_") == found[0]
    )
    asks = bool(_ASKS.search(inner))
    if not is_whole and not (asks and (in_contacts or _WHO.search(inner))):
        return
    if _is_about(_SIGNING, line) and is_whole:
        yield Blank(rules.SIGN_OFF, line.number, found.start() + 1, "is a sign-off that nobody has filled in", found[0])
    elif in_contacts or _WHO.search(before) or (asks and _WHO.search(inner)):
        yield Blank(rules.CONTACT, line.number, found.start() + 1, "is a contact that nobody has filled in", found[0])
    else:
        yield Blank(
            rules.BLANK_FIELD, line.number, found.start() + 1, "is a field that nobody has filled in", found[0], False
        )


def _unnamed(line: Line) -> Iterator[Blank]:
    """Yields `On-call: TBD`, and the same in a cell."""
    label = _LABEL.match(line.text)
    if label and _EMPTY.match(label[2].strip(" *_`")):
        yield Blank(
            rules.CONTACT,
            line.number,
            label.start(2) + 1,
            "is a contact that nobody has filled in",
            f"{label[1]}: {label[2]}",
        )
    for cell in line.cells:
        if len(cell) > 1 and _EMPTY.match(cell.strip(" *_`")) and set(cell) != {"-"}:
            yield Blank(
                rules.CONTACT, line.number, line.text.find(cell) + 1, "is a contact that nobody has filled in", cell
            )


# --- where ------------------------------------------------------------------------------------------------------


def _addresses(line: Line) -> Iterator[Blank]:
    text, taken = line.text, -1
    for found in _YOUR_DOMAIN.finditer(text):
        taken = found.end()
        yield Blank(
            rules.YOUR_DOMAIN,
            line.number,
            found.start() + 1,
            "is an address that nobody has filled in",
            found[0],
            not line.is_form,
        )
    for found in _YOUR_X.finditer(text):
        if found.start() < taken:
            continue  # a part of the domain
        is_place = bool(_PLACE.search(found[0])) and not found[0].startswith("<")
        yield Blank(
            rules.YOUR_X,
            line.number,
            found.start() + 1,
            "speaks of the reader's own",
            found[0],
            is_place and not line.is_form,
        )
    for found in _EXAMPLE_URL.finditer(text):
        is_critical = not line.in_code and not line.is_form
        yield Blank(
            rules.EXAMPLE_DOMAIN,
            line.number,
            found.start() + 1,
            "is an address that exists in documentation only",
            found[0],
            is_critical,
        )
    if line.in_code:
        return  # `<pod-name>` in a command is filled in when it is used
    for found in _ANGLE.finditer(text):
        if not found[0].lower().startswith("<your-") and not _in_code_span(text, found.start()):
            yield Blank(
                rules.ANGLE_YOUR,
                line.number,
                found.start() + 1,
                "is a description of what should stand there",
                found[0],
                not line.is_form,
            )
    label = _LABEL.match(text)
    local = _LOCAL.search(text)
    if local and label and label[2].strip("`<>").startswith("http") and _is_about(_KEY_URL, line):
        yield Blank(
            rules.LOCAL_URL,
            line.number,
            local.start() + 1,
            "is reached only by whoever runs the system at home",
            local[0],
            False,
        )


def _in_code_span(text: str, position: int) -> bool:
    return text.count("`", 0, position) % 2 == 1


# --- signed by --------------------------------------------------------------------------------------------------


def _signatures(line: Line) -> Iterator[Blank]:
    what = "is a sign-off that nobody has filled in"
    unsigned = _UNSIGNED.search(line.text) or _UNDECIDED.match(line.text)
    if unsigned:
        yield Blank(rules.SIGN_OFF, line.number, len(line.text) - len(line.text.lstrip()) + 1, what, cut(line.text, 80))
        return
    if line.in_code or not _is_about(_SIGNING, line):
        return
    role = _UNTICKED.match(line.text)
    is_empty_row = len(line.cells) > 1 and bool(line.cells[0]) and not any(line.cells[1:])
    if is_empty_row or (role and _ROLE.search(role[1])):
        yield Blank(rules.SIGN_OFF, line.number, 1, what, cut(line.text, 80))
