"""Redis: evaluations of the last minute. Without it the service is only slower."""

from __future__ import annotations

import json
import logging
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from compliance_kit.metrics import HitRate
from compliance_kit.settings import Settings

log = logging.getLogger(__name__)

_PREFIX = "compliance:evaluation:"


class CacheUnavailable(Exception):
    """Redis did not answer, or not in time."""


class Cache:
    """A bounded pool of connections to Redis."""

    def __init__(self, settings: Settings, rate: HitRate) -> None:
        """Prepare the pool; nothing connects before the first call."""
        limit_s = settings.call_timeout_s
        self._ttl_s = settings.cache_ttl_s
        self._rate = rate
        self._redis = Redis(
            connection_pool=BlockingConnectionPool.from_url(
                settings.redis_url,
                max_connections=20,
                timeout=limit_s,
                socket_timeout=limit_s,
                socket_connect_timeout=limit_s,
                # The default tries ten times, with pauses: longer than our limit.
                retry=Retry(NoBackoff(), 0),
            )
        )

    async def answer(self) -> None:
        """Have Redis answer a PING, or raise `CacheUnavailable`."""
        try:
            await self._redis.ping()
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis: ping failed: %s", error)
            raise CacheUnavailable("ping failed") from error

    async def get(self, name: str) -> dict[str, Any] | None:
        """Return the evaluation of mapping `name`; None when it is not there.

        A Redis that does not answer counts as a miss: the service works without.
        """
        try:
            found = await self._redis.get(_PREFIX + name)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis: get failed: %s", error)
            found = None
        self._rate.add(hit=found is not None)
        return None if found is None else dict(json.loads(found))

    async def put(self, name: str, evaluation: dict[str, Any]) -> None:
        """Keep the evaluation of mapping `name` for a minute, if Redis answers."""
        try:
            await self._redis.set(_PREFIX + name, json.dumps(evaluation), ex=self._ttl_s)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis: set failed: %s", error)

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)
