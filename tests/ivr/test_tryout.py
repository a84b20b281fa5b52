"""A flow in the terminal: what is written for what is keyed."""

from __future__ import annotations

import pytest

from ivr.calendar import Calendar
from ivr.inputs import CallbackStands, NumberFits, NumberRefused, PromiseStands
from ivr.session import Caller, Session
from ivr.tryout import ServerAnswers, run

TEXTS = {
    "zh": {"welcome": "您好。", "menu-main": "投诉请按一。", "menu-complaint": "请选择。", "goodbye": "再见。"},
    "en": {"menu-main": "Press one.", "language": "按九。"},
}


@pytest.fixture
def transcript(flows):
    def tried(*lines: str, answers: ServerAnswers | None = None, start: str = "hotline", **fields: str) -> str:
        written: list[str] = []
        left = iter(lines)
        session = Session(flows, start, Caller("13800138000", fields=fields), Calendar.always_open(), 0.0)
        run(session, lambda _: next(left, None), written.append, texts=TEXTS, clock=lambda: 1.79e9, answers=answers)
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


def test_callback_mode_can_be_tried_and_a_number_is_refused_by_the_rules(transcript):
    def check(number: str) -> NumberFits | NumberRefused:
        return NumberRefused("no", "own") if number == "4008001234" else NumberFits(number)

    answers = ServerAnswers(CallbackStands(active=True, low=100, high=280), check=check)
    text = transcript("2", "1", "2", "4008001234#", "13900139000#", "1", "", answers=answers)
    assert "[callback-offer-entry]" in text
    assert "[number-own]" in text
    assert "called back at 13900139000" in text
    assert "[callback-accepted][callback-in-about]" in text
    assert "[number-limit]" in transcript("2", "1", "1", "limit", answers=answers)


def test_a_promise_can_be_kept_waited_for_and_cancelled(transcript):
    answers = ServerAnswers(promise=PromiseStands(7, "orders", low=100, high=280))
    assert "[recall-kept]" in transcript("1", answers=answers)
    assert "waits in queue orders, in the place of call back 7" in transcript("2", answers=answers)
    assert "cancel call back 7" in transcript("3", "", answers=answers)
    assert "[recall-gone]" in transcript("3", "it is over", answers=answers)


def test_being_called_back_can_be_tried(transcript):
    fields = {"dialling": "customer_first", "promise": "7", "business": "orders"}
    assert "waits in queue orders" in transcript("1", start="callback", **fields)
    assert "postpone call back 7 by 3600 s" in transcript("2", "", start="callback", **fields)
