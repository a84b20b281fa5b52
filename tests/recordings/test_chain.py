"""A day's recordings form a chain in which every change shows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from recordings.chain import FIRST, Covered, Fault, Kind, Link, link_hash, verify

DAY = "2027-01-15"


def chain(count):
    links, previous = [], FIRST
    for position in range(1, count + 1):
        previous = link_hash(previous, DAY, position, 100 + position, f"{position:064x}")
        links.append(Link(position, 100 + position, f"{position:064x}", previous))
    return links


@given(st.integers(0, 8))
def test_an_untouched_chain_is_whole(count):
    links = chain(count)
    assert verify(DAY, links, links[-1].link if links else FIRST) == []


@given(st.integers(1, 8), st.data())
def test_a_changed_removed_or_moved_recording_shows(count, data):
    links = chain(count)
    at = data.draw(st.integers(0, count - 1))
    changed = [*links[:at], replace(links[at], sha256="f" * 64), *links[at + 1 :]]
    assert verify(DAY, changed)
    removed = [*links[:at], *links[at + 1 :]]
    assert verify(DAY, removed, links[-1].link)
    if count > 1:
        moved = [*removed[: at - 1], links[at], *removed[at - 1 :]] if at else [*links[1:], links[0]]
        assert verify(DAY, moved)


def test_a_chain_of_another_day_is_not_accepted():
    assert verify("2027-01-16", chain(1))


def test_a_fault_names_the_recording():
    links = chain(3)
    sentence = "position 2 of the chain is missing before it"
    assert verify(DAY, [links[0], links[2]]) == [Fault(Kind.REMOVED, 103, sentence)]


COVERED = Covered(7, "1001", 1_800_000_000.25, 12.5)


def second(covered: Covered = COVERED, previous: str = FIRST) -> Link:
    return Link(1, 101, "a" * 64, link_hash(previous, DAY, 1, 101, "a" * 64, COVERED), covered)


def test_a_link_of_the_second_version_covers_call_agent_start_and_length() -> None:
    assert second().link.startswith("2:")
    assert verify(DAY, [second()]) == []
    for changed in (
        replace(COVERED, call=8),
        replace(COVERED, agent="1002"),
        replace(COVERED, started_at=1_800_000_000.251),
        replace(COVERED, seconds=12.501),
        replace(COVERED, deleted="asked for"),
    ):
        (fault,) = verify(DAY, [second(changed)])
        assert (fault.kind, fault.recording) == (Kind.CHANGED, 101)


def test_links_of_both_versions_stand_in_one_chain() -> None:
    first = Link(1, 101, "a" * 64, link_hash(FIRST, DAY, 1, 101, "a" * 64))
    then = Link(2, 102, "b" * 64, link_hash(first.link, DAY, 2, 102, "b" * 64, COVERED), COVERED)
    assert verify(DAY, [first, then]) == []
    assert verify(DAY, [replace(first, sha256="c" * 64), then])[0].recording == 101
