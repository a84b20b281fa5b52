"""A flow in the terminal: what is written for what is keyed."""

from __future__ import annotations

import pytest

from ivr.calendar import Calendar
from ivr.session import Caller, Session
from ivr.tryout import run

TEXTS = {
    "zh": {"welcome": "您好。", "menu-main": "投诉请按一。", "menu-complaint": "请选择。", "goodbye": "再见。"},
    "en": {"menu-main": "Press one.", "language": "按九。"},
}


@pytest.fixture
def transcript(flows):
    def tried(*lines: str) -> str:
        written: list[str] = []
        left = iter(lines)
        session = Session(flows, "hotline", Caller("13800138000"), Calendar.always_open(), 0.0)
        run(session, lambda _: next(left, None), written.append, texts=TEXTS, clock=lambda: 1.79e9)
        return "\n".join(written)

    return tried


def test_a_call_is_written_down_from_welcome_to_goodbye(transcript):
    text = transcript("1", "4", "", "5")
    assert "☏ 您好。" in text
    assert "category = attitude" in text
    assert "waits in queue complaint, category attitude" in text
    assert "satisfaction 5" in text
    assert text.endswith("the hotline hangs up: done")


def test_keys_beyond_an_answer_are_for_the_next_question(transcript):
    text = transcript("14", "")
    assert "category attitude" in text
    assert "请选择。" not in text


def test_english_is_shown_in_english_and_a_prompt_without_text_by_its_id(transcript):
    text = transcript("9")
    assert "按九。 Press one." in text
    assert "[notice-recording]" in text


def test_a_caller_who_hangs_up_ends_it(transcript):
    assert transcript().splitlines()[-1].startswith("  ☏ ")


def test_a_callback_and_a_message_can_be_tried(transcript):
    assert "called back at 13800138000" in transcript("2", "callback", "1", "")
    assert "hangs up: done" in transcript("2", "message", "30")
