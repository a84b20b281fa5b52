"""What a waiting caller is told: how many stand before them, and how long it may take."""

from __future__ import annotations

from acd.commands import Announce
from ivr.saying import say_place, say_wait

CALLBACK_OFFER = ("callback-offer",)
"""Said when an overflow recipe offers a callback; the caller may insist on waiting."""


def position_prompts(announce: Announce, language: str) -> tuple[str, ...]:
    """Prompt ids for an announcement, short pieces first to last; each can be cut by an agent who comes free."""
    said: list[str] = ["queue-first" if announce.first else "queue-still-waiting"]
    if announce.why:
        said.append("queue-longer")
    if announce.position > 1 or not announce.first:
        said += say_place(announce.position - 1, language)
    if announce.wait_high is not None:
        said += say_wait(announce.wait_low or 0.0, announce.wait_high, language)
    return tuple(said)
