"""What a JSON document says of health: which of its values count, and how strictly.

Four kinds of places are read, and nothing else, so that metrics or a catalogue raise no alarm:

- a verdict, such as `status`: its value has to be a word for healthy, since what is not understood is no evidence;
- an assertion, such as `ready`, or a complaint, such as `degraded`: its truth;
- a map of parts, such as `components` or `dependencies`: each part is an object of these kinds, or simply a word;
- what is usually a part, such as `database`, wherever it stands, and any object at the top that has a verdict: there
  only a word that is known for ill, or false, counts against it.

Source: Spring Boot Actuator, draft-inadarei-api-health-check-06, MicroProfile Health, ASP.NET HealthReport, NestJS
Terminus, Grafana, Airflow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from readiness.probes.documents import shown, token
from readiness.probes.health_words import Meaning, meaning_of, normalized

DEEPEST = 30
"""Parts inside of parts: no service has so many levels, and a hostile answer could have any number."""
HOW_TO_ACCEPT = 'if it counts as healthy, add accept = ["{}"]'


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


_SUCCESS, _FAILURE = range(200, 300), range(400, 600)

_VERDICTS = _words("status state health healthstatus healthstate overallstatus overall verdict")
_ASSERTIONS = _words(
    "ok healthy alive live ready up available connected reachable operational online success passed running"
)
_COUNTABLE = _words("ok healthy alive ready up")
"""Of these 1 and 0 are truth values; of the others they are counts, such as connected clients."""
_COMPLAINTS = _words("unhealthy degraded down failed unavailable maintenance")
_MAPS = _words("components component checks dependencies dependency services service subsystems")
_DETAILS = _words("details info entries results")
"""The same, where a bare word is a remark and no state."""
_ENVELOPES = _words("data result response payload body")
_PARTS = _words("""
    db database databases postgres postgresql mysql mariadb sqlite mongo mongodb redis valkey memcached cache queue
    queues broker rabbitmq kafka nats celery worker workers scheduler storage s3 minio disk diskspace filesystem
    elasticsearch opensearch search qdrant weaviate vectorstore vectordb llm openai smtp mail ldap api backend
    """)


@dataclass(frozen=True, slots=True)
class Said:
    """One value that speaks of health."""

    place: str
    """JSON Pointer; empty for the whole answer."""
    value: str
    """As it is shown."""
    is_well: bool
    why: str = ""

    def __str__(self) -> str:
        return f"{self.place or 'the answer'} is {self.value}{self.why}"


class Rules:
    """What the values of one answer are held against.

    Args:
        accept: words that count as healthy as well, and JSON Pointers to what is not to be read.
        settled: JSON Pointers to values that are judged in another way.
    """

    def __init__(self, accept: Collection[str] = (), settled: Collection[str] = ()) -> None:
        self._words = {normalized(each) or each for each in accept if not each.startswith("/")}
        self._settled = (*settled, *(each for each in accept if each.startswith("/")))

    def accepts(self, value: Any) -> bool:
        """Returns whether the configuration says that this value counts as healthy."""
        word = value if isinstance(value, str) else json.dumps(value)
        return bool(self._words) and (normalized(word) or word) in self._words

    def is_settled(self, place: str) -> bool:
        """Returns whether what stands there is not to be read."""
        return any(place == each or place.startswith(f"{each}/") for each in self._settled)

    def judge(self, place: str, value: Any, *, is_strict: bool = False) -> Iterator[Said]:
        """Yields what a value says; of one that is not known nothing, unless `is_strict` makes that ill."""
        if self.is_settled(place):
            return
        meaning = _meaning(value)
        if self.accepts(value):
            yield Said(place, shown(value), is_well=True, why=" (accepted)")
        elif meaning is not Meaning.NOTHING:
            yield Said(place, shown(value), is_well=meaning is Meaning.WELL)
        elif is_strict:
            how = HOW_TO_ACCEPT.format(value) if isinstance(value, str) and len(value) <= len(place) + 60 else ""
            how = how or "if that is right, expect it with json = { ... }"
            yield Said(place, shown(value), is_well=False, why=f", which is not known to mean healthy; {how}")


def read_document(document: Any, rules: Rules) -> Iterator[Said]:
    """Yields everything that the document says of health, in its order. Never raises."""
    if isinstance(document, dict):
        if not _is_description(document):
            yield from _object(document, "", 0, rules)
    elif isinstance(document, list):
        yield from _parts(document, "", 0, rules, has_words=False)
    elif not _is_number(document):
        yield from rules.judge("", document, is_strict=True)


def _is_description(document: Mapping[str, Any]) -> bool:
    """Whether it is an OpenAPI or AsyncAPI document, whose `components` are types and no parts of a service."""
    versions = (document.get(key) for key in ("openapi", "swagger", "asyncapi"))
    return isinstance(document.get("info"), dict) and any(re.match(r"\d", v) for v in versions if isinstance(v, str))


def _object(given: Mapping[str, Any], place: str, depth: int, rules: Rules) -> Iterator[Said]:
    if depth > DEEPEST:
        yield Said(place, "nested too deeply to be read", is_well=False)
        return
    for key, value in given.items():
        at = f"{place}/{token(key)}"
        if not rules.is_settled(at):
            yield from _entry(_name(key), value, at, depth, rules)


def _entry(name: str, value: Any, at: str, depth: int, rules: Rules) -> Iterator[Said]:
    """Yields what one key of an object says."""
    if name in _VERDICTS:
        yield from _verdict(value, at, depth, rules)
    elif name in _ASSERTIONS:
        yield from _assertion(name, value, at, rules)
    elif name in ("error", "errors"):
        yield from _error(name, value, at, depth, rules)
    elif name in _COMPLAINTS:
        if value is True or (isinstance(value, list) and value):
            yield Said(at, shown(value), is_well=rules.accepts(name))
    elif name in _MAPS or name in _DETAILS:
        yield from _part(value, at, depth, rules, has_words=name in _MAPS)
    elif name in _PARTS or name in _ENVELOPES or name.endswith(("status", "health")):
        yield from _one(value, at, depth, rules)
    elif depth == 0:
        yield from _unnamed(value, at, rules)


def _verdict(value: Any, at: str, depth: int, rules: Rules) -> Iterator[Said]:
    if isinstance(value, dict):
        if isinstance(value.get("code"), str):  # as Spring Boot 1 wrote it
            yield from rules.judge(f"{at}/code", value["code"], is_strict=True)
        yield from _object(value, at, depth + 1, rules)
    elif isinstance(value, list):
        yield from _parts(value, at, depth + 1, rules, has_words=False)
    else:
        yield from rules.judge(at, value, is_strict=True)


def _assertion(name: str, value: Any, at: str, rules: Rules) -> Iterator[Said]:
    if isinstance(value, (dict, list)):
        return
    if not _is_number(value):
        yield from rules.judge(at, value)
    elif name in _COUNTABLE and value in (0, 1):
        yield Said(at, shown(value), is_well=value == 1 or rules.accepts(value))


def _error(name: str, value: Any, at: str, depth: int, rules: Rules) -> Iterator[Said]:
    """Yields an error that is told. NestJS puts the parts that are ill there, and an empty object where none is."""
    inner = list(_parts(value, at, depth, rules, has_words=False)) if isinstance(value, dict) else []
    is_told = value is True or (isinstance(value, str) and normalized(value) not in ("", "none", "null", "no", "false"))
    if inner:
        yield from inner
    elif is_told or (value and isinstance(value, dict) and name == "error") or (value and isinstance(value, list)):
        yield Said(at, shown(value), is_well=rules.accepts(value))


def _part(value: Any, at: str, depth: int, rules: Rules, *, has_words: bool) -> Iterator[Said]:
    """Yields what stands under a key that has parts, or one word for them all."""
    if isinstance(value, (dict, list)):
        yield from _parts(value, at, depth, rules, has_words=has_words)
    elif has_words and value is not None and not _is_number(value):
        yield from rules.judge(at, value)


def _parts(parts: Any, place: str, depth: int, rules: Rules, *, has_words: bool) -> Iterator[Said]:
    """Yields what the parts say, by name or in a list; `has_words` where a bare word is the state of a part."""
    if depth > DEEPEST:
        yield Said(place, "nested too deeply to be read", is_well=False)
        return
    is_map = isinstance(parts, dict)
    for name, part in parts.items() if is_map else enumerate(parts):
        at = f"{place}/{token(name)}"
        if isinstance(part, dict):
            if not rules.is_settled(at):
                yield from _object(part, at, depth + 1, rules)
        elif isinstance(part, list):  # health+json has several of one kind
            yield from _parts(part, at, depth + 1, rules, has_words=False)
        elif has_words and is_map and not _is_number(part):
            yield from rules.judge(at, part)


def _one(value: Any, at: str, depth: int, rules: Rules) -> Iterator[Said]:
    """Yields what a single part says, as an object, a list of objects, or a word; null says that there is none."""
    if isinstance(value, dict):
        yield from _object(value, at, depth + 1, rules)
    elif isinstance(value, list):
        yield from _parts(value, at, depth + 1, rules, has_words=False)
    elif value is not None and not _is_number(value):
        yield from rules.judge(at, value)


def _unnamed(value: Any, at: str, rules: Rules) -> Iterator[Said]:
    """Yields the verdicts of an object at the top, or of a list of them, whatever it is called."""
    many = isinstance(value, list)
    for place, part in ((f"{at}/{index}", each) for index, each in enumerate(value)) if many else ((at, value),):
        for key, said in part.items() if isinstance(part, dict) else ():
            if _name(key) in _VERDICTS and isinstance(said, (str, bool)):
                yield from rules.judge(f"{place}/{token(key)}", said)


def _name(key: str) -> str:
    """Returns a key as the lists have it: `health_status` and `healthStatus` as one word, `isReady` as `ready`."""
    name = re.sub(r"[\s_-]+", "", key[:60]).lower()
    bare = name.removeprefix("is")
    return bare if bare in _ASSERTIONS or bare in _COMPLAINTS else name


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _meaning(value: Any) -> Meaning:
    """Returns what a scalar says: a word, a truth value, null, or an HTTP status."""
    if value is None or value is False:
        return Meaning.ILL
    if value is True:
        return Meaning.WELL
    if isinstance(value, str) and not re.fullmatch(r"[0-9]{3}", value):
        return meaning_of(value)
    number = int(value) if isinstance(value, str) else value
    return Meaning.WELL if number in _SUCCESS else Meaning.ILL if number in _FAILURE else Meaning.NOTHING
