"""Redis. Without it a service is only slower."""

from __future__ import annotations

import json
import logging
from typing import Any

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from service_base.metrics import HitRate
from service_base.settings import Settings

log = logging.getLogger(__name__)


class CacheUnavailable(Exception):
    """Redis did not answer, or not in time."""


class Cache:
    """A bounded pool of connections to Redis, and what is kept there under one prefix."""

    def __init__(self, settings: Settings, rate: HitRate, *, prefix: str, ttl_s: int) -> None:
        """Prepare the pool; nothing connects before the first call."""
        limit_s = settings.call_timeout_s
        self._prefix = prefix
        self._ttl_s = ttl_s
        self.rate = rate
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
        """Return what is kept under `name`; None when it is not there.

        A Redis that does not answer counts as a miss: the service works without.
        """
        try:
            found = await self._redis.get(self._prefix + name)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis: get failed: %s", error)
            found = None
        self.rate.add(hit=found is not None)
        return None if found is None else dict(json.loads(found))

    async def put(self, name: str, value: dict[str, Any]) -> None:
        """Keep `value` under `name` for the time to live, if Redis answers."""
        try:
            await self._redis.set(self._prefix + name, json.dumps(value), ex=self._ttl_s)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis: set failed: %s", error)

    async def increment(self, name: str, ttl_s: int) -> int:
        """Return how often this was asked of `name` within `ttl_s` seconds, or raise `CacheUnavailable`."""
        try:
            async with self._redis.pipeline() as commands:
                commands.set(name, 0, ex=ttl_s, nx=True)
                commands.incr(name)
                return int((await commands.execute())[1])
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("redis: increment failed: %s", error)
            raise CacheUnavailable("increment failed") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose(close_connection_pool=True)
