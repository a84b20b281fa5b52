"""The check of identity: digits are compared by the server and stand in nothing that is logged or kept."""

from __future__ import annotations

import pytest

from ivr import inputs, verbs
from ivr.calendar import Calendar
from ivr.flow import Flow
from ivr.session import Caller, Session
from tables.errors import TableError
from tests.ivr.conftest import Line

NODE = {
    "kind": "identity",
    "prompts": ["identity-ask"],
    "no_match": [["identity-wrong", "identity-ask"]],
    "attempts": 2,
    "next": "ours",
    "unknown": "theirs",
    "on_fail": "theirs",
}
FLOWS = {
    "f": Flow.from_dict(
        "f",
        {
            "start": "who",
            "nodes": {
                "who": NODE,
                "ours": {"kind": "hangup", "why": "ours"},
                "theirs": {"kind": "hangup", "why": "theirs"},
            },
        },
    )
}


def line(identity: str = "1234") -> Line:
    session = Session(FLOWS, "f", Caller("13800138000"), Calendar.always_open(), 0.0)
    return Line(session, identity=identity)


def test_digits_that_fit_verify_the_caller_and_stand_in_nothing_but_the_question() -> None:
    call = line().starts()
    assert isinstance(call.said[-1], verbs.Gather)
    assert call.told(inputs.Digits("1234")).session.over == "ours"
    assert call.asked == [verbs.CheckIdentity("1234")]
    assert call.session.fields["verified"] == "yes"
    assert "1234" not in call.session.snapshot() + repr(call.said) + repr(call.asked)


def test_after_the_last_wrong_answer_the_caller_goes_on_unverified() -> None:
    call = line().starts()
    said = call.told(inputs.Digits("9999")).said[-1]
    assert isinstance(said, verbs.Gather)
    assert said.prompts == ("identity-wrong", "identity-ask")
    assert call.told(inputs.Digits("9998")).session.over == "theirs"
    assert call.session.fields["verified"] == "no"


def test_a_wrong_length_and_silence_count_as_misses() -> None:
    call = line().starts()
    call.told(inputs.Digits("12#"))
    assert call.told(inputs.NoInput()).session.over == "theirs"
    assert "verified" not in call.session.fields


def test_who_has_nothing_to_compare_with_is_asked_nothing() -> None:
    call = line(identity="").starts()
    assert call.session.over == "theirs"
    assert not any(isinstance(verb, verbs.Gather) for verb in call.said)


def test_after_a_crash_the_question_is_put_again_and_the_misses_count_on() -> None:
    call = line().starts()
    call.told(inputs.Digits("9999"))
    restored = Session.restore(FLOWS, call.session.snapshot(), Caller("13800138000"), Calendar.always_open())
    again = Line(restored, identity="1234").starts()
    assert isinstance(again.said[-1], verbs.Gather)
    assert again.told(inputs.Digits("9999")).session.over == "theirs"


def test_a_node_without_a_way_out_is_refused() -> None:
    node = {key: value for key, value in NODE.items() if key != "on_fail"}
    with pytest.raises(TableError, match="on_fail"):
        Flow.from_dict("f", {"start": "who", "nodes": {"who": node}})
