"""Guessers of passwords are told and refused for a while; one wrong phone in an office is not."""

from __future__ import annotations

from server.telephony.agent.wrong_passwords import WrongPasswords

GUESSER, PHONE = "192.0.2.7", "192.0.2.8"


def test_an_address_with_too_many_in_a_minute_is_refused_for_a_while() -> None:
    passwords = WrongPasswords(10, 60.0)
    found = [passwords.failed(GUESSER, "agent 1002", 100 + n / 10) for n in range(10)]
    assert found == [False] * 9 + [True]
    passwords.slow(GUESSER, 101.0)
    assert passwords.slowed(160.0) == {GUESSER}
    assert passwords.slowed(161.5) == frozenset()
    assert passwords.count == 10


def test_a_phone_with_a_wrong_password_that_tries_every_ten_seconds_is_not_refused() -> None:
    passwords = WrongPasswords(10, 60.0)
    assert not any(passwords.failed(PHONE, "agent 1002", 10.0 * n) for n in range(100))


def test_what_came_in_the_last_minutes_is_a_warning() -> None:
    passwords = WrongPasswords(10, 60.0)
    for n in range(300):
        passwords.failed(GUESSER, "agent 1002", 100 + n * 8 / 300)
    passwords.failed(PHONE, "agent 1003", 107.0)
    assert passwords.warning(110.0).startswith(
        "301 wrong passwords came in 10 minutes, 300 of them from 192.0.2.7 for agent 1002: this address is not refused"
    )
    passwords.slow(GUESSER, 109.0)
    assert "is refused just now" in passwords.warning(110.0)
    assert passwords.warning(800.0) == ""


def test_many_addresses_fill_no_memory() -> None:
    passwords = WrongPasswords(10, 60.0)
    for n in range(30_000):
        passwords.failed(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", "agent 1002", 100.0)
    assert len(passwords._times) <= 10_000
    assert passwords.count == 30_000
