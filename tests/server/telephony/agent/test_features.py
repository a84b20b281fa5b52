"""The meaning of an agent's keys, one after the other."""

from __future__ import annotations

import pytest

from server.telephony.agent.features import Keyed, Keys


def pressed(digits: str) -> list[Keyed]:
    keys = Keys()
    return [keyed for digit in digits if (keyed := keys.press(digit)) is not None]


@pytest.mark.parametrize(("digits", "code"), [("*1", "1"), ("*0", "0"), ("*6", "6"), ("**1", "1"), ("5*1", "1")])
def test_a_star_and_a_digit_are_a_code(digits: str, code: str) -> None:
    assert pressed(digits) == [Keyed(code)]


@pytest.mark.parametrize("digits", ["1", "01", "*", "*41", "*7", "#", "1#", "*71"])
def test_other_keys_mean_nothing(digits: str) -> None:
    assert pressed(digits) == []


def test_a_number_holds_the_caller_from_its_code_on_and_ends_with_a_hash() -> None:
    assert pressed("*21002#") == [Keyed("2", begun=True), Keyed("2", "1002")]
    assert pressed("*301012345678#*1") == [Keyed("3", begun=True), Keyed("3", "01012345678"), Keyed("1")]


def test_no_number_hands_the_call_to_the_colleague_who_is_asked() -> None:
    assert pressed("*3#") == [Keyed("3", begun=True), Keyed("3")]


def test_a_star_in_a_number_gives_it_up_and_begins_anew() -> None:
    assert pressed("*210*1") == [Keyed("2", begun=True), Keyed(""), Keyed("1")]


def test_a_number_that_is_given_up_leaves_nothing_behind() -> None:
    keys = Keys()
    for digit in "*210":
        keys.press(digit)
    assert keys.midway
    keys.give_up()
    assert not keys.midway
    assert keys.press("#") is None
