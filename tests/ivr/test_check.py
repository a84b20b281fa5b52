"""`sansheng check` finds each fault of flows, one fault a test."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ivr.calendar import Calendar
from ivr.check import Finding, Severity, check, check_calendar
from ivr.flow import Flow
from ivr.holidays import Holidays, chinese_holidays

PERSON = '[nodes.person]\nkind = "enqueue"\nqueue = "q"\nserved = "@hangup"\notherwise = "@hangup"\n'


def found(**texts: str) -> list[Finding]:
    flows = {name: Flow.from_dict(name, tomllib.loads(text)) for name, text in texts.items()}
    return check(flows, {"hello", "welcome"}, start=next(iter(flows)), queues={"q"})


def only(findings: list[Finding]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]


def test_nothing_is_wrong_with_the_flows_that_are_shipped(flows):
    manifest = tomllib.loads((Path(__file__).parents[2] / "ivr/prompts/manifest.toml").read_text("utf-8"))
    queues = {"complaint", "inquiry", "orders", "partnership", "media"}
    assert check(flows, set(manifest["prompts"]), start="hotline", queues=queues) == []


def test_a_target_that_does_not_exist_is_named_with_the_one_that_was_meant():
    finding = only(found(a=f'start = "p"\n[nodes.p]\nkind = "play"\nprompts = ["hello"]\nnext = "persn"\n{PERSON}')[:1])
    assert finding == Finding(
        "a", ("nodes", "p", "next"), Severity.ERROR, 'there is no node "persn" in flow a: did you mean "person"?'
    )


def test_a_key_that_leads_nowhere_is_named():
    assert only(found(a=f'start = "person"\n[keys]\n"0" = "operator"\n{PERSON}')).key == ("keys", "0")


def test_a_missing_prompt_is_named_where_it_stands():
    text = f"""
start = "m"
[nodes.m]
kind = "menu"
prompts = ["welcome"]
no_input = [["hello"], ["hello", "welcom"]]
on_fail = "person"
options = {{ 1 = "person" }}
{PERSON}"""
    finding = only(found(a=text))
    assert finding.key == ("nodes", "m", "no_input", 1, 1)
    assert finding.sentence == 'there is no prompt "welcom": did you mean "welcome"?'


def test_a_node_that_nothing_leads_to_is_a_warning():
    finding = only(found(a=f'start = "person"\n[nodes.x]\nkind = "hangup"\n{PERSON}'))
    assert (finding.key, finding.severity) == (("nodes", "x"), Severity.WARNING)


def test_a_circle_in_which_nothing_is_asked_is_found_through_a_sub_flow_too():
    top = 'start = "s"\n[nodes.s]\nkind = "flow"\nflow = "b"\nnext = "t"\n[nodes.t]\nkind = "set"\nnext = "s"\n'
    finding = found(a=top, b='start = "p"\n[nodes.p]\nkind = "play"\nprompts = ["hello"]\nnext = "@return"\n')[0]
    assert finding.sentence == "this goes round without asking the caller anything: s → t → s"
    asks = (
        'start = "m"\n[nodes.m]\nkind = "menu"\nprompts = ["hello"]\non_fail = "@hangup"\noptions = { 1 = "@return" }\n'
    )
    assert found(a=top, b=asks) == []


def test_a_question_that_silence_never_gets_out_of_is_found():
    text = 'start = "m"\n[nodes.m]\nkind = "menu"\nprompts = ["hello"]\non_fail = "m"\noptions = { 1 = "person" }\n'
    assert only(found(a=text + PERSON)).sentence.startswith("this has no exit for a caller who presses nothing: m → m")


def test_a_queue_that_a_given_up_call_comes_straight_back_to_is_found_but_not_if_something_is_asked():
    text = 'start = "w"\n[nodes.w]\nkind = "enqueue"\nqueue = "q"\nserved = "@hangup"\notherwise = "p"\n'
    again = text + '[nodes.p]\nkind = "play"\nprompts = ["hello"]\nnext = "w"\n'
    assert "straight back into a queue" in only(found(a=again)).sentence
    asks = '[nodes.p]\nkind = "menu"\nprompts = ["hello"]\non_fail = "w"\noptions = { 1 = "@hangup" }\n'
    assert found(a=text + asks) == []


def test_a_place_without_any_way_out_is_found():
    text = """
start = "m"
[nodes.m]
kind = "menu"
prompts = ["hello"]
on_fail = "n"
options = { 1 = "n" }
[nodes.n]
kind = "menu"
prompts = ["hello"]
on_fail = "m"
options = { 1 = "m" }
"""
    sentences = [finding.sentence for finding in found(a=text)]
    assert "no way leads from m to a person, to a goodbye, or back out of flow a" in sentences


def test_a_flow_that_is_part_of_itself_is_found():
    one = 'start = "f"\n[nodes.f]\nkind = "flow"\nflow = "{}"\n'
    sentences = [finding.sentence for finding in found(a=one.format("b"), b=one.format("a"))]
    assert "flow b leads back to flow a: a flow cannot be a part of itself" in sentences


def test_a_flow_that_does_not_exist_and_one_that_nobody_uses_are_found():
    sub, spare = found(
        a=f'start = "s"\n[nodes.s]\nkind = "flow"\nflow = "surveys"\nnext = "person"\n{PERSON}',
        survey=f'start = "person"\n{PERSON}',
    )
    assert sub.sentence == 'there is no flow "surveys": did you mean "survey"?'
    assert (spare.flow, spare.severity) == ("survey", Severity.WARNING)


@pytest.mark.parametrize("queue", ["sales", "{business}", "{business|sales}"])
def test_a_queue_that_does_not_exist_is_found_even_behind_a_field(queue):
    text = 'start = "b"\n[nodes.b]\nkind = "set"\nfields = { business = "sales" }\nnext = "person"\n'
    finding = only(found(a=text + PERSON.replace('"q"', f'"{queue}"')))
    assert finding.key == ("nodes", "person", "queue")
    assert finding.sentence.startswith('there is no queue "sales"')


def test_a_field_that_is_never_set_is_a_warning():
    finding = only(found(a='start = "x"\n[nodes.x]\nkind = "hangup"\nprompts = ["hello", "{digits:acount}"]\n'))
    assert (finding.key, finding.severity) == (("nodes", "x", "prompts", 1), Severity.WARNING)


def test_a_year_whose_holidays_are_not_known_is_a_warning_in_time():
    calendar = Calendar.from_dict({"hours": {"weekdays": ["09:00-18:00"]}}, Holidays(years=frozenset({2026})))
    last_of_october, first_of_november = (datetime(2026, 10, 31, hour, tzinfo=UTC).timestamp() for hour in (15, 16))
    assert check_calendar(calendar, last_of_october) == []
    for now in (first_of_november, datetime(2027, 5, 1, tzinfo=UTC).timestamp()):
        assert "2027 are not known" in only(check_calendar(calendar, now)).sentence


def test_hours_that_never_open_are_a_warning():
    calendar = Calendar.from_dict({"hours": {"monday": []}}, chinese_holidays())
    assert "never opens" in only(check_calendar(calendar, datetime(2026, 5, 1, tzinfo=UTC).timestamp())).sentence


def test_a_music_class_that_does_not_exist_is_a_warning_for_the_queues_own_is_played():
    flow = Flow.from_dict("a", tomllib.loads('start = "person"\n' + PERSON + 'music = "clam"\n'))
    finding = only(check({"a": flow}, (), music={"default", "calm"}))
    assert (finding.severity, finding.key) == (Severity.WARNING, ("nodes", "person", "music"))
    assert finding.sentence == 'there is no music class "clam": did you mean "calm"?; the queue\'s own is played'
    assert check({"a": flow}, (), music={"clam"}) == []
