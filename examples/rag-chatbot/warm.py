"""Computes the answers to common questions before the first user asks: `python warm.py`.

It replays `questions.tsv`, a day's questions with how often each was asked, as users would ask them, so that Redis'
own figures afterwards say what share of them the cache answers.
"""

from __future__ import annotations

import asyncio
import csv
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))  # service_base is there, and not installed

import chatbot

from service_base.application import from_environment
from service_base.cache import Cache
from service_base.metrics import HitRate

QUESTIONS = Path(__file__).resolve().parent / "questions.tsv"


async def replay() -> float:
    """Return the share of the questions that Redis had the answer to."""
    settings, faults = from_environment("rag-chatbot", "warm", faults=chatbot.FAULTS)
    cache = Cache(settings, HitRate("warm"), prefix=f"{settings.service}:", ttl_s=chatbot.TTL_S)
    with QUESTIONS.open(encoding="utf-8", newline="") as lines:
        asked = [(int(times), question) for times, question in csv.reader(lines, delimiter="\t")]
    for times, question in asked:
        key = chatbot.key_of(question)
        for _ in range(times):
            if await cache.get(key) is None and chatbot.FORGETS not in faults:
                await cache.put(key, chatbot.reply_to(question))
    await cache.close()
    return cache.rate.value()


if __name__ == "__main__":
    os.environ.setdefault("DATABASE_URL", "postgresql://not-needed")
    sys.stdout.write(f"{asyncio.run(replay()):.0%} of the questions were answered by the cache\n")
