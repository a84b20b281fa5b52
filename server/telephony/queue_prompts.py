"""What a waiting caller is told: how many stand before them, and how long it may take."""

from __future__ import annotations

from math import ceil

from acd.commands import Announce
from ivr.saying import say_number

CALLBACK_OFFER = ("callback-offer",)
"""Said when an overflow recipe offers a callback; the caller may insist on waiting."""


def position_prompts(announce: Announce, language: str) -> tuple[str, ...]:
    """Prompt ids for an announcement, short pieces first to last; each can be cut by an agent who comes free."""
    said: list[str] = ["queue-first" if announce.first else "queue-still-waiting"]
    if announce.why:
        said.append("queue-longer")
    ahead = announce.position - 1
    if ahead == 0 and not announce.first:
        said.append("queue-ahead-none")
    elif ahead == 1:
        said.append("queue-ahead-one")
    elif ahead > 1:
        said += ["queue-ahead-before", *say_number(ahead, language, counting=True), "queue-ahead-after"]
    if announce.wait_high is not None:
        said += _wait(announce.wait_low or 0.0, announce.wait_high, language)
    return tuple(said)


def _wait(low: float, high: float, language: str) -> tuple[str, ...]:
    if high < 60:
        return ("queue-under-a-minute",)
    first, last = max(1, round(low / 60)), ceil(high / 60)
    if last == 1:
        return ("queue-a-minute",)
    if first >= last:
        return ("queue-wait-about", *say_number(last, language, counting=True), "queue-minutes")
    return (
        "queue-wait-about",
        *say_number(first, language, counting=True),
        "queue-to",
        *say_number(last, language, counting=True),
        "queue-minutes",
    )
