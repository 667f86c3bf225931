"""The rules of the placeholder audit, as they are documented; what each finds is in the modules of its subject."""

from __future__ import annotations

from readiness.model import FindingSeverity
from readiness.static.interface import Rule

GATE = "placeholder-audit"
CRITICAL = f"{GATE}/critical"
WARNING = f"{GATE}/warning"


def _blocks(name: str, title: str, why: str, remedy: str, source: str = "") -> Rule:
    return Rule(f"{GATE}/{name}", CRITICAL, FindingSeverity.BLOCKING, title, why, remedy, source)


def _warns(name: str, title: str, why: str, remedy: str, source: str = "") -> Rule:
    return Rule(f"{GATE}/{name}", WARNING, FindingSeverity.ADVISORY, title, why, remedy, source)


_SET_IT = "Set the real value, or take it from the environment without a default."

CHANGEME = _blocks(
    "changeme",
    "No value says of itself that it is to be changed",
    "A value such as a change-me or replace-me is what the author meant to come back to: with it the service starts, and"
    " does the wrong thing or is open to everyone who has read the same template.",
    _SET_IT,
)
WEAK_CREDENTIAL = _blocks(
    "weak-credential",
    "No password, key or token is one of the words that everybody tries first",
    "Products and tutorials ship with them, and they are the first ones that are tried from outside.",
    "Generate a secret and take it from the environment or from a secret store.",
    "CWE-1392: use of default credentials",
)
ANGLE_YOUR = _blocks(
    "angle-your",
    "No value is a description in angle brackets of what should stand there",
    "Such a description is copied from documentation and was never filled in.",
    _SET_IT,
)
YOUR_X = _blocks(
    "your-x",
    "No value speaks of your key, your project or your organisation",
    "It is copied from documentation and names nothing that exists.",
    _SET_IT,
)
YOUR_DOMAIN = _blocks(
    "your-domain",
    "No address is at a domain such as the reader's own",
    "Such domains belong to strangers: requests, mail and credentials that are sent there reach them, and an on-call"
    " engineer who opens the address in an incident sees nothing.",
    "Write the address of this system.",
)
XXX_VALUE = _blocks(
    "xxx-value",
    "No value consists of filler letters",
    "Filler stands for something that was not known when the file was written.",
    _SET_IT,
)
TODO_VALUE = _blocks(
    "todo-value",
    "No value is a note to do, to be decided or to be filled in",
    "A note in the place of a value reaches whatever reads the file.",
    _SET_IT,
)
EXAMPLE_DOMAIN = _blocks(
    "example-domain",
    "No address is at a domain that is reserved for documentation",
    "Nobody receives mail at example.com and nothing listens there: an alert that is sent to it is lost.",
    "Write the address of this system.",
    "RFC 2606, RFC 6761",
)
CHAT_HOOK = _blocks(
    "chat-hook",
    "No webhook of a chat is the one from the documentation",
    "Alerts that are posted to it reach nobody, and nobody notices.",
    "Take the webhook's address from the environment or from a secret store.",
)
TEST_KEY = _blocks(
    "test-key",
    "No key is a vendor's sandbox key or the one in its documentation",
    "With a sandbox key everything works and nothing happens: no payment is made, no message is sent.",
    "Take the live key from the environment or from a secret store.",
)
MOCK_VENDOR = _blocks(
    "mock-vendor",
    "No vendor, provider or gateway of production is a mock or a sandbox",
    "The service looks healthy while what it sells is simulated.",
    "Name the real provider in the file of production, and leave the mock to the files of development and test.",
)
CONTACT = _blocks(
    "contact",
    "Every contact is filled in",
    "Whoever opens the runbook in an incident needs a name and a number, and has no time to look for one.",
    "Write the name, number, address or rotation that is meant, or the link under which it is kept.",
)
SIGN_OFF = _blocks(
    "sign-off",
    "Every line of a sign-off is filled in",
    "An empty line says that nobody has taken the decision which the document asks for.",
    "Let the person sign with name and date, or take the line out where no signature is wanted.",
)
BLANK_FIELD = _warns(
    "blank-field",
    "No field of a runbook holds a description in brackets of what should stand there",
    "Such a field was copied from a template.",
    "Fill it in, or move the form under a heading that calls it a template.",
)
LOCAL_URL = _warns(
    "local-url",
    "No key address of a runbook is that of the reader's own machine",
    "In an incident nothing listens there.",
    "Write the address under which the system is reached from where the reader sits.",
)
UNLISTED = _warns(
    "unlisted",
    "Every placeholder of a file is listed",
    "A report of thousands of findings is read by nobody, so that of one file only the first are shown.",
    "Deal with the ones that are listed and run again; exclude the file where it is data.",
)
STUB = _warns(
    "stub",
    "No function that ships only raises NotImplementedError",
    "Whoever calls it gets an error that no test has seen.",
    "Implement it, take it out, or mark it as abstract where subclasses are to define it.",
)
EMPTY_BODY = _warns(
    "empty-body",
    "No function that ships promises a result and does nothing",
    "It returns None to a caller that was promised something else, or answers a request without having done anything.",
    "Implement it or take it out.",
)
WORK_MARKER = Rule(
    f"{GATE}/work-marker",
    WARNING,
    FindingSeverity.INFORMATION,
    "Comments hold no TODO, FIXME, XXX or HACK",
    "Each is work that somebody saw and did not do; one alone says little, their number and age say much.",
    "Do it, or write a ticket and name it in the comment. A budget is set by max-work-markers, an age by max-marker-age.",
)
MARKER_BUDGET = _blocks(
    "work-marker-budget",
    "There are no more work markers than max-work-markers allows",
    "A budget that may not grow stops the number from rising without forbidding the ones that are there.",
    "Resolve as many as were added. Where more are accepted on purpose, raise max-work-markers.",
)
MARKER_AGE = _warns(
    "work-marker-age",
    "No work marker is older than max-marker-age",
    "What has waited that long is either not needed or a risk that nobody looks at any more.",
    "Do it, drop it, or write a ticket and take the comment out.",
)
TEMPLATE_VARIABLE = _warns(
    "template-variable",
    "No value is the variable of a template that nobody rendered",
    "The step that should have replaced it did not run, or did not know it.",
    "Render the file, or give it a name that says it is a template.",
)
SAMPLE_PERSON = _warns(
    "sample-person",
    "No value names a person who does not exist",
    "John Doe cannot be reached.",
    "Name the person or team that is meant.",
)
FILLER_TEXT = _warns(
    "filler-text",
    "No text is filler",
    "Users read it.",
    "Write the text.",
)
NIL_UUID = _warns(
    "nil-uuid",
    "No identifier is the nil UUID",
    "It names nothing.",
    "Write the identifier that is meant.",
    "RFC 9562, 5.9",
)
TEST_ADDRESS = _warns(
    "test-address",
    "No address is in a network that is reserved for documentation",
    "Nothing can be reached there.",
    "Write the address that is meant.",
    "RFC 5737",
)
DUMMY_VALUE = _warns(
    "dummy-value",
    "No value is the word dummy",
    "It stands for a value that was not known.",
    _SET_IT,
)
COMING_SOON = _warns(
    "coming-soon",
    "No text promises what is not there yet",
    "Users read it.",
    "Take it out until it is there.",
)

RULES: tuple[Rule, ...] = (
    CHANGEME,
    WEAK_CREDENTIAL,
    ANGLE_YOUR,
    YOUR_X,
    YOUR_DOMAIN,
    XXX_VALUE,
    TODO_VALUE,
    EXAMPLE_DOMAIN,
    CHAT_HOOK,
    TEST_KEY,
    MOCK_VENDOR,
    CONTACT,
    SIGN_OFF,
    BLANK_FIELD,
    LOCAL_URL,
    UNLISTED,
    STUB,
    EMPTY_BODY,
    WORK_MARKER,
    MARKER_BUDGET,
    MARKER_AGE,
    TEMPLATE_VARIABLE,
    SAMPLE_PERSON,
    FILLER_TEXT,
    NIL_UUID,
    TEST_ADDRESS,
    DUMMY_VALUE,
    COMING_SOON,
)
OFF_BY_DEFAULT = frozenset(
    rule.id.partition("/")[2] for rule in (SAMPLE_PERSON, FILLER_TEXT, NIL_UUID, TEST_ADDRESS, DUMMY_VALUE, COMING_SOON)
)
"""Names for `enable`: these find more samples than mistakes."""
