"""An operator's mistake is found before a caller meets it, and named with file, line and key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from server.hotline import definitions
from server.hotline.definitions import load
from server.hotline.examination import Found, examine
from tables.toml import DefinitionFault

NOW = 1_790_000_000.0
"""In September 2026, a year whose public holidays are known."""
SMALL = """\
skills = ["complaint", "inquiry"]

[queues.complaint]
skill = "complaint"

[queues.inquiry]
skill = "inquiry"

[queues.orders]
[queues.partnership]
[queues.media]
"""
FLOW = """\
start = "menu"

[nodes.menu]
kind = "menu"
prompts = ["menu-main"]
attempts = 2
on_no_input = "bye"
on_no_match = "bye"

[nodes.menu.options]
1 = "bye"

[nodes.bye]
kind = "hangup"
prompts = ["goodbye"]
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    return tmp_path


def found(home: Path, hotline: str = "", **flows: str) -> list[Found]:
    """The findings with these files in the home."""
    if hotline:
        (home / "hotline.toml").write_text(hotline, encoding="utf-8")
    for name, text in flows.items():
        (home / "flows" / f"{name}.toml").write_text(text, encoding="utf-8")
    return examine(home, NOW)


def errors(rows: list[Found]) -> list[tuple[str, int, str]]:
    return [(row.file.name, row.line, row.key) for row in rows if row.severity == "error"]


def test_what_comes_with_the_product_is_without_fault(home: Path) -> None:
    assert [row for row in examine(home, NOW) if row.severity == "error"] == []
    assert "usable" in definitions.summary(home)


HOTLINE_FAULTS = {
    "an unknown table": ("[queue.complaint]", 12, "queue", 'did you mean "queues"?'),
    "an unknown key of a queue": ("[queues.vip]\nring = 3", 13, "queues.vip.ring", "ring_for"),
    "a wrong type": ('[queues.vip]\nring_for = "20"', 13, "queues.vip.ring_for", "number"),
    "level 11": (
        "[queues.vip]\nrelax = [\n  { after = 5, required = { complaint = 11 } },\n]",
        14,
        "queues.vip.relax[0].required.complaint",
        "10",
    ),
    "an unknown skill": ('[queues.vip]\nskill = "complain"', 13, "queues.vip.skill", "complaint"),
    "a relaxation that tightens": (
        "[queues.vip]\nrelax = [\n  { after = 5, required = { complaint = 3 } },\n"
        "  { after = 9, required = { complaint = 4 } },\n]",
        15,
        "queues.vip.relax[1].required",
        "only loosens",
    ),
    "an overflow into itself": (
        '[queues.vip]\noverflow = [\n  { after = 5, to = "vip" },\n]',
        14,
        "queues.vip.overflow[0].to",
        "itself",
    ),
    "a setting of another table": ("[admission]\nmax = 3", 13, "admission.max", "max_calls"),
    "a limit that is no number": ('[admission]\nmax_calls = "many"', 13, "admission.max_calls", "whole number"),
    "a limit below zero": ("[admission]\nmax_calls = -1", 13, "admission.max_calls", "whole number"),
    "a region that is none": ('[callback]\nregion = "China"', 13, "callback.region", "two capital letters"),
    "a kind of number that is none": (
        '[callback]\ntypes = [\n  "mobile",\n  "pager",\n]',
        15,
        "callback.types[1]",
        "fixed_line",
    ),
    "a list that is none": ('[lists]\nvip = "13800138000"', 13, "lists.vip", "list in [ ]"),
    "a list with a name in it": ('[lists]\nvip = ["Mr. Wang"]', 13, "lists.vip[0]", "no telephone number"),
    "a zone that is none": ('[calendar]\nzone = "Peking"', 13, "calendar.zone", "Asia/Shanghai"),
    "hours that are none": ('[calendar.hours]\nweekdays = ["9-18"]', 13, "calendar.hours.weekdays[0]", "09:00-18:00"),
    "a flow that is none": ('[hotline]\nflow = "hotlin"', 13, "hotline.flow", "there are"),
}


@pytest.mark.parametrize("fault", HOTLINE_FAULTS.values(), ids=HOTLINE_FAULTS.keys())
def test_a_mistake_in_the_hotline_is_named_with_line_and_key(home: Path, fault: tuple[str, int, str, str]) -> None:
    text, line, key, hint = fault
    rows = found(home, f"{SMALL}{text}\n")
    assert errors(rows) == [("hotline.toml", line, key)]
    assert hint in next(row.sentence for row in rows if row.severity == "error")
    with pytest.raises(DefinitionFault, match=r"hotline\.toml:"):
        load(home)


def test_overflows_that_lead_round_are_refused(home: Path) -> None:
    text = SMALL + (
        '[queues.a]\noverflow = [{ after = 5, to = "b" }]\n[queues.b]\noverflow = [{ after = 5, to = "a" }]\n'
    )
    (name, line, key), *more = errors(found(home, text))
    assert (name, more) == ("hotline.toml", [])
    assert key.startswith("queues.")
    assert line >= 12


FLOW_FAULTS = {
    "a kind that is none": ('kind = "hangup"', 'kind = "hang-up"', 14, "nodes.bye.kind"),
    "a key that means nothing": ("attempts = 2", "attemps = 2", 6, "nodes.menu.attemps"),
    "a target that is none": ('on_no_match = "bye"', 'on_no_match = "by"', 8, "nodes.menu.on_no_match"),
    "a missing prompt": ('"goodbye"', '"good-bye"', 15, "nodes.bye.prompts[0]"),
    "a loop without exit": ('on_no_input = "bye"', 'on_no_input = "menu"', 3, "nodes.menu"),
}


@pytest.mark.parametrize("fault", FLOW_FAULTS.values(), ids=FLOW_FAULTS.keys())
def test_a_mistake_in_a_flow_is_named_with_line_and_key(home: Path, fault: tuple[str, str, int, str]) -> None:
    right, wrong, line, key = fault
    assert right in FLOW
    rows = found(home, hotline=SMALL, small=FLOW.replace(right, wrong))
    assert ("small.toml", line, key) in errors(rows)


def test_a_node_to_which_nothing_leads_is_a_warning(home: Path) -> None:
    rows = found(home, small=FLOW + '\n[nodes.island]\nkind = "hangup"\n')
    (row,) = [row for row in rows if row.file.name == "small.toml" and row.key == "nodes.island"]
    assert (row.severity, row.line) == ("warning", 17)
    assert "nothing leads to island" in row.sentence


def test_mistakes_in_several_files_are_all_named(home: Path) -> None:
    rows = found(home, SMALL + "[admission]\nmax = 1\n", small="start = 1", other="[nodes]\n")
    assert {name for name, _, _ in errors(rows)} == {"hotline.toml", "small.toml", "other.toml"}


def test_a_flow_of_the_operators_stands_before_the_one_of_the_same_name(home: Path) -> None:
    (home / "flows" / "hotline.toml").write_text(FLOW, encoding="utf-8")
    assert set(load(home).flows["hotline"].nodes) == {"menu", "bye"}


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    """A copy of the prompts that a test may spoil."""
    copy = tmp_path / "prompts"
    shutil.copytree(definitions.PROMPTS, copy)
    return copy


def test_a_missing_prompt_file_is_named_with_the_line_of_its_text(home: Path, prompts: Path) -> None:
    (prompts / "zh" / "welcome.wav").unlink()
    (row,) = examine(home, NOW, prompts)
    text = (prompts / "manifest.toml").read_text(encoding="utf-8").splitlines()
    assert (row.severity, row.key, text[row.line - 1]) == ("error", "prompts.welcome", "[prompts.welcome]")
    assert "zh/welcome.wav is missing" in row.sentence


def test_a_prompt_whose_text_was_edited_is_stale(home: Path, prompts: Path) -> None:
    manifest = prompts / "manifest.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(text.replace("Hello, and thank you for calling", "Hello, thank you for calling"), "utf-8")
    (row,) = examine(home, NOW, prompts)
    assert "en/welcome.wav is stale" in row.sentence
    assert "make prompts" in row.sentence


def test_a_list_knows_a_number_however_it_is_written(home: Path) -> None:
    (home / "hotline.toml").write_text(
        SMALL + '[lists]\nvip = ["138 0013 8000", "+86-10-6552-9988", 95588]\n', encoding="utf-8"
    )
    loaded = load(home)
    assert all(loaded.is_vip(number) for number in ("13800138000", "+8613800138000", "01065529988", "95588"))
    assert not loaded.is_vip("13800138001")
    assert not loaded.is_vip("")


@pytest.mark.parametrize(
    ("digits", "number", "why"),
    [
        ("13800138000", "13800138000", ""),
        ("010-65529988", "01065529988", ""),
        ("", "", "not a telephone number"),
        ("12", "", "not a valid number"),
        ("+14155552671", "", "not a number of CN"),
        ("13900139000", "", "the hotline's own number"),
    ],
)
def test_only_numbers_that_may_be_called_back_are_taken(home: Path, digits: str, number: str, why: str) -> None:
    (home / "hotline.toml").write_text(SMALL + '[callback]\nown_numbers = ["139 0013 9000"]\n', encoding="utf-8")
    accepted, sentence = load(home).callback_number(digits)
    assert accepted == number
    assert why in sentence
