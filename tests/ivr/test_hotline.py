"""The default hotline, as a caller meets it."""

from __future__ import annotations

import pytest

from ivr.calendar import Calendar
from ivr.inputs import Digits, NotServed, Promised, Recorded, RecordFailed, Served
from ivr.verbs import Enqueue, Gather, Hangup, Play, Satisfaction, SetField, SetLanguage, TakeMessage, TakeNumber

NEVER_OPEN = Calendar(zone=Calendar.always_open().zone, weekly=((),) * 7)


def test_a_caller_is_welcomed_told_of_the_recording_and_asked_what_it_is_about(dial):
    line = dial()
    assert line.heard == ("welcome", "notice-recording", "language", "menu-main")
    assert isinstance(line.last, Gather)


def test_a_caller_who_is_not_recorded_is_told_so(dial):
    line = dial(fields={"recorded": "no"})
    assert line.heard == ("welcome", "notice-not-recorded", "language", "menu-main")


@pytest.mark.parametrize(
    ("key", "category"), [("1", "process"), ("2", "system"), ("3", "competence"), ("4", "attitude"), ("5", "usage")]
)
def test_a_complaint_is_queued_with_the_category_that_was_chosen(dial, key, category):
    line = dial().keys("1", key)
    assert line.last == Enqueue(queue="complaint", category=category)


@pytest.mark.parametrize(("key", "queue"), [("2", "inquiry"), ("3", "orders"), ("4", "partnership"), ("5", "media")])
def test_other_business_goes_to_its_own_queue_at_once(dial, key, queue):
    assert dial().keys(key).last == Enqueue(queue=queue)


def test_zero_is_a_person_anywhere(dial):
    assert dial().keys("0").last == Enqueue(queue="inquiry")
    assert dial().keys("1", "0").last == Enqueue(queue="complaint")
    assert isinstance(dial().keys("2").told(NotServed("callback")).keys("2", "0#").last, Enqueue)


def test_star_says_it_again_and_costs_no_attempt(dial):
    line = dial()
    for _ in range(5):
        assert line.keys("*").heard == ("language", "menu-main")


def test_a_caller_who_chooses_no_kind_of_complaint_is_queued_all_the_same(dial):
    assert dial().keys("1").is_silent(3).last == Enqueue(queue="complaint")


def test_a_caller_of_whom_no_key_arrives_gets_a_person_after_three_questions(dial):
    line = dial().is_silent(2)
    assert line.heard == ("no-input", "language", "menu-main")
    assert line.is_silent().last == Enqueue(queue="inquiry")


def test_a_caller_who_keys_nonsense_gets_a_person(dial):
    assert isinstance(dial().keys("7", "8", "6").last, Enqueue)


def test_nine_changes_the_language_and_changes_it_back(dial):
    line = dial().keys("9")
    assert line.did(SetLanguage) == [SetLanguage("en")]
    assert line.heard == ("language", "menu-main")
    assert line.keys("9").did(SetLanguage) == [SetLanguage("zh")]


def test_after_the_conversation_the_caller_gives_a_mark_and_is_thanked(dial):
    line = dial().keys("1", "4").told(Served(talked=60))
    assert line.heard == ("survey",)
    assert line.last.flush, "what was keyed during the conversation is no mark"
    line.keys("5")
    assert line.said == [Satisfaction(5), Play(("survey-thanks",)), Play(("goodbye",)), Hangup("done")]


def test_a_caller_may_leave_the_survey_out(dial):
    line = dial().keys("2").told(Served()).keys("#")
    assert line.heard == ("goodbye",)
    assert not line.did(Satisfaction)


def test_a_caller_who_gives_no_mark_is_asked_twice_and_let_go(dial):
    line = dial().keys("2").told(Served()).keys("7")
    assert line.heard == ("survey-no-match", "survey")
    assert line.is_silent().last == Hangup("done")


def test_a_vip_and_a_caller_with_an_open_ticket_are_greeted_as_such(dial):
    assert dial(vip=True).heard[0] == "welcome-vip"
    assert dial(open_ticket=17).heard[0] == "welcome-open-ticket"
    assert dial(vip=True, open_ticket=17).heard[0] == "welcome-vip"


def test_a_nuisance_caller_hears_a_message_and_is_never_queued(dial):
    line = dial(lists=frozenset({"nuisance"}), vip=True)
    assert line.said[1:] == [Play(("nuisance",)), Hangup("nuisance")]


def test_out_of_hours_a_message_or_a_number_can_be_left(dial):
    line = dial(calendar=NEVER_OPEN)
    assert line.heard == ("welcome", "notice-recording", "closed", "closed-message-or-number")
    assert isinstance(line.keys("1").last, TakeMessage)
    line.told(Recorded("m1.wav", 12.0))
    assert line.heard == ("message-saved", "goodbye")


def test_out_of_hours_a_caller_of_whom_no_key_arrives_may_leave_a_message(dial):
    assert isinstance(dial(calendar=NEVER_OPEN).is_silent(3).last, TakeMessage)


def test_out_of_hours_zero_queues_nobody(dial):
    line = dial(calendar=NEVER_OPEN).keys("0")
    assert line.heard == ("closed", "closed-message-or-number")


def test_an_empty_message_is_asked_for_once_more(dial):
    line = dial().keys("2").told(NotServed("message")).told(Recorded("m1.wav", 0.4))
    assert line.heard == ("message-empty", "message-leave")
    assert line.told(RecordFailed("disk full")).last == Hangup("done")


def test_the_number_the_caller_rings_from_is_read_back_and_taken(dial):
    line = dial().keys("3").told(NotServed("callback"))
    assert line.heard[:2] == ("callback-go-on-waiting", "callback-number-caller")
    assert line.heard[-1] == "callback-number-confirm"
    assert line.keys("1").last == TakeNumber("13800138000")
    line.told(Promised("13800138000"))
    assert SetField("number", "13800138000") in line.said
    assert line.heard == ("callback-accepted", "callback-soon", "goodbye")


def test_another_number_can_be_keyed_in_and_is_read_back(dial):
    line = dial().keys("3").told(NotServed("callback")).keys("2")
    assert line.heard == ("callback-number-ask",)
    line.keys("02188886666#")
    assert line.heard[0] == "number-keyed"
    assert line.keys("1").last == TakeNumber("02188886666")


def test_a_caller_without_a_number_is_asked_for_one(dial):
    line = dial(number="anonymous").keys("3").told(NotServed("callback"))
    assert line.heard == ("callback-go-on-waiting", "callback-number-ask")


@pytest.mark.parametrize("why", ["message", "overflow", "", "anything"])
def test_a_caller_whom_nobody_could_serve_leaves_a_message(dial, why):
    assert isinstance(dial().keys("2").told(NotServed(why)).last, TakeMessage)


def test_a_queue_that_says_goodbye_does_so_in_words(dial):
    line = dial().keys("2").told(NotServed("goodbye"))
    assert line.heard == ("queue-busy", "goodbye")
    assert line.last == Hangup("overflow")


def test_a_caller_who_was_promised_a_callback_in_the_queue_is_not_asked_again(dial):
    assert dial().keys("2").told(NotServed("promised")).heard == ("number-saved", "goodbye")


@pytest.mark.parametrize("language", ["fr", ""])
def test_a_language_without_prompts_is_spoken_in_the_first_one(dial, language):
    assert dial(fields={"language": language}).did(SetLanguage) == [SetLanguage("zh")]
    assert dial(fields={"language": "en"}).did(SetLanguage) == [SetLanguage("en")]


def test_a_step_after_the_end_is_the_same_end(dial):
    line = dial(lists=frozenset({"nuisance"}))
    assert line.told(Digits("1")).said == [Hangup("nuisance")]
