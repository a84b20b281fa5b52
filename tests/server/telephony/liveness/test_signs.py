"""When a phone of which nothing is heard is asked, and what a re-INVITE offers."""

from __future__ import annotations

import pytest

from server.telephony.liveness.signs import TEARDOWN, Sign, asks_caller, asks_phone, other_offer


def test_silence_counts_from_between_the_two_looks_in_which_the_last_packet_came() -> None:
    sign = Sign(100, 10.0, 10.0)
    sign.look(200, 12.0)
    sign.look(200, 14.0)
    assert sign.silent(14.0) == 3.0


def test_sound_ends_the_doubt() -> None:
    sign = Sign(100, 10.0, 10.0)
    sign.ask(16.0)
    sign.look(101, 18.0)
    assert sign.asked_at is None


def test_a_silent_phone_is_looked_at_twice_as_often() -> None:
    sign = Sign(100, 10.0, 10.0)
    assert sign.due(2.0) == 12.0
    sign.look(100, 12.0)
    assert sign.due(2.0) == 13.0


def test_an_agents_phone_is_asked_at_half_of_the_limit_and_again_as_long_after() -> None:
    sign = Sign(100, 10.0, 10.0)
    assert not asks_phone(sign, 13.9, 8.0)
    assert asks_phone(sign, 14.0, 8.0)
    sign.ask(14.0)
    assert not asks_phone(sign, 17.9, 8.0)
    assert asks_phone(sign, 18.0, 8.0)


def test_a_lost_phone_is_noticed_within_ten_seconds_of_its_last_packet() -> None:
    limit, every = 8.0, 2.0
    for last in (0.01, 0.5, 1.0, 1.99, 2.0):  # before the look at 2.0
        sign, now, lost = Sign(0, 0.0, 0.0), 0.0, 0.0
        while not lost:
            now += 0.125
            if sign.due(every) <= now:
                sign.look(int(min(now, last) * 50), now)
                if asks_phone(sign, now, limit):
                    sign.ask(now)
                answered = sign.asked_at is None or now - sign.asked_at < 3.0
                lost = now if sign.silent(now) >= limit and not answered else 0.0
        assert 7.0 <= lost - last <= 10.0


def test_a_caller_who_vanishes_is_gone_at_the_limit_whenever_the_packets_are_counted() -> None:
    limit, every, looks = 30.0, 2.0, 0.5
    for last in (0.01, 0.5, 1.0, 1.99, 2.0):
        sign, now, asked = Sign(0, 0.0, 0.0), 0.0, 0.0
        while not asked:
            now += looks
            if sign.due(every) <= now:
                sign.look(int(min(now, last) * 50) + 1, now)
            asked = now if asks_caller(sign, now, limit) else 0.0
        assert limit - every <= asked + TEARDOWN - last <= limit + looks


def test_a_caller_is_asked_so_early_that_one_who_is_gone_is_gone_at_the_limit() -> None:
    sign = Sign(100, 10.0, 10.0)
    assert not asks_caller(sign, 10.0 + 30.0 - TEARDOWN - 0.1, 30.0)
    assert asks_caller(sign, 10.0 + 30.0 - TEARDOWN, 30.0)
    sign.ask(27.2)
    assert not asks_caller(sign, 57.0, 30.0)
    assert asks_caller(sign, 57.2, 30.0)


@pytest.mark.parametrize(
    ("offered", "native", "offer"),
    [
        ("alaw,ulaw", "(alaw)", "!all,alaw"),
        ("alaw,ulaw", "(ulaw)", "!all,ulaw"),
        ("alaw", "(alaw)", "!all,alaw,ulaw"),
        ("ulaw", "(ulaw)", "!all,ulaw,alaw"),
        ("g722", "(g722)", "!all,g722,alaw"),
    ],
)
def test_a_re_invite_offers_something_else_and_always_the_codec_in_use(offered: str, native: str, offer: str) -> None:
    assert other_offer(offered, native) == offer
