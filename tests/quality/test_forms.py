"""A form's version is what it is for ever."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from quality.errors import QualityError
from quality.forms.definitions import Critical
from quality.forms.library import Library
from quality.forms.reading import read_form
from tables.errors import TableError
from tables.values import Table
from tests.quality.conftest import FORM_FILE

SMALL = """
name = "small"
version = 3
zh = "小表"
en = "Small"
[[sections]]
id = "all"
zh = "全部"
en = "All"
[[sections.questions]]
id = "one"
zh = "一"
en = "One"
"""


def small(extra: str = "") -> Table:
    return Table(tomllib.loads(SMALL + extra))


def test_the_form_of_the_product_tells_the_three_critical_kinds_apart(form):
    assert (form.name, form.version) == ("complaint", 1)
    assert {each.critical for each in form.questions if each.fatal} == set(Critical)
    assert {each.critical for each in form.questions if each.cap is not None} == set(Critical)
    assert sum(each.weight for each in form.questions) == 100


def test_its_texts_are_chinese_and_english(form):
    for each in (form, *form.sections, *form.questions):
        assert any("一" <= character <= "鿿" for character in each.zh)
        assert each.en.isascii()


def test_no_version_of_the_products_form_is_ever_changed(form):
    """A change to complaint.toml is another version: give it a new number, and its digest here."""
    digests = {1: "51be643dbf72195c6d22c6c84930bf4c1ba12f5b5dcb8dd1152e13756df616fd"}
    assert form.digest == digests[form.version]


def test_a_changed_form_with_an_old_number_is_refused(form):
    library = Library([form])
    assert not library.add(form)
    with pytest.raises(QualityError, match=r"form complaint version 1 is not what it was.*2 or higher"):
        library.add(replace(form, pass_mark=80.0))
    assert library.latest("complaint") is form


def test_versions_go_up_and_old_ones_stay(form):
    library = Library([replace(form, version=1)])
    assert library.add(replace(form, version=4, pass_mark=80.0))
    with pytest.raises(QualityError, match="version 2 comes after version 4: number it 5 or higher"):
        library.add(replace(form, version=2))
    assert library.get("complaint", 1).pass_mark == 85.0
    assert library.latest("complaint").version == 4
    assert [each.version for each in library.all()] == [1, 4]


def test_a_form_that_is_not_there_is_named(form):
    library = Library([form])
    with pytest.raises(QualityError, match="there is no form nonsense; there are complaint"):
        library.latest("nonsense")
    with pytest.raises(QualityError, match="there is no form complaint version 9"):
        library.get("complaint", 9)


def test_another_word_is_another_form(form):
    section = form.sections[0]
    other = replace(section, questions=(replace(section.questions[0], en="Says hello"), *section.questions[1:]))
    assert replace(form, sections=(other, *form.sections[1:])).digest != form.digest


def test_a_small_form_is_read():
    read = read_form(small())
    assert (read.name, read.version, read.pass_mark) == ("small", 3, 85.0)
    assert read.questions[0].answers == ("0", "1")


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        ("weight = 0", "at least one question with a weight"),
        ("na = true", "at least one question with a weight"),
        ("fatal = true", "a fatal question names its kind"),
        ("cap = 50", "only a critical question has a cap"),
        ('critical = "customer"\nfatal = true\ncap = 50', "a fatal question makes the score 0: it has no cap"),
        ('critical = "customer"\nlevels = 4', "a critical question is answered yes or no"),
        ('critical = "nobody"', "'nobody' is none of customer, business, compliance"),
        ("weigth = 3", '"weigth" means nothing here: did you mean "weight"'),
        ("weight = -1", "weight: this must be a number from 0 to 1000"),
        ('[[sections.questions]]\nid = "one"\nzh = "一"\nen = "1"', "there are two questions one"),
        ('[[sections.questions]]\nid = "Two"\nzh = "二"\nen = "2"', "all lower case"),
        ('[[sections.questions]]\nid = "two"\nzh = " "\nen = "2"', "a text in both languages is needed"),
        ('[[sections]]\nid = "more"\nzh = "又"\nen = "More"', "section more has no questions"),
        ('[[sections]]\nid = "all"\nzh = "又"\nen = "A"\nquestions = [{id="b", zh="b", en="b"}]', "two sections"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused(extra, sentence):
    with pytest.raises(TableError, match=sentence):
        read_form(small(extra))


def test_the_default_form_is_beside_the_package():
    assert FORM_FILE.exists()
