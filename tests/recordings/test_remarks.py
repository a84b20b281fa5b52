"""Sentences that the log keeps of recordings are known by code and values."""

from __future__ import annotations

from recordings.catalogue import Measured, judge
from recordings.remarks import remark


def test_every_sentence_of_the_judge_has_a_code_and_its_values() -> None:
    silent = Measured(caller_seconds=0.0, agent_seconds=60.0, caller_level=0.0, agent_level=-96.0)
    short = Measured(caller_seconds=3.0, agent_seconds=9.5, caller_level=-20.0, agent_level=-20.0)
    said = [*judge(silent), *judge(short, talked=70.0)]
    assert [remark(each) for each in said] == [
        ("unrecorded", {"side": "caller"}),
        ("silent", {"side": "agent", "level": -96, "seconds": 60}),
        ("shorter", {"side": "caller", "seconds": 6.5}),
        ("short", {"covered": 10, "talked": 70}),
    ]


def test_what_is_not_known_stays_a_sentence() -> None:
    assert remark("the moon is in the way") == ("", {})
    assert remark("nothing was written") == ("nothing", {})
