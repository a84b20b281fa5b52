"""One hotline serves several numbers; each is named once, however it is written and dialled."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from server.hotline.called_numbers import USUAL, CalledNumber, CalledNumbers, UnknownNumbers
from server.hotline.definitions import DEFAULTS, Definitions, load
from server.hotline.examination import examine
from tables.toml import DefinitionFault

NOW = 1_790_000_000.0
NUMBERS = """
[numbers."400-800-1234"]
flow = "orders"
language = "en"
name = "Orders 订单"
priority = 20
outgoing = "010-6552-9988"

[numbers."01065529977"]
name = "Beijing"
"""
FLOW = """\
start = "bye"

[nodes.bye]
kind = "hangup"
prompts = ["goodbye"]
"""


def home_with(home: Path, numbers: str = NUMBERS, flow: str = FLOW) -> Path:
    (home / "flows").mkdir(exist_ok=True)
    (home / "flows" / "orders.toml").write_text(flow, encoding="utf-8")
    (home / "hotline.toml").write_text(DEFAULTS.read_text(encoding="utf-8") + numbers, encoding="utf-8")
    return home


@pytest.fixture
def definitions(tmp_path: Path) -> Definitions:
    return load(home_with(tmp_path))


@pytest.mark.parametrize("dialled", ["4008001234", "400 800 1234", "+864008001234", "sip:4008001234@carrier.example"])
def test_a_called_number_is_found_however_it_is_dialled(definitions: Definitions, dialled: str) -> None:
    found = definitions.numbers.of(dialled)
    assert found == CalledNumber("orders", "en", "Orders 订单", 20, "01065529988")
    assert (definitions.begins(dialled), definitions.outgoing(dialled)) == ("orders", "01065529988")


def test_a_number_of_which_nothing_is_said_is_served_as_usual(definitions: Definitions) -> None:
    definitions = replace(definitions, callback=replace(definitions.callback, outgoing="02155550000"))
    for called, name in (("+861065529977", "Beijing"), ("4008009999", ""), ("", ""), ("s", "")):
        assert (definitions.begins(called), definitions.outgoing(called)) == ("hotline", "02155550000")
        assert definitions.numbers.named({"called": called})["called_name"] == (name or None)
    assert definitions.numbers.of("4008009999") is USUAL


def test_the_hotlines_numbers_are_its_own_and_are_not_called_back(definitions: Definitions) -> None:
    for own in ("01065529988", "+86 10 6552 9977"):
        assert definitions.callback.check(own).reason == "own"


def test_an_unknown_number_is_told_once_and_none_where_no_number_is_named(
    definitions: Definitions, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = UnknownNumbers()
    for _ in range(3):
        unknown.dialled(definitions.numbers, "4008001234")
        unknown.dialled(definitions.numbers, "4008009999")
        unknown.dialled(definitions.numbers, "+864008009999")
        unknown.dialled(CalledNumbers(), "4008007777")
    assert capsys.readouterr().out.count("[numbers] does not name") == 1
    for number in range(5000):
        unknown.dialled(definitions.numbers, f"{number}")
    assert capsys.readouterr().out.count("does not name") < 1001


@pytest.mark.parametrize(
    ("numbers", "key", "sentence"),
    [
        ('[numbers."4008001234"]\nflow = "order"', "numbers.4008001234.flow", 'there is no flow "order"'),
        ('[numbers."4008001234"]\nlanguage = "fr"', "numbers.4008001234.language", "none of zh, en"),
        ('[numbers."4008001234"]\npriority = 1.5', "numbers.4008001234.priority", "a whole number"),
        ('[numbers."4008001234"]\noutgoing = "4008001234"', "numbers.4008001234.outgoing", "cannot call out"),
        ('[numbers."4008001234"]\nnam = "A"', "numbers.4008001234.nam", 'did you mean "name"'),
        ("[numbers.support]", "numbers.support", "is no telephone number"),
        ('[numbers."4008001234"]\n[numbers."400-800-1234"]', "numbers.400-800-1234", "is named already"),
        ('[numbers]\n4008001234 = "orders"', "numbers.4008001234", "this must be a table"),
    ],
)
def test_what_cannot_be_is_refused_with_file_line_and_key(
    tmp_path: Path, numbers: str, key: str, sentence: str
) -> None:
    with pytest.raises(DefinitionFault) as refused:
        load(home_with(tmp_path, f"\n{numbers}\n"))
    line = (tmp_path / "hotline.toml").read_text(encoding="utf-8")[:-1].count("\n") + 1
    assert refused.value.file == tmp_path / "hotline.toml"
    assert abs(refused.value.line - line) <= 1
    assert sentence in str(refused.value)
    (found,) = [each for each in examine(tmp_path, NOW) if each.severity == "error"]
    assert (found.key, found.file) == (key, tmp_path / "hotline.toml")


def test_the_flow_of_a_number_is_checked_as_the_one_that_all_calls_begin_with(tmp_path: Path) -> None:
    assert examine(home_with(tmp_path), NOW) == []
    (found,) = examine(home_with(tmp_path, ""), NOW)
    assert found.sentence == "nothing leads to flow orders from flow hotline"
    (found,) = examine(home_with(tmp_path, flow=FLOW.replace("goodbye", "goodby")), NOW)
    assert (found.severity, found.file.name) == ("error", "orders.toml")
    (found, *_) = examine(home_with(tmp_path, flow=FLOW.replace('bye"\n\n', 'by"\n\n')), NOW)
    assert (found.severity, found.file.name, found.line) == ("error", "orders.toml", 1)
