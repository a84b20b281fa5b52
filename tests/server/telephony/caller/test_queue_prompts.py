"""The announcements to waiting callers, piece by piece."""

from __future__ import annotations

import pytest

from acd.commands import Announce
from ivr.manifest import Manifest
from server.hotline.definitions import PROMPTS
from server.telephony.caller.queue_prompts import CALLBACK_OFFER, position_prompts
from tables.toml import read


@pytest.mark.parametrize(
    ("announce", "prompts"),
    [
        (Announce(1, 1, first=True), ["queue-first"]),
        (Announce(1, 2, 10.0, 50.0, first=True), ["queue-first", "queue-ahead-one", "queue-under-a-minute"]),
        (Announce(1, 1), ["queue-still-waiting", "queue-ahead-none"]),
        (Announce(1, 1, 20.0, 60.0), ["queue-still-waiting", "queue-ahead-none", "queue-a-minute"]),
        (
            Announce(1, 4, 100.0, 290.0, why="fewer_agents"),
            [
                *("queue-still-waiting", "queue-longer", "queue-ahead-before", "digit-3", "queue-ahead-after"),
                *("queue-wait-about", "digit-liang", "queue-to", "digit-5", "queue-minutes"),
            ],
        ),
    ],
)
def test_a_caller_hears_place_and_wait(announce: Announce, prompts: list[str]) -> None:
    assert list(position_prompts(announce, "zh")) == prompts


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_piece_has_been_recorded(language: str) -> None:
    known = set(Manifest.from_dict(read(PROMPTS / "manifest.toml")[0]).ids(language))
    for position in range(1, 60):
        for high in (None, 30.0, 60.0, 170.0, 3600.0):
            for why in ("", "overtaken"):
                said = position_prompts(Announce(1, position, (high or 0) / 2, high, why=why), language)
                assert known.issuperset(said), set(said) - known
    assert known.issuperset(CALLBACK_OFFER)
