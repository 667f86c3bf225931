"""Families of what bandit and ruff's S rules find: one rule of ours for each, whichever of the two engines found it.

Both tools number their tests alike: B602 of bandit is S602 of ruff. The number stands in each finding's text, so that a
waiver can name it; the family says why it matters and what to do.
"""

from __future__ import annotations

from readiness.model import FindingSeverity
from readiness.static.interface import Rule

CHECK = "security-scan/code"
UNSCANNED = "security-scan/unscanned-code"
OTHER = "security-scan/insecure-code"

_FAMILIES: dict[str, tuple[str, str, str, str]] = {
    "assert-in-code": (
        "No assert guards what must hold in production",
        "Python leaves every assert out when it runs with -O: a check of a permission or of input is then gone.",
        "Raise an exception where the condition does not hold.",
        "101",
    ),
    "code-execution": (
        "No text is executed as Python code",
        "Whoever can change the text runs any code with the rights of the service.",
        "Use ast.literal_eval for values, a table of functions for choices, or importlib for modules.",
        "102 307",
    ),
    "unsafe-file": (
        "Files are created where and as only this service can change them",
        "A predictable name in a shared folder, or a mode that lets everybody write, lets another user replace the content.",
        "Create temporary files with the module tempfile, and give files no more rights than 0o640.",
        "103 108 306",
    ),
    "open-binding": (
        "No socket listens on every interface",
        "What listens on all addresses can be reached from networks that nobody thought of.",
        "Bind to the address that is meant, and take it from the configuration.",
        "104",
    ),
    "password-in-code": (
        "No password stands in the code",
        "It is known to everybody who can read the repository, and cannot be changed without a release.",
        "Read it from the environment or from a secret store, and change the one that was published.",
        "105 106 107",
    ),
    "swallowed-error": (
        "No error vanishes",
        "An exception that is passed over hides failing controls and attacks alike.",
        "Catch the exception that is expected, and log or handle it.",
        "110 112",
    ),
    "no-time-limit": (
        "Every request to another service has a time limit",
        "Without one, a peer that does not answer holds a worker for good, and all workers after a while.",
        "Pass timeout=...",
        "113",
    ),
    "debug-mode": (
        "No debugger is reachable",
        "The debugger of a web framework runs any code for whoever can open an error page.",
        "Switch debug off, and turn it on by configuration on a developer's machine alone.",
        "201",
    ),
    "unsafe-archive": (
        "Archives are unpacked only into their folder",
        "A member called ../../x, or a link, overwrites files outside of it.",
        "Pass filter='data' to extractall, or check each member's path.",
        "202",
    ),
    "unsafe-deserialisation": (
        "Nothing that comes from outside is loaded by a format that can run code",
        "pickle, marshal, yaml.load and torch.load execute what is in the data.",
        "Use JSON, yaml.safe_load or weights_only=True, and pin a download to a revision.",
        "301 302 403 506 614 615",
    ),
    "weak-cryptography": (
        "Cryptography is of today",
        "MD5, SHA-1, DES, short keys and the module random can be broken or predicted.",
        "Use SHA-256 or better, AES-GCM, RSA of 3072 bits and the module secrets; usedforsecurity=False where it is no protection.",
        "303 304 305 311 324 413 505",
    ),
    "unencrypted-connection": (
        "No address of any kind is opened, and nothing is sent unencrypted",
        "telnet, FTP and IPMI show passwords to the network, and urlopen opens file:/ as well.",
        "Use SSH or HTTPS, and allow only the schemes http and https for addresses that come from outside.",
        "309 310 312 321 401 402 412 415",
    ),
    "unsafe-xml": (
        "XML from outside cannot exhaust or read this machine",
        "The parsers of the standard library follow entities: a small document takes all memory, or reads files.",
        "Parse it with defusedxml.",
        "313 314 315 316 317 318 319 320 405 406 407 408 409 410 411",
    ),
    "unverified-connection": (
        "The other side of each encrypted connection is verified",
        "Without it anybody on the way can read and change what is sent.",
        "Leave verification on, pass the certificate of your own authority, and accept TLS 1.2 or later only.",
        "323 501 502 503 504 507 508 509",
    ),
    "command-injection": (
        "No command line is built for a shell or from input",
        "What is part of a command line can become a command of its own.",
        "Pass a list of arguments without shell=True, with the program's full path; quote with shlex.quote where a shell is needed.",
        "404 601 602 603 604 605 606 607 609",
    ),
    "sql-injection": (
        "No SQL statement is put together from text",
        "Input that is part of a statement can become a statement.",
        "Pass values as parameters, and names through the driver's quoting, such as psycopg.sql.Identifier.",
        "608 610 611",
    ),
    "unescaped-template": (
        "What a page shows is escaped",
        "Input that is shown unescaped runs in the browsers of others.",
        "Switch autoescape on, and mark as safe only text without input.",
        "308 701 702 703 704",
    ),
    "open-logging": (
        "Logging cannot be configured over a socket",
        "logging.config.listen executes what it receives.",
        "Read the configuration from a file.",
        "612",
    ),
    "misleading-source": (
        "The code is what it looks like",
        "Characters that change the direction of writing show a reviewer other code than is run.",
        "Remove the control characters, or write them as escapes.",
        "613",
    ),
}
"""Name to title, why, remedy and the numbers of the tests that belong to it."""

_ACCEPT = "Where it is safe, say so and why: `# nosec B{number}` for bandit, `# noqa: S{number}` for ruff."


def _rule(name: str, title: str, why: str, remedy: str) -> Rule:
    return Rule(f"security-scan/{name}", CHECK, FindingSeverity.BLOCKING, title, why, remedy)


RULES: tuple[Rule, ...] = (
    *(_rule(name, title, why, remedy) for name, (title, why, remedy, _) in _FAMILIES.items()),
    _rule(
        OTHER.partition("/")[2],
        "No other test of the scanner finds anything",
        "A plugin of the scanner, or a version newer than this package knows, found a weakness.",
        "Read the test's documentation by its number.",
    ),
    _rule(
        UNSCANNED.partition("/")[2],
        "Every file could be scanned",
        "What the scanner cannot read may hold anything: no finding in it is no evidence.",
        "Mend the file's syntax, run with the Python version that it is written for, or exclude it in [security-scan] bandit.",
    ),
)
_FAMILY_OF = {number: name for name, (_, _, _, numbers) in _FAMILIES.items() for number in numbers.split()}
_REMEDIES = {rule.id: rule.remedy for rule in RULES}

_LOW = "101 105 106 107 110 112 311 403 404 405 406 407 408 409 504 603 606 607"
_HIGH = "201 202 304 312 321 324 401 402 411 412 413 415 501 502 505 507 602 605 609 613 701"
"""Tests whose findings bandit gives another severity than medium, at their worst; ruff has no severities of its own."""
_SEVERITIES = dict.fromkeys(_LOW.split(), "low") | dict.fromkeys(_HIGH.split(), "high")


def rule_of(number: str) -> str:
    """Returns the rule of a test's number, such as `602`."""
    return f"security-scan/{_FAMILY_OF[number]}" if number in _FAMILY_OF else OTHER


def remedy_of(number: str) -> str:
    """Returns what to do about a finding of that test, and how to accept it; of no number, about an unscanned file."""
    if not number:
        return _REMEDIES[UNSCANNED]
    return f"{_REMEDIES[rule_of(number)]} {_ACCEPT.format(number=number)}"


def severity_of(number: str) -> str:
    """Returns what bandit gives findings of that test: `low`, `medium` or `high`."""
    return _SEVERITIES.get(number, "medium")
