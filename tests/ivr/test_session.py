"""Rules of every flow: keys, questions, fields, sub-flows, and coming back after a crash."""

from __future__ import annotations

import json
import tomllib

import pytest

from ivr.calendar import Calendar
from ivr.flow import Flow
from ivr.inputs import Digits, Finished, NoInput, Served, Started
from ivr.session import Caller, Session
from ivr.verbs import Enqueue, Gather, Hangup, Moved, Play, SetField, SetLanguage

MENU = """
start = "a"
[nodes.a]
kind = "menu"
prompts = ["ask"]
no_input = [["silence-1"], ["silence-2"]]
no_match = [["wrong-1"], ["wrong-2"]]
attempts = 4
on_no_input = "dead"
on_no_match = "confused"
options = { 1 = "one", 22 = "one" }
[nodes.one]
kind = "enqueue"
queue = "q"
served = "@hangup"
otherwise = "@hangup"
[nodes.dead]
kind = "hangup"
why = "dead"
[nodes.confused]
kind = "hangup"
why = "confused"
"""

ACCOUNT = """
start = "a"
[keys]
"0" = "person"
"*" = "@again"
[nodes.a]
kind = "digits"
field = "account"
prompts = ["ask"]
no_match = [["wrong", "ask"]]
min = 6
max = 8
pattern = "[1-9].*"
confirm = ["you-keyed", "{digits:answer}", "right"]
next = "said"
on_fail = "person"
[nodes.said]
kind = "play"
prompts = ["thanks", "{number:account}", "{digits:nothing}"]
next = "person"
[nodes.person]
kind = "enqueue"
queue = "{nothing|q}"
served = "@hangup"
otherwise = "@hangup"
"""


def test_prompts_escalate_by_what_went_wrong_and_the_last_stands_for_the_rest(flow):
    line = flow(a=MENU)
    assert line.is_silent().heard == ("silence-1",)
    assert line.keys("9").heard == ("wrong-2",)
    assert line.is_silent().heard == ("silence-2",)
    assert line.keys("9").last == Hangup("confused")
    assert flow(a=MENU).is_silent(4).last == Hangup("dead")


def test_type_ahead_counts_until_a_wrong_key(flow):
    line = flow(a=MENU)
    assert not line.last.flush
    assert not line.is_silent().last.flush
    assert line.keys("9").last.flush


def test_an_option_may_have_several_digits_ended_by_time_or_hash(flow):
    assert flow(a=MENU).last.max_digits == 2
    for keyed in ("1", "1#", "22"):
        assert isinstance(flow(a=MENU).keys(keyed).last, Enqueue)


def test_digits_are_checked_read_back_and_set(flow):
    line = flow(a=ACCOUNT)
    assert (line.last.min_digits, line.last.max_digits, line.last.terminators) == (6, 8, "#*")
    assert line.keys("123456#").heard == (
        "you-keyed",
        "digit-yao",
        *(f"digit-{digit}" for digit in "23456"),
        "right",
    )
    line.keys("1")
    assert SetField("account", "123456") in line.said
    assert line.heard[0] == "thanks"
    assert line.last == Enqueue("q")


@pytest.mark.parametrize("keyed", ["12345#", "012345", "#", "12*34", "123456789"])
def test_digits_that_do_not_fit_are_asked_for_again(flow, keyed):
    assert flow(a=ACCOUNT).keys(keyed).heard == ("wrong", "ask")


def test_not_confirming_asks_again_but_not_for_ever(flow):
    line = flow(a=ACCOUNT).keys("123456#", "2")
    assert line.heard == ("ask",)
    assert isinstance(line.keys("123456", "2", "123456", "2").last, Enqueue)


def test_zero_and_star_are_heard_among_digits(flow):
    assert isinstance(flow(a=ACCOUNT).keys("0").last, Enqueue)
    assert isinstance(flow(a=ACCOUNT).keys("0#").last, Enqueue)
    assert isinstance(flow(a=ACCOUNT).keys("123456", "0").last, Enqueue)
    assert flow(a=ACCOUNT).keys("123*").heard == ("ask",)


def test_saying_leaves_out_what_is_not_there(flow):
    line = flow(a=ACCOUNT).keys("123456", "1")
    assert line.heard[0] == "thanks"
    assert "digit-0" not in line.heard


SUB = """
start = "m"
[keys]
"*" = ""
"9" = "@return"
[nodes.m]
kind = "menu"
prompts = ["sub"]
attempts = 1
on_fail = "@return"
options = { 1 = "@return" }
"""

TOP = """
start = "first"
[keys]
"0" = "person"
"*" = "@again"
"9" = "person"
[nodes.first]
kind = "flow"
flow = "sub"
next = "second"
[nodes.second]
kind = "flow"
flow = "sub"
next = "person"
[nodes.person]
kind = "enqueue"
queue = "q"
served = "@return"
otherwise = "@return"
"""


def test_a_sub_flow_comes_back_to_where_it_was_used(flow):
    line = flow(top=TOP, sub=SUB)
    assert line.place == ("sub", "m")
    line.keys("1")
    assert line.place == ("sub", "m")
    assert isinstance(line.last, Gather)
    assert isinstance(line.keys("1").last, Enqueue)


def test_a_sub_flow_inherits_keys_changes_them_and_takes_them_away(flow):
    line = flow(top=TOP, sub=SUB).keys("0")
    assert line.place == ("top", "person")
    assert flow(top=TOP, sub=SUB).keys("9").place == ("sub", "m"), "9 comes back here, and goes on to the second"
    assert isinstance(flow(top=TOP, sub=SUB).keys("*", "*").last, Enqueue), "* is nothing here, so these were misses"


def test_coming_back_from_the_first_flow_ends_the_call(flow):
    assert flow(top=TOP, sub=SUB).keys("0").told(Served()).last == Hangup("done")


BRANCHES = """
start = "b"
[nodes.b]
kind = "branch"
cases = [
  { if = { vip = true, list = "gold" }, to = "gold" },
  { if = { open_ticket = true, open = false }, to = "ticket" },
  { if = { field = "region", in = ["bj", "sh"] }, to = "region" },
  { if = { field = "account", matches = "8.*" }, to = "account" },
  { if = { field = "seen" }, to = "seen" },
]
else = "other"
"""
BRANCHES += "".join(
    f'[nodes.{name}]\nkind = "hangup"\nwhy = "{name}"\n'
    for name in ("gold", "ticket", "region", "account", "seen", "other")
)


@pytest.mark.parametrize(
    ("caller", "why"),
    [
        (Caller(), "other"),
        (Caller(vip=True), "other"),
        (Caller(vip=True, lists=frozenset({"gold"})), "gold"),
        (Caller(open_ticket=0), "ticket"),
        (Caller(fields={"region": "sh"}), "region"),
        (Caller(fields={"account": "812"}), "account"),
        (Caller(fields={"account": "712"}), "other"),
        (Caller(fields={"seen": "yes"}), "seen"),
        (Caller(fields={"seen": ""}), "other"),
    ],
)
def test_the_first_case_that_holds_decides(flow, caller, why):
    closed = Calendar(zone=Calendar.always_open().zone, weekly=((),) * 7)
    assert flow(calendar=closed, caller=caller, a=BRANCHES).last == Hangup(why)


def test_a_place_is_told_when_it_changes_and_not_when_a_question_is_put_again(dial):
    line = dial()
    assert line.did(Moved) == [Moved("hotline", "menu")]
    assert not line.is_silent().did(Moved)
    assert not line.keys("*").did(Moved)
    assert line.keys("9").did(Moved), "the language is a thing to be remembered"
    assert line.keys("1").did(Moved) == [Moved("complaint", "menu")]


# Crashes


def test_after_a_crash_the_caller_goes_on_at_the_last_question_and_not_at_the_welcome(dial):
    line = dial().keys("9", "1")
    line.crashes().starts()
    assert line.said[:2] == [SetLanguage("en"), Moved("complaint", "menu")]
    assert line.heard == ("menu-complaint",)
    assert line.keys("4").last == Enqueue("complaint", "attitude")


def test_after_a_crash_attempts_are_not_given_twice(dial):
    line = dial().is_silent(2)
    line.crashes().starts()
    assert line.is_silent().last == Enqueue("inquiry")


def test_a_conversation_that_outlived_the_server_ends_in_the_survey(dial):
    line = dial().keys("2")
    line.crashes().told(Served(talked=300))
    assert line.heard == ("survey",)


def test_a_number_that_was_read_back_need_not_be_keyed_again(flow):
    line = flow(a=ACCOUNT).keys("123456")
    line.crashes().starts()
    assert line.heard[0] == "you-keyed"
    assert SetField("account", "123456") in line.keys("1").said


def test_a_call_that_was_over_stays_over(dial):
    line = dial(lists=frozenset({"nuisance"}))
    assert line.crashes().starts().said == [Hangup("nuisance")]


def test_an_edited_flow_without_the_place_goes_on_at_its_safe_point(flow):
    line = flow(a=ACCOUNT).keys("123456")
    line.crashes(
        {"a": Flow.from_dict("a", tomllib.loads(MENU + '[nodes.safe]\nkind="play"\nprompts=["safe"]\nnext="one"\n'))}
    )
    assert line.starts().place == ("a", "a"), "a node of the same name but of another kind begins anew"
    edited = ACCOUNT.replace("nodes.a]", "nodes.b]").replace('start = "a"', 'start = "b"\non_lost = "said"')
    line = flow(a=ACCOUNT).keys("123456")
    line.crashes({"a": Flow.from_dict("a", tomllib.loads(edited))})
    assert line.starts().heard[0] == "thanks"


def test_a_flow_that_is_gone_leaves_the_caller_with_the_one_that_used_it(dial, flows):
    line = dial().keys("1")
    line.crashes({name: flow for name, flow in flows.items() if name != "complaint"}).starts()
    assert line.place == ("hotline", "menu")
    line = dial().keys("2").told(Served())
    line.crashes({name: flow for name, flow in flows.items() if name != "hotline"})
    assert line.starts().place == ("survey", "score")
    assert isinstance(line.keys("3").last, Hangup)


def test_a_snapshot_is_small_and_plain(dial):
    text = dial().keys("1", "4").session.snapshot()
    assert json.loads(text)["fields"] == {"business": "complaint", "category": "attitude"}
    assert len(text) < 500


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"frames": 3}', "null"])
def test_what_is_no_snapshot_is_refused_in_a_sentence(flows, text):
    with pytest.raises(ValueError, match="no snapshot"):
        Session.restore(flows, text, Caller(), Calendar.always_open())


def test_a_flow_that_goes_round_in_circles_ends_instead_of_hanging(flow):
    line = flow(
        a='start="x"\n[nodes.x]\nkind="play"\nprompts=["p"]\nnext="y"\n[nodes.y]\nkind="play"\nprompts=["p"]\nnext="x"\n'
    )
    assert line.last == Hangup("circle")
    assert not line.did(Play)


def test_a_flow_that_uses_itself_stands_on_the_stack_once(flow):
    loop = """
start = "m"
[nodes.m]
kind = "menu"
prompts = ["p"]
on_fail = "@return"
options = { 1 = "again" }
[nodes.again]
kind = "flow"
flow = "a"
next = "m"
"""
    line = flow(a=loop)
    size = len(line.session.snapshot())
    for _ in range(50):
        line.keys("1")
    assert len(line.session.snapshot()) <= size + 2


def test_somebody_who_answers_for_ever_is_let_go(flow):
    line = flow(a=ACCOUNT)
    for _ in range(600):
        line.keys("*")
    assert line.last == Hangup("endless")


def test_an_input_that_nobody_asked_for_puts_the_question_again(dial):
    line = dial()
    for given in (Served(), Finished(), Started()):
        assert line.told(given).heard == ("language", "menu-main")
    line.keys("2")
    for given in (Digits("1"), NoInput(), Finished()):
        assert isinstance(line.told(given).last, Enqueue)
