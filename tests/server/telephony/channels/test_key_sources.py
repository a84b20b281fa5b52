"""A key counts once, however many ways a telephone sends it, and as often as it is pressed."""

from __future__ import annotations

import pytest

from server.telephony.channels.key_sources import ChannelKeys, KeySources

Told = tuple[str, str, float, float]


def counted(*told: Told) -> str:
    """The keys that count of what Asterisk tells: ("began" or "ended", key, at, length)."""
    keys, count = ChannelKeys(), ""
    for what, key, at, length in told:
        if what == "began":
            keys.began(key, 100 + at)
        elif keys.ended(key, length, 100 + at):
            count += key
    return count


def stream(key: str, at: float, length: float = 0.1) -> list[Told]:
    """A key as RFC 4733 events, or as a tone."""
    return [("began", key, at, 0.0), ("ended", key, at + length, length)]


def message(key: str, at: float, length: float = 0.1) -> list[Told]:
    """A key as SIP INFO."""
    return [("ended", key, at, length)]


def in_order(*groups: list[Told]) -> list[Told]:
    return sorted((each for group in groups for each in group), key=lambda each: each[2])


@pytest.mark.parametrize("late", [-0.05, 0.05, 0.15, 0.3, 0.6])
def test_a_key_that_comes_both_ways_counts_once(late: float) -> None:
    told = [each for at, key in ((0, "1"), (1, "4")) for each in (stream(key, at), message(key, at + late))]
    assert counted(*in_order(*told)) == "14"


def test_two_presses_that_come_both_ways_are_two() -> None:
    told = [each for at in (0, 0.35) for each in (stream("1", at), message("1", at + 0.05))]
    assert counted(*in_order(*told)) == "11"


@pytest.mark.parametrize("apart", [0.16, 0.2, 0.5])
@pytest.mark.parametrize("way", [stream, message])
def test_quick_presses_of_the_same_key_are_as_many(apart: float, way: object) -> None:
    assert counted(*in_order(*(way(key, apart * place) for place, key in enumerate("1116")))) == "1116"


def test_a_message_that_asterisk_keeps_and_tells_once_more_is_one_key() -> None:
    # The second comes while Asterisk makes a key of the first: it is told at 0.12, and again at 0.16.
    assert counted(*message("1", 0), *message("1", 0.12), *message("1", 0.16)) == "11"


def test_a_key_in_the_stream_that_came_too_early_for_asterisk_is_one_key_with_its_message() -> None:
    assert counted(*message("1", 0), *stream("1", 0.02, 0.06), *message("1", 0.15, 0.06)) == "1"


def test_a_key_that_cut_a_prompt_short_is_one_key_although_asterisk_is_free_again_sooner() -> None:
    # As Asterisk told it: the message ends the key in the stream, whose own end is told at 0.077, and again at 0.082.
    began = [("began", "4", 0.0, 0.0)]
    assert counted(*began, *message("4", 0.034), *message("4", 0.077), *message("4", 0.082)) == "4"


def event(digit: str, at: float, **more: str) -> dict[str, str]:
    told = {"Uniqueid": "u1", "Digit": digit, "Direction": "Received", "DurationMs": "100", "Timestamp": f"{at:.6f}"}
    return told | more


def test_what_is_told_again_is_told_apart_and_what_asterisk_sends_is_no_key() -> None:
    keys, pressed, again = KeySources(), [], []
    keys.pressed, keys.again = (lambda told: pressed.append(told["Digit"]),), lambda told: again.append(told["Digit"])
    keys.began(event("1", 5.0))
    keys.ended(event("1", 5.05))
    keys.ended(event("1", 5.2))
    keys.ended(event("2", 6.0, Direction="Sent"))
    assert (pressed, again) == (["1"], ["1"])
    keys.gone(event("", 7.0))
    keys.ended(event("1", 5.3))
    assert pressed == ["1", "1"]
