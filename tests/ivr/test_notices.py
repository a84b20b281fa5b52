"""Incident notices: a caller hears each one once, to the end, at the greeting or before the queue that it is for."""

from __future__ import annotations

from ivr import inputs, verbs
from tests.ivr.conftest import Line


def played(line: Line) -> list[str]:
    return [prompt for verb in line.said if isinstance(verb, verbs.Play) for prompt in verb.prompts]


def test_a_notice_for_all_is_said_after_the_greeting_and_one_for_a_queue_before_it(dial) -> None:
    line: Line = dial(notices={"": ((1, "notice-incident"),), "inquiry": ((2, "own-storm"), (1, "notice-incident"))})
    assert played(line)[:3] == ["welcome", "notice-recording", "notice-incident"]
    assert not next(verb for verb in line.said if "notice-incident" in getattr(verb, "prompts", ())).interruptible
    line.told(inputs.Digits("2"))
    assert played(line) == ["own-storm"]
    assert isinstance(line.said[-1], verbs.Enqueue)
    assert line.session.fields["notices_heard"] == "1 2"


def test_without_a_notice_nothing_is_heard_of_it_and_no_field_is_set(dial) -> None:
    line: Line = dial()
    assert "notice-incident" not in played(line)
    assert "notices_heard" not in line.session.fields


def test_a_caller_who_comes_back_to_the_queue_hears_it_no_more(dial) -> None:
    line: Line = dial(notices={"inquiry": ((2, "own-storm"),)})
    line.told(inputs.Digits("2"))
    line.told(inputs.NotServed("callback"))
    assert "own-storm" not in played(line)
