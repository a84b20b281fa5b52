"""A number to call back: read back, keyed in, corrected, refused in words, promised; and noise on the line."""

from __future__ import annotations

import pytest

from ivr.inputs import Digits, Finished, NotServed, NumberRefused, Promised, PromiseStands, Refused
from ivr.nodes import REASONS
from ivr.verbs import ChangePromise, CheckNumber, Enqueue, Gather, Hangup, SetField, TakeNumber

ASK = "callback-number-ask"
NOON = 1_792_036_800.0  # 2026-10-15, 12:00 in Shanghai


@pytest.fixture
def taking(dial):
    """A caller who has just accepted in the queue."""

    def accepted(**known):
        return dial(**known).keys("3").told(NotServed("callback"))

    return accepted


# Whose number


def test_the_callers_own_number_is_checked_read_digit_by_digit_and_confirmed(taking):
    line = taking()
    assert line.asked == [CheckNumber("13800138000")]
    digits = ("digit-yao", "digit-3", "digit-8", "pause", *("digit-0",) * 2, "digit-yao", "digit-3", "pause")
    assert line.heard[1:] == (
        "callback-number-caller",
        *digits,
        *("digit-8", "digit-0", "digit-0", "digit-0"),
        "callback-number-confirm",
    )
    assert line.keys("1").last == TakeNumber("13800138000")


@pytest.mark.parametrize("number", ["", "anonymous", "unknown", "１３８００１３８０００"])
def test_a_withheld_number_leads_straight_to_keying_in(taking, number):
    line = taking(number=number)
    assert line.heard == ("callback-go-on-waiting", ASK)
    assert line.asked == []


@pytest.mark.parametrize("reason", sorted(set(REASONS) - {"limit"}))
def test_an_own_number_that_cannot_be_called_is_not_proposed_and_costs_no_attempt(taking, reason):
    line = taking(number="+4420700000", refusals={"+4420700000": reason})
    assert line.heard == ("callback-go-on-waiting", ASK)
    assert line.is_silent(2).last.prompts == ("number-none", ASK)


def test_another_number_is_checked_before_it_is_read_back(taking):
    line = taking().keys("2", "02188886666#")
    assert line.asked == [CheckNumber("02188886666")]
    assert line.heard[0] == "number-keyed"
    assert line.keys("1").last == TakeNumber("02188886666")


def test_a_number_that_was_keyed_wrong_is_keyed_anew(taking):
    line = taking().keys("2", "02188886666#", "2")
    assert line.heard == (ASK,)
    assert line.keys("02188887777#", "1").last == TakeNumber("02188887777")


def test_the_number_is_promised_in_the_form_that_is_dialled(taking):
    line = taking(number="+8613800138000").keys("1")
    assert line.last == TakeNumber("+8613800138000")
    assert SetField("number", "13800138000") in line.told(Promised("13800138000")).said


# Noise


def test_star_corrects_and_costs_no_attempt(taking):
    line = taking().keys("2")
    assert "*" in line.last.terminators
    for keyed in ("*", "138*", "13800*", "1*", "99*"):
        line.told(Digits(keyed))
        assert line.heard == (ASK,)
    assert line.keys("13900139000#").heard[0] == "number-keyed"


@pytest.mark.parametrize("keyed", ["#", ""])
def test_nothing_but_a_hash_is_no_number(taking, keyed):
    assert taking().keys("2").told(Digits(keyed)).heard == ("number-none", ASK)


@pytest.mark.parametrize(
    ("keyed", "said"),
    [("12#", "number-short"), ("1#", "number-short"), ("1" * 16, "number-long"), ("1" * 30, "number-long")],
)
def test_too_short_and_too_long_are_told_apart(taking, keyed, said):
    line = taking().keys("2", keyed)
    assert line.heard == (said, ASK)
    assert line.last.flush, "the rest of what was keyed answers nothing"


def test_all_of_a_number_that_is_too_long_is_taken_in_before_it_is_refused(taking):
    assert taking().keys("2").last.max_digits == 30


@pytest.mark.parametrize("keyed", ["13#8", "abc", "１２３４５６７"])
def test_what_is_no_number_at_all_is_said_to_be_none(taking, keyed):
    assert taking().keys("2").told(Digits(keyed)).heard == ("number-invalid", ASK)


def test_digits_during_the_prompts_are_no_confirmation_of_another_number(taking):
    line = taking().keys("7")
    assert line.heard[0] == "callback-number-caller", "the number is read back again"
    assert line.keys("1").last == TakeNumber("13800138000")


# Refused in words


@pytest.mark.parametrize("reason", ["invalid", "foreign", "kind", "own", "agent"])
def test_each_kind_of_refusal_has_its_own_sentence(taking, reason):
    line = taking(refusals={"4008001234": reason}).keys("2", "4008001234#")
    assert line.heard == (f"number-{reason}", ASK)
    assert line.keys("13900139000#").heard[0] == "number-keyed", "and another number is taken"


def test_an_agents_short_number_is_an_agents_and_not_too_short(taking):
    assert taking(refusals={"1001": "agent"}).keys("2", "1001#").heard == ("number-agent", ASK)


def test_three_refusals_lead_back_to_the_queue(taking):
    line = taking(refusals={"4008001234": "own"}).keys("2", *("4008001234#",) * 3)
    assert line.heard == ("callback-not-taken",)
    assert line.last == Enqueue(queue="orders")


def test_too_many_promises_today_are_told_and_no_other_number_is_asked_for(taking):
    line = taking(refusals={"13800138000": "limit"})
    assert line.heard == ("callback-go-on-waiting", "number-limit", "callback-not-taken")
    assert isinstance(line.last, Enqueue)


def test_a_number_that_was_refused_at_the_last_moment_is_asked_for_again(taking):
    line = taking().keys("1").told(NumberRefused("own", "own"))
    assert line.heard == ("number-own", ASK)
    line = taking().keys("1").told(NumberRefused("too many", "limit"))
    assert line.heard == ("number-limit", "callback-not-taken")


# Promised


def test_the_confirmation_says_when_and_from_which_number(taking):
    line = taking().keys("1").told(Promised("13800138000", 90, 280, shown="01065529988"))
    assert line.heard == (
        "callback-accepted",
        *("callback-in-about", "digit-liang", "queue-to", "digit-5", "callback-minutes"),
        "callback-shown",
        *("digit-0", "digit-yao", "digit-0", "pause", "digit-6", "digit-5", "digit-5", "digit-2", "pause"),
        *("digit-9", "digit-9", "digit-8", "digit-8", "goodbye"),
    )


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (10, 50, ("callback-in-a-minute",)),
        (170, 175, ("callback-in-about", "digit-3", "callback-minutes")),
        (None, None, ("callback-soon",)),
        (600, 90_000, ("callback-soon",)),
    ],
)
def test_when_is_said_in_minutes_or_as_soon_as_possible(taking, low, high, said):
    line = taking().keys("1").told(Promised("13800138000", low, high))
    assert line.heard == ("callback-accepted", *said, "goodbye")


@pytest.mark.parametrize(
    ("hours", "said"),
    [
        (3, ("day-today", "part-afternoon", "digit-3", "clock-hour", "clock-sharp")),
        (21, ("day-tomorrow", "part-morning", "digit-9", "clock-hour", "clock-sharp")),
        (45, ("number-ten", "date-month", "number-ten", "digit-7", "date-day", "pause", "weekday-6", "part-morning")),
    ],
)
def test_outside_the_calling_window_the_time_is_said(taking, hours, said):
    line = taking().keys("1")
    line.now = NOON
    line.told(Promised("13800138000", due=NOON + hours * 3600))
    heard = line.heard[1:]
    assert heard[0] == "callback-after"
    assert heard[1 : 1 + len(said)] == said
    assert heard[-2:] == ("callback-then", "goodbye")


def test_a_second_promise_to_the_same_number_is_not_made_but_told(taking):
    line = taking().keys("1").told(Promised("13800138000", 90, 280, duplicate=True))
    assert line.heard[0] == "callback-duplicate"
    assert "callback-minutes" in line.heard
    assert line.last == Hangup("done")
    line = taking().keys("1").told(Promised("13800138000", duplicate=True, dialling=True))
    assert line.heard == ("callback-duplicate", "callback-dialling", "goodbye")


def test_after_a_crash_a_number_that_was_confirmed_is_taken_again_and_not_asked_for(taking):
    line = taking().keys("1").crashes().starts()
    assert line.last == TakeNumber("13800138000")
    line = taking().keys("2", "13900139000#").crashes().starts()
    assert line.heard[0] == "number-keyed"


# The same person calls in again

KEPT = PromiseStands(7, "complaint", "attitude", low=90, high=280)


def test_a_caller_without_a_promise_hears_nothing_of_it(dial):
    assert dial().heard == ("welcome", "notice-recording", "language", "menu-main")


def test_a_caller_who_is_promised_a_call_back_hears_it_and_is_asked(dial):
    line = dial(promise=KEPT)
    assert line.heard == ("welcome", "notice-recording", "callback-duplicate", "recall-choice")
    dialling = PromiseStands(7, "complaint", "attitude", dialling=True)
    assert dial(promise=dialling).heard[2:] == ("callback-dialling", "recall-choice")


def test_keeping_it_says_when(dial):
    line = dial(promise=KEPT).keys("1")
    assert line.heard[0] == "recall-kept"
    assert "callback-minutes" in line.heard
    assert line.last == Hangup("promise_kept")


def test_waiting_now_takes_its_place_queue_and_category(dial):
    line = dial(promise=KEPT).keys("2")
    assert line.last == Enqueue("complaint", "attitude", promise=7)
    assert line.asked == [], "a caller who waits in the place of a callback is not offered one"


def test_waiting_now_is_kept_over_a_crash(dial):
    assert dial(promise=KEPT).keys("2").crashes().starts().last.promise == 7


def test_cancelling_it_ends_the_call_and_what_cannot_be_cancelled_leads_to_the_menu(dial):
    line = dial(promise=KEPT).keys("3")
    assert line.last == ChangePromise("cancel", 7)
    assert line.told(Finished()).heard == ("recall-cancelled", "goodbye")
    line = dial(promise=KEPT).keys("3").told(Refused("it is over"))
    assert line.heard == ("recall-gone", "language", "menu-main")


def test_another_matter_leads_to_the_menu_and_takes_no_place(dial):
    line = dial(promise=KEPT).keys("0")
    assert line.heard == ("language", "menu-main")
    assert line.keys("2").last == Enqueue(queue="inquiry")


def test_a_caller_who_presses_no_key_keeps_the_promise_and_comes_to_the_menu(dial):
    line = dial(promise=KEPT).is_silent(3)
    assert isinstance(line.last, Gather)
    assert line.place == ("hotline", "menu")
