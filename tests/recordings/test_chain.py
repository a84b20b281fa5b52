"""A day's recordings form a chain in which every change shows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from recordings.chain import FIRST, Fault, Kind, Link, forge, verify

DAY = "2027-01-15"


def chain(count):
    links, previous = [], FIRST
    for place in range(1, count + 1):
        previous = forge(previous, DAY, place, 100 + place, f"{place:064x}")
        links.append(Link(place, 100 + place, f"{place:064x}", previous))
    return links


@given(st.integers(0, 8))
def test_an_untouched_chain_is_whole(count):
    links = chain(count)
    assert verify(DAY, links, links[-1].link if links else FIRST) == []


@given(st.integers(1, 8), st.data())
def test_a_changed_removed_or_moved_recording_shows(count, data):
    links = chain(count)
    place = data.draw(st.integers(0, count - 1))
    changed = [*links[:place], replace(links[place], sha256="f" * 64), *links[place + 1 :]]
    assert verify(DAY, changed)
    removed = [*links[:place], *links[place + 1 :]]
    assert verify(DAY, removed, links[-1].link)
    if count > 1:
        moved = [*removed[: place - 1], links[place], *removed[place - 1 :]] if place else [*links[1:], links[0]]
        assert verify(DAY, moved)


def test_a_chain_of_another_day_is_not_accepted():
    assert verify("2027-01-16", chain(1))


def test_a_fault_names_the_recording():
    links = chain(3)
    assert verify(DAY, [links[0], links[2]]) == [Fault(Kind.REMOVED, 103, "place 2 of the chain is missing before it")]
