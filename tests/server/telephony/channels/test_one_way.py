"""Which counts of packets mean that the sound goes one way only."""

from __future__ import annotations

import pytest

from server.telephony.channels.one_way import CameBack, Learn, OneWay, Side, Stopped, Told

AGENT, CALLER = Side.AGENT, Side.CALLER


def told(caller: str, agent: str, *, after: float = 5, learn_after: float = 3) -> list[tuple[int, Told]]:
    """(second, what was told): in each second a side sends 50 packets (#), one packet of comfort noise (.) or none."""
    watch, sent = OneWay(after, learn_after), {CALLER: 7, AGENT: 7}
    found: list[tuple[int, Told]] = [(0, each) for each in watch.count(7, 7, 0.0)]
    for second, signs in enumerate(zip(caller, agent, strict=True), start=1):
        for side, sign in zip(sent, signs, strict=True):
            sent[side] += {"#": 50, ".": 1, " ": 0}[sign]
        found += [(second, each) for each in watch.count(sent[CALLER], sent[AGENT], float(second))]
    return found


def test_two_sides_that_send_are_heard() -> None:
    assert told("########", "########") == []


def test_a_side_whose_packets_stop_is_told_of_once_and_when_it_comes_back() -> None:
    assert told("##########", "##      ##", learn_after=0) == [(7, Stopped(AGENT, 5)), (9, CameBack(AGENT, 7))]


def test_a_side_that_never_sent_anything_is_told_of() -> None:
    assert told("      ", "######", learn_after=0) == [(5, Stopped(CALLER, 5))]


def test_asterisk_learns_the_port_of_a_side_whose_packets_stop_before_the_alarm() -> None:
    assert told("#######", "##   ##") == [(5, Learn(AGENT))]
    assert told("#######", "##     ") == [(5, Learn(AGENT)), (7, Stopped(AGENT, 5))]
    asked = [at for at, each in told("#" * 60, "##" + " " * 58) if each == Learn(AGENT)]
    assert asked == [5, 8, 14, 26]


def test_two_sides_that_are_silent_are_no_one_way_sound() -> None:
    assert told("##          ", "##          ") == []


def test_packets_of_silence_and_comfort_noise_are_packets() -> None:
    assert told("############", "............") == []


@pytest.mark.parametrize("pause", [2, 4])
def test_a_side_that_leaves_packets_out_while_it_is_silent_has_longer(pause: int) -> None:
    silent, long = " " * pause, " " * 29
    assert told("#" * 60, ("#" + silent + "#" + long).ljust(60, "#"), learn_after=0) == []
    longer = "#" + silent + "#" + " " * 32
    assert told("#" * len(longer), longer, learn_after=0) == [(pause + 32, Stopped(AGENT, 30))]


def test_a_hold_begins_the_count_anew() -> None:
    watch = OneWay(5, 3)
    assert not list(watch.count(0, 0, 0.0))
    assert not list(watch.count(50, 0, 2.0))
    watch.rest()
    assert not list(watch.count(100, 0, 30.0))
    assert not list(watch.count(150, 0, 32.0))
    assert list(watch.count(400, 0, 35.0)) == [Learn(AGENT), Stopped(AGENT, 5.0)]


def test_counts_that_are_far_apart_are_no_pauses() -> None:
    watch = OneWay(5, 0)
    for second in range(0, 10, 2):
        assert not list(watch.count(50 * second, 50 * second, float(second)))
    found = [each for second in range(10, 20, 2) for each in watch.count(50 * second, 400, float(second))]
    assert found == [Stopped(AGENT, 6.0)]
