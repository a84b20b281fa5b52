"""The flows that an operator may write, and the errors for others. The examples of docs/flows.md are checked."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from ivr.calendar import Calendar
from ivr.check import check
from ivr.flow import Flow
from ivr.holidays import chinese_holidays
from ivr.reading import KINDS
from ivr.wording import SAYABLE
from tables.errors import TableError

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "flows.md").read_text("utf-8")
EXAMPLES = dict(re.findall(r"```toml\n# (?:(\w+)(?:\.toml)?)\n(.*?)```", DOCS, re.DOTALL))


def test_the_examples_of_the_reference_can_be_read_and_nothing_is_wrong_with_them():
    flows = {name: Flow.from_dict(name, tomllib.loads(text)) for name, text in EXAMPLES.items() if name != "calendar"}
    prompts = tomllib.loads((ROOT / "ivr/prompts/manifest.toml").read_text("utf-8"))["prompts"]
    assert len(flows) >= 5
    assert check(flows, prompts, start="visit", queues={"complaint", "inquiry"}) == []
    assert Calendar.from_dict(tomllib.loads(EXAMPLES["calendar"]), chinese_holidays()).weekly[5]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_reference_names_every_key_of_every_kind(kind):
    nodes = [
        (node, flow, name)
        for name, text in EXAMPLES.items()
        for flow in [tomllib.loads(text)]
        for node in flow.get("nodes", {}).values()
        if node["kind"] == kind
    ]
    node, flow, name = nodes[0]
    node["zzzzzz"] = 1
    with pytest.raises(TableError) as error:
        Flow.from_dict(name, flow)
    keys = error.value.sentence.partition("it is one of ")[2].split(", ")
    section = DOCS.partition(f"### {kind}\n")[2].partition("\n### ")[0].partition("\n## ")[0]
    shared = DOCS.partition("## Nodes that ask")[2].partition("\n### ")[0]
    if kind == "number":
        section += DOCS.partition("### digits\n")[2].partition("\n### ")[0]
    assert [key for key in keys if f"`{key}`" not in section + shared and key != "kind"] == []


def test_the_reference_names_every_way_to_say_a_field():
    assert [way for way in SAYABLE if f"{{{way}:" not in DOCS] == []


def menu(**changes: object) -> dict[str, object]:
    node = {"kind": "menu", "prompts": ["hello"], "on_fail": "@hangup", "options": {"1": "@hangup"}} | changes
    return {"start": "m", "nodes": {"m": {key: value for key, value in node.items() if value is not None}}}


def node(**keys: object) -> dict[str, object]:
    return {"start": "n", "nodes": {"n": keys}}


FRENCH = {"1": {"to": "m", "set": {"language": "fr"}}}
DIGITS = {"kind": "digits", "prompts": ["hello"], "field": "account", "min": 4, "next": "@hangup", "on_fail": "@hangup"}


@pytest.mark.parametrize(
    ("data", "key", "sentence"),
    [
        ({}, ("nodes",), "has no nodes"),
        ({"nodes": {"m": {"kind": "hangup"}}}, (), '"start" is missing'),
        ({"start": "mm", "nodes": {"m": {"kind": "hangup"}}}, ("start",), 'did you mean "m"'),
        ({"nodes": 3}, ("nodes",), "must be a table"),
        (node(kind="menue"), ("nodes", "n", "kind"), 'did you mean "menu"'),
        (node(kind=3), ("nodes", "n", "kind"), "text in quotes"),
        (node(), ("nodes", "n"), '"kind" is missing'),
        (menu(prompts=None), ("nodes", "m"), '"prompts" is missing'),
        (menu(prompts="hello"), ("nodes", "m", "prompts"), "a list in"),
        (menu(prompts=["Hello!"]), ("nodes", "m", "prompts", 0), "neither a prompt id"),
        (menu(no_match=[["hello"], ["{digit:x}"]]), ("nodes", "m", "no_match", 1, 0), 'did you mean "digits"'),
        (menu(no_input=["hello"]), ("nodes", "m", "no_input", 0), "a list in"),
        (menu(attempt=3), ("nodes", "m", "attempt"), 'did you mean "attempts"'),
        (menu(attempts=0), ("nodes", "m", "attempts"), "from 1 to 10"),
        (menu(attempts=True), ("nodes", "m", "attempts"), "whole number"),
        (menu(timeout=-1), ("nodes", "m", "timeout"), "above 0"),
        (menu(interruptible="yes"), ("nodes", "m", "interruptible"), "true or false"),
        (menu(barge_in="yes"), ("nodes", "m", "barge_in"), "true or false"),
        (menu(on_fail=None), ("nodes", "m"), '"on_fail" is missing'),
        (menu(on_fail=None, on_no_input="@hangup"), ("nodes", "m"), '"on_fail" is missing'),
        (menu(on_fail="@retrun"), ("nodes", "m", "on_fail"), "not a target"),
        (menu(on_no_match=""), ("nodes", "m"), "missing"),
        (menu(options={}), ("nodes", "m", "options"), "at least one option"),
        (menu(options={"A": "@hangup"}), ("nodes", "m", "options", "A"), "cannot be keyed"),
        (menu(options={"1": {"goto": "m"}}), ("nodes", "m", "options", "1"), '"to" is missing'),
        (menu(options=FRENCH), ("nodes", "m", "options", "1", "set", "language"), "zh, en"),
        ({"keys": {"A": "m"}} | menu(), ("keys", "A"), "not a key of a phone"),
        ({"keys": {"0": "@again!"}} | menu(), ("keys", "0"), "may lead to"),
        ({"defaults": {"timeouts": 3}} | menu(), ("defaults", "timeouts"), 'did you mean "timeout"'),
        ({"nods": {}} | menu(), ("nods",), 'did you mean "nodes"'),
        (node(**DIGITS | {"max": 3}), ("nodes", "n", "max"), "below min"),
        (node(**DIGITS | {"pattern": "["}), ("nodes", "n", "pattern"), "not a regular expression"),
        (node(**DIGITS | {"yes": "2"}), ("nodes", "n", "no"), "must differ"),
        (node(**DIGITS | {"field": "caller"}), ("nodes", "n", "field"), "the hotline's own"),
        (node(kind="set", fields={"now": "1"}, next="@hangup"), ("nodes", "n", "fields", "now"), "the hotline's own"),
        (node(kind="branch", cases=[{"to": "n"}]), ("nodes", "n", "cases", 0, "if"), "needs an if"),
        (node(kind="branch", cases=[{"if": {"is": "x"}, "to": "n"}]), ("nodes", "n", "cases", 0, "if"), "a field"),
        (node(kind="branch", cases=[]), ("nodes", "n"), '"else" is missing'),
        (node(kind="question", prompts=["hello"], on_fail="@hangup"), ("nodes", "n", "answers"), "at least one answer"),
        (
            node(kind="question", prompts=["hello"], on_fail="@hangup", answers={"12": "@hangup"}),
            ("nodes", "n", "answers", "12"),
            "cannot be keyed",
        ),
        (
            node(kind="question", prompts=["hello"], on_fail="@hangup", answers={"1": {"says": "", "to": "@hangup"}}),
            ("nodes", "n", "answers", "1", "says"),
            "from 1 to 80 characters",
        ),
        (node(kind="survey", prompts=["hello"], next="@hangup", skip="3"), ("nodes", "n", "skip"), "cannot skip"),
        ({"start": "@a", "nodes": {"@a": {"kind": "hangup"}}}, ("nodes", "@a"), "cannot be the name"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_key_and_a_sentence(data, key, sentence):
    with pytest.raises(TableError) as error:
        Flow.from_dict("a", data)
    assert error.value.key == key
    assert sentence in error.value.sentence


def test_a_flow_may_have_its_own_timing_and_a_node_its_own_again():
    flow = Flow.from_dict("a", {"defaults": {"timeout": 8, "attempts": 2}} | menu(timeout=4))
    asking = flow.nodes["m"].asking
    assert (asking.timeout, asking.attempts, asking.digit_timeout) == (4.0, 2, 3.0)


@pytest.mark.parametrize("word", ["interruptible", "barge_in"])
def test_a_flow_of_an_earlier_release_says_in_its_own_word_that_no_key_ends_the_prompts(word):
    flow = Flow.from_dict("a", {"defaults": {word: False}} | menu())
    again = Flow.from_dict("a", {"defaults": {word: False}} | menu(**{word: True}))
    assert (flow.nodes["m"].asking.interruptible, again.nodes["m"].asking.interruptible) == (False, True)
