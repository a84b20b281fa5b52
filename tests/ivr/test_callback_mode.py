"""Callback mode as a caller meets it: on entry, while waiting, called back; and when nothing of it is heard."""

from __future__ import annotations

import pytest

from ivr.calendar import Calendar
from ivr.inputs import CallbackStands, Finished, NoInput, NotServed, Promised, Refused, Served
from ivr.verbs import (
    Answered,
    AskCallback,
    ChangePromise,
    Enqueue,
    Gather,
    Hangup,
    Moved,
    SetField,
    TakeMessage,
    TakeNumber,
)

FORCED = CallbackStands(active=True, forced=True, low=60, high=300)
AUTO = CallbackStands(active=True, low=100, high=280)
NEVER_OPEN = Calendar(zone=Calendar.always_open().zone, weekly=((),) * 7)


# Off, or full


@pytest.mark.parametrize("stands", [CallbackStands(), CallbackStands(active=True, full=True)])
def test_when_no_numbers_are_taken_nothing_is_heard_and_nothing_delays_the_call(dial, stands):
    line = dial(modes={"inquiry": stands}).keys("2")
    assert line.last == Enqueue(queue="inquiry")
    assert line.heard == ()
    assert line.asked == [AskCallback("inquiry")]
    assert line.did(Moved) == [Moved("hotline", "wait")]


def test_the_question_names_queue_and_category(dial):
    assert dial().keys("1", "4").asked == [AskCallback("complaint", "attitude")]


# Forced on


def test_forced_on_for_all_is_announced_in_the_greeting(dial):
    line = dial(modes={"": FORCED, "inquiry": FORCED})
    assert line.heard == ("welcome", "notice-recording", "callback-mode-on", "language", "menu-main")
    assert line.keys("2").heard == ("callback-mode-choice",), "it was announced already"


def test_forced_on_for_one_queue_is_announced_before_that_queue_alone(dial):
    line = dial(modes={"inquiry": FORCED})
    assert "callback-mode-on" not in line.heard
    assert line.keys("2").heard == ("callback-mode-on", "callback-mode-choice")
    assert isinstance(dial(modes={"inquiry": FORCED}).keys("3").last, Enqueue)


def test_forced_on_takes_numbers(dial):
    line = dial(modes={"inquiry": FORCED}).keys("2", "1")
    assert line.heard[:2] == ("callback-go-on-waiting", "callback-number-caller")
    assert line.keys("1").last == TakeNumber("13800138000")


@pytest.mark.parametrize("key", ["2", "0", "7"])
def test_forced_on_lets_a_caller_who_insists_wait(dial, key):
    assert dial(modes={"inquiry": FORCED}).keys("2", key).last == Enqueue(queue="inquiry")


def test_forced_on_lets_a_caller_who_presses_no_key_wait(dial):
    assert isinstance(dial(modes={"inquiry": FORCED}).keys("2").is_silent().last, Enqueue)


# On by itself


def test_on_by_itself_the_wait_is_said_and_a_call_back_offered(dial):
    line = dial(modes={"complaint": AUTO}).keys("1", "4")
    assert line.heard == (
        *("queue-wait-about", "digit-liang", "queue-to", "digit-5", "queue-minutes"),
        "callback-offer-entry",
    )
    assert SetField("callback_offered", "entry") in line.said
    assert line.last.flush, "what was keyed before the offer is no answer to it"


def test_a_wait_that_nobody_knows_is_left_out(dial):
    line = dial(modes={"inquiry": CallbackStands(active=True)}).keys("2")
    assert line.heard == ("callback-offer-entry",)


def test_one_takes_the_number_and_any_other_key_or_silence_waits(dial):
    modes = {"inquiry": AUTO}
    assert dial(modes=modes).keys("2", "1").heard[0] == "callback-go-on-waiting"
    for key in "234567890#":
        assert isinstance(dial(modes=modes).keys("2", key).last, Enqueue), key
    assert isinstance(dial(modes=modes).keys("2").is_silent().last, Enqueue)
    assert dial(modes=modes).keys("2", "*").heard[-1] == "callback-offer-entry"


def test_out_of_hours_nobody_is_asked_how_the_queue_stands(dial):
    line = dial(calendar=NEVER_OPEN, modes={"inquiry": FORCED})
    assert line.heard[-1] == "closed-message-or-number"
    assert line.keys("2").heard[0] == "callback-number-caller", "a number can be left all the same"


# Changing one's mind


def test_a_caller_who_asks_for_a_person_while_giving_a_number_goes_on_waiting_unasked(dial):
    for modes in ({"inquiry": AUTO}, {"inquiry": FORCED}):
        for keys in (
            ("2", "1", "0"),
            ("2", "1", "2", "0"),
            ("2", "1", "2", "0#"),
            ("2", "1", "2", "02188886666#", "0"),
        ):
            assert isinstance(dial(modes=modes).keys(*keys).last, Enqueue), keys
    line = dial(modes={"inquiry": AUTO}).keys("2").is_silent().told(NotServed("callback"))
    assert isinstance(line.keys("0").last, Enqueue)


def test_a_caller_who_accepted_in_the_queue_and_then_declines_is_not_asked_on_entry_again(dial):
    line = dial().keys("2").told(NotServed("callback"))
    line.modes["inquiry"] = AUTO
    assert isinstance(line.keys("0").last, Enqueue)


def test_a_caller_who_gives_no_number_hears_so_and_goes_back_to_the_queue(dial):
    line = dial(modes={"inquiry": AUTO}).keys("2", "1").is_silent(3)
    assert line.heard == ("callback-not-taken",)
    assert line.last == Enqueue(queue="inquiry")


def test_a_number_given_in_the_queue_ends_the_call_and_leaves_no_message(dial):
    line = dial().keys("3").told(NotServed("callback")).keys("1").told(Promised("13800138000", 90, 280))
    assert line.heard[0] == "callback-accepted"
    assert line.last == Hangup("done")


def test_out_of_hours_without_a_number_a_message_is_taken(dial):
    assert isinstance(dial(calendar=NEVER_OPEN).keys("2").is_silent(3).last, TakeMessage)


# Called back


def called_back(dial, dialling="customer_first", **fields):
    known = {"dialling": dialling, "promise": "7", "business": "complaint", "category": "attitude"}
    return dial(start="callback", fields=known | fields)


def test_with_an_agent_on_the_line_the_customer_is_joined_at_once(dial):
    line = called_back(dial, "agent_first")
    assert line.heard == ()
    assert line.last == Enqueue(queue="complaint", category="attitude")
    assert line.told(Served(120)).heard == ("survey",)
    assert line.keys("5").heard == ("survey-thanks", "goodbye")


def test_the_customer_of_a_follow_up_call_is_asked_about_the_matter_instead(dial):
    line = called_back(dial, "agent_first", purpose="follow_up").told(Served(120))
    assert line.heard == ("follow-up-satisfied",)
    line.keys("2")
    assert Answered("satisfied", "no", satisfied=False) in line.said
    assert line.heard == ("follow-up-sorry", "follow-up-reached")
    assert Answered("reached", "yes") in line.keys("1").said
    assert line.keys("7").heard == ("survey-no-match", "survey")
    line.keys("4")
    assert Answered("mark", "4") in line.said
    assert line.heard == ("survey-thanks", "goodbye")


def test_a_customer_who_answers_nothing_decides_nothing(dial):
    line = called_back(dial, "agent_first", purpose="follow_up").told(Served(120))
    line.is_silent(2)
    assert line.last == Hangup("done")
    assert not [verb for verb in line.said if isinstance(verb, Answered)]


def test_a_customer_who_is_called_first_hears_the_hotlines_name_and_is_asked_for_a_key(dial):
    line = called_back(dial)
    assert line.heard == ("callback-answer-confirm",)
    assert isinstance(line.keys("1").last, Enqueue)


def test_a_machine_that_presses_no_key_hears_that_the_hotline_called(dial):
    line = called_back(dial)
    assert isinstance(line.last, Gather)
    assert line.told(NoInput()).heard == ("callback-machine", "goodbye")
    assert line.last == Hangup("machine")


def test_a_wrong_key_is_a_persons_and_they_are_asked_once_more(dial):
    line = called_back(dial).keys("7")
    assert line.heard == ("no-match", "callback-answer-confirm")
    assert isinstance(line.keys("1").last, Enqueue)
    assert called_back(dial).keys("7").told(NoInput()).last == Hangup("machine")


def test_a_customer_who_has_no_time_is_called_in_an_hour(dial):
    line = called_back(dial).keys("2")
    assert line.last == ChangePromise("postpone", 7, 3600)
    assert line.told(Finished()).heard == ("callback-later", "goodbye")
    assert line.last == Hangup("postponed")


def test_a_customer_who_needs_it_no_more_cancels(dial):
    line = called_back(dial).keys("3")
    assert line.last == ChangePromise("cancel", 7)
    assert line.told(Finished()).heard == ("recall-cancelled", "goodbye")
    assert called_back(dial).keys("3").told(Refused("over")).heard == ("recall-gone", "goodbye")


def test_after_a_crash_the_customer_is_asked_again_and_not_hung_up_on(dial):
    line = called_back(dial)
    assert line.crashes().starts().heard == ("callback-answer-confirm",)
    line.keys("1").crashes().starts()
    assert isinstance(line.last, Enqueue)


def test_the_customer_is_spoken_to_in_the_language_of_the_promise(dial):
    assert called_back(dial, language="en").session.language == "en"


@pytest.mark.parametrize(("why", "heard"), [("message", "message-leave"), ("goodbye", "queue-busy")])
def test_a_customer_whose_agent_did_not_come_is_not_lost(dial, why, heard):
    line = called_back(dial).keys("1").told(NotServed(why))
    said = line.heard or line.last.prompts
    assert said[0] == heard
