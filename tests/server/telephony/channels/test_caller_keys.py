"""No key is lost between AMI, which tells of keys and hangups, and the sessions that hold callers."""

from __future__ import annotations

import pytest

from server.telephony.channels.caller_keys import EARLY, CallerKeys


class Session:
    """Hears digits; `keyed` is what it has of an answer."""

    def __init__(self, keyed: str = "") -> None:
        self.heard, self.keyed = "", keyed

    def digit(self, digit: str) -> None:
        self.heard += digit


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> CallerKeys:
    return CallerKeys(clock)


def test_keys_go_to_the_session_that_holds_the_caller(keys: CallerKeys) -> None:
    mine, other = Session(), Session()
    keys.hear("u1", mine)
    keys.hear("u2", other)
    keys.press("u1", "1")
    assert (mine.heard, other.heard) == ("1", "")


def test_early_keys_wait_for_the_session_and_old_ones_are_dropped(keys: CallerKeys, clock: Clock) -> None:
    keys.press("u1", "1")
    clock.now += EARLY + 0.1
    keys.press("u1", "2")
    session = Session()
    keys.hear("u1", session)
    assert session.heard == "2"


def test_what_was_keyed_is_known_at_the_hangup_before_and_after_the_session_ends(keys: CallerKeys) -> None:
    keys.hear("u1", Session("0218"))
    assert keys.gone("u1") == "0218"
    release = keys.hear("u2", Session("0219"))
    release()
    assert keys.gone("u2") == "0219"
    assert keys.gone("u2") == ""


def test_a_session_that_was_replaced_releases_nothing(keys: CallerKeys) -> None:
    release = keys.hear("u1", Session("0218"))
    after = Session()
    keys.hear("u1", after)
    release()
    keys.press("u1", "5")
    assert after.heard == "5"


def test_channels_that_are_gone_are_forgotten(keys: CallerKeys) -> None:
    keys.press("u1", "1")
    keys.keep({"u2"})
    session = Session()
    keys.hear("u1", session)
    assert session.heard == ""
