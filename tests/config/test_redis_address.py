"""Addresses of Redis: every form is read in full, and nothing is guessed of what is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from readiness.config.redis_address import AddressError, RedisAddress, parse_address
from readiness.redact import Secret

if TYPE_CHECKING:
    from tests.config.samples import Folder

SERVICE = "[service]\nname = 's'\n[env.x]\nkind = 'live'\n"


def test_one_server_is_read() -> None:
    """User, password, host, port and database are there, decoded; the password shows in no repr."""
    seen = parse_address("redis://app%40shop:p%2Fw%3As3cret@cache.example:6380/2?socket_timeout=60&decode_responses=1")
    password = Secret("p/w:s3cret")
    assert seen == RedisAddress(
        "single", (("cache.example", 6380),), database=2, username="app@shop", password=password
    )
    assert "s3cret" not in f"{seen!r}{seen}"


@pytest.mark.parametrize(
    ("url", "hosts", "username", "password"),
    [
        ("redis://cache", (("cache", 6379),), None, None),
        ("valkey://:word@cache/", (("cache", 6379),), None, "word"),
        ("REDISS://user:@[::1]:7000", (("::1", 7000),), "user", ""),
        ("redis://cache?username=user&password=word", (("cache", 6379),), "user", "word"),
        ("  redis://cache:6379/0\n", (("cache", 6379),), None, None),
        ("redis+cluster://:word@a,b:7001,[::1]", (("a", 6379), ("b", 7001), ("::1", 6379)), None, "word"),
        ("valkeys+cluster://a", (("a", 6379),), None, None),
    ],
)
def test_parts_have_defaults(
    url: str, hosts: tuple[tuple[str, int], ...], username: str | None, password: str | None
) -> None:
    """A port, a user, a password and a database may be left out."""
    seen = parse_address(url)
    assert (seen.hosts, seen.username, seen.database) == (hosts, username, 0)
    assert (seen.password.reveal() if seen.password is not None else None) == password


def test_sentinels_have_credentials_of_their_own() -> None:
    """The user and password before the hosts are those of the data; a Sentinel is asked with its own."""
    seen = parse_address("redis+sentinel://app:word@s1,s2:26380/my-cache/3?sentinel_password=other")
    assert (seen.kind, seen.service, seen.database) == ("sentinel", "my-cache", 3)
    assert seen.hosts == (("s1", 26379), ("s2", 26380))
    asked = seen.sentinel(("s2", 26380))
    assert (asked.kind, asked.hosts, asked.database, asked.username) == ("single", (("s2", 26380),), 0, None)
    assert asked.password == Secret("other")
    primary = seen.at(("10.0.0.1", 6379))
    assert (primary.username, primary.password, primary.database) == ("app", Secret("word"), 3)
    assert primary.sentinel_password is None


def test_tls_is_checked_unless_it_is_said_otherwise() -> None:
    """Certificate and host name are checked by default; what is said of them is kept."""
    assert parse_address("rediss://h").tls == {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
    seen = parse_address("rediss+sentinel://h/cache?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=CERT_NONE")
    assert seen.is_tls
    assert seen.tls == {"ssl_ca_certs": "/etc/ca.pem", "ssl_cert_reqs": "none", "ssl_check_hostname": False}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:s3cret@cache.example:6380/2", "Redis at cache.example:6380/2"),
        ("rediss://:s3cret@[::1]", "Redis over TLS at [::1]:6379"),
        ("unix://:s3cret@/run/redis.sock?db=1", "Redis at /run/redis.sock/1"),
        ("unix:///run/redis.sock", "Redis at /run/redis.sock"),
        ("redis+sentinel://:s3cret@a,b:1/cache", "Sentinel of cache at a:26379, b:1"),
        ("rediss+cluster://:s3cret@a", "Redis Cluster over TLS at a:6379"),
    ],
)
def test_only_the_place_is_shown(url: str, shown: str) -> None:
    """The place of a server is shown without user, password and options."""
    assert str(parse_address(url)) == shown


@pytest.mark.parametrize(
    ("url", "text", "remedy"),
    [
        ("", "scheme", "redis+sentinel://"),
        ("http://:s3cret@h", "scheme", "redis+cluster://"),
        ("redis+other://h", "scheme", ""),
        ("redis://", "host that cannot be read", ""),
        ("redis://:s3cret@", "host that cannot be read", ""),
        ("redis://:s3cret@h:port", "host that cannot be read", ""),
        ("redis://:s3c/ret@h", "host that cannot be read", "%2F"),
        ("redis://:s3c#ret@h", "white space or a '#'", "Percent-encode"),
        ("redis://:s3c ret@h", "white space or a '#'", "Percent-encode"),
        ("redis://h:0", "port that is not from 1 to 65535", ""),
        ("redis://h:99999999", "port that is not from 1 to 65535", ""),
        ("redis://a,b", "names several hosts", "redis+cluster://"),
        ("redis://h/cache", "not a number", ""),
        ("redis://h/?db=s3cret", "not a number", ""),
        ("redis://h/0/1", "not a number", ""),
        ("redis://s3cret@h", "a user and no password", ":password@"),
        ("redis://h?username=app", "a username and no password", ""),
        ("unix://run/redis.sock", "path of a Unix socket starts with '/'", ""),
        ("unix://:s3cret@run/redis.sock", "path of a Unix socket starts with '/'", ""),
        ("redis+sentinel://h", "names no service", "service-name"),
        ("redis+sentinel://h/0/my cache", "white space", ""),
        ("redis+sentinel://h/cache/x", "not a number", ""),
        ("redis://h?sentinel_password=s3cret", "options of Sentinels", ""),
        ("redis+cluster://h/1", "none but 0", ""),
        ("redis+cluster://h,h", "a host twice", ""),
        ("redis+cluster://h,", "host that cannot be read", ""),
        ("redis://h?ssl_ca_certs=/ca", "options of TLS", "rediss://"),
        ("rediss://h?ssl_ca_cert=/ca", "not known", "ssl_ca_certs"),
        ("rediss://h?ssl_cert_reqs=maybe", "not known", "required"),
        ("rediss://h?ssl_check_hostname=maybe", "not known", "true, false"),
        ("rediss://h?ssl_cert_reqs=none&ssl_check_hostname=true", "not checked itself", ""),
    ],
)
def test_what_is_none_is_said_without_repeating_it(url: str, text: str, remedy: str) -> None:
    """Each mistake has its own words, which hold nothing of the address."""
    with pytest.raises(AddressError) as caught:
        parse_address(url)
    assert text in caught.value.text
    assert remedy in caught.value.remedy
    assert "s3c" not in f"{caught.value!r}{caught.value.remedy}"


@given(st.text(max_size=40), st.sampled_from(["", "redis://", "unix://", "redis+sentinel://", "rediss+cluster://"]))
def test_any_text_is_an_address_or_none(text: str, scheme: str) -> None:
    """Nothing but the one error ever comes of reading an address."""
    try:
        seen = parse_address(scheme + text)
    except AddressError:
        return
    assert seen.path or seen.hosts


def test_a_mistake_is_found_before_anything_is_contacted(folder: Folder) -> None:
    """The configuration does not load, and says where and what, without the value."""
    (line,) = folder.lines(f"{SERVICE}redis.url = 'redis+sentinel://:s3cret@h:26379'\n[redis]\n")
    assert line.startswith("readiness.toml: [env.x.redis] url: the address of Sentinels names no service")
    assert "s3cret" not in line


def test_a_policy_that_there_is_not_is_found(folder: Folder) -> None:
    """A misspelt eviction policy could match no server."""
    (line,) = folder.lines(f"{SERVICE}redis.url = 'redis://h'\n[redis]\neviction-policy = 'allkeys-lur'\n")
    assert "eviction-policy" in line
    assert "allkeys-lru" in line
