"""What the name of a value says of it: that it is secret, an address, a contact, or only words for a reader."""

from __future__ import annotations

import functools
import re

_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[^A-Za-z0-9$]+")

_SECRET = re.compile(
    r"(?:^|_)(?:password|passwd|passwort|passwords?|pwd|passphrase|secret|token|apikey|credential|pepper"
    r"|(?:secret|api|access|auth|signing|encryption|encrypt|master|private|license|service|admin|jwt|session|app|secret_access"
    r"|access_secret|webhook|hmac|fernet|cookie)_(?:key|secret|pass))s?(?:_(?:value|base64|b64))?$"
)
_RESOURCE = re.compile(
    r"(?:existing|pull|tls|ca|cert|certificate|k8s|kubernetes|image_pull)_secrets?$|^secrets?$|_file$|_name$|_ref$|_path$"
)
"""Names of a secret's resource, not of its value: `existingSecret: postgres`."""
_SYMBOL = re.compile(
    r"(?:^|_)(?:bos|eos|unk|pad|sep|cls|mask|special|added|stop|start|end|image|next_page|next|page|continuation)_tokens?$|proxy_pass$"
)
"""Tokens of a language model or of a listing, which are no secrets."""
_HOST = re.compile(
    r"(?:^|_)(?:host|hosts|hostname|hostnames|domain|domains|url|urls|uri|endpoint|endpoints|server|servers|server_name"
    r"|address|addr|origin|origins|fqdn|issuer|issuer_url|allowed_hosts|dns_names|common_name|dsn)$"
)
_MAIL = re.compile(
    r"(?:^|_)(?:e?mail|e_mail|mail_from|smtp_from|sender|reply_to|recipient|recipients|mail_to|from_address|email_address|bcc|cc"
    r"|from_email|default_from_email|server_email|mailfrom|mailto)s?$|^(?:from|to)$"
)
_CONTACT = re.compile(
    r"(?:^|_)(?:contact|contacts|on_?call|pager|phone|telephone|tel|mobile|escalation|escalate_to|page|rota|rotation"
    r"|primary_contact|emergency)(?:_(?:name|number|email|channel|phone|list|info|primary|secondary))?$"
)
_DESCRIPTIVE = re.compile(
    r"^(?:.*_)?(?:description|desc|summary|comment|comments|note|notes|help|hint|hints|title|label|placeholder|placeholders|example"
    r"|examples|message|messages|msg|doc|docs|documentation|tooltip|text|pattern|regex|regexp|sample|samples|usage|caption|markdown"
    r"|changelog|readme|instructions|prompt|docstring|question|answer|metavar|\$comment|markdown_description|expr|expression)$"
)
_WORD_LISTS = re.compile(
    r"^(?:.*_)?(?:tags|keywords|markers|words|ignore|ignores|select|terms|task_tags|dictionary|stopwords|allow|deny|rules)$"
)
_SCHEMATIC = re.compile(
    r"^(?:\$schema|\$id|\$ref|id|ref|schema|schema_location|xmlns.*|namespace|api_version|group|type|kind|uses)$"
)
_VENDOR = re.compile(
    r"(?:^|_)(?:provider|vendor|gateway|processor|psp|payment|payments|sms|mailer|kyc|backend_type|vendors|providers)s?(?:_(?:type|name|mode|impl|backend|driver|client|adapter|id|env))?$"
)
_MODE = re.compile(
    r"(?:^|_)(?:mode|environment|env|driver|backend|adapter|transport|client|implementation|impl|engine)$"
)
_DEFAULTS = frozenset({"default", "value", "default_value", "defaultvalue"})


def word_set(text: str) -> frozenset[str]:
    """Returns the words of a text, which is how a long list of them is kept readable."""
    return frozenset(text.split())


@functools.lru_cache(maxsize=4096)
def normal(name: str) -> str:
    """Returns a name in lower case with underscores: `apiKey`, `API-KEY` and `api.key` are one."""
    return _SEPARATORS.sub("_", _HUMPS.sub("_", name[:200])).strip("_").lower()


@functools.lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Returns whether the value of that name is a credential; names here and below are `normal`."""
    return bool(_SECRET.search(name)) and not _SYMBOL.search(name)


def is_resource(name: str) -> bool:
    """Returns whether the name may be that of an object which holds the secret, rather than of the secret."""
    return bool(_RESOURCE.search(name))


@functools.lru_cache(maxsize=4096)
def is_host(name: str) -> bool:
    """Returns whether an address stands there."""
    return bool(_HOST.search(name))


@functools.lru_cache(maxsize=4096)
def is_mail(name: str) -> bool:
    """Returns whether the address of a person or of a sender stands there."""
    return bool(_MAIL.search(name))


@functools.lru_cache(maxsize=4096)
def is_contact(name: str) -> bool:
    """Returns whether whom to call stands there."""
    return bool(_CONTACT.search(name))


@functools.lru_cache(maxsize=4096)
def is_descriptive(name: str) -> bool:
    """Returns whether words for a reader stand there, where an example is meant to be one."""
    return bool(_DESCRIPTIVE.match(name))


def is_word_list(name: str) -> bool:
    """Returns whether words are listed that some tool looks for, such as the tags of a linter."""
    return bool(_WORD_LISTS.match(name))


def is_schematic(name: str) -> bool:
    """Returns whether an identifier stands there that only looks like an address."""
    return bool(_SCHEMATIC.match(name))


def is_vendor(name: str) -> bool:
    """Returns whether it says who does something for the service."""
    return bool(_VENDOR.search(name))


def is_mode(name: str) -> bool:
    """Returns whether it says how something is done."""
    return bool(_MODE.search(name))


def is_default(name: str) -> bool:
    """Returns whether the value is that of the name above."""
    return name in _DEFAULTS
