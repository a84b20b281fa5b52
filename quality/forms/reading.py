"""From a form's TOML to a `Form`: what would make a score meaningless is refused here, with the key that says where."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category

from quality.forms.definitions import Critical, Form, Question, Section
from tables.errors import Key, TableError
from tables.values import Table

_ID: Final = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_CAP = 59.0
"""What a critical question caps at unless it says otherwise."""


def read_form(table: Table) -> Form:
    """Read a form. Raises TableError at the first value that cannot be used."""
    form = Form(
        name=_id(table, "name"),
        version=table.integer("version", least=1),
        zh=_said(table, "zh"),
        en=_said(table, "en"),
        pass_mark=table.number("pass", 85.0, most=100.0),
        sections=tuple(_section(each) for each in table.tables("sections")),
    )
    table.done()
    seen: set[str] = set()
    for place, section in enumerate(form.sections):
        for index, question in enumerate(section.questions):
            if question.id in seen:
                key: Key = (*table.at("sections"), place, "questions", index, "id")
                raise TableError(key, f"there are two questions {question.id}: an id names one question of the form")
            seen.add(question.id)
    if not any(each.weight > 0 and not each.may_be_na for each in form.questions):
        raise TableError(
            table.at("sections"),
            "a form has at least one question with a weight that may not be marked as not applicable",
        )
    if len({each.id for each in form.sections}) < len(form.sections):
        raise TableError(table.at("sections"), "two sections have the same id")
    return form


def _section(table: Table) -> Section:
    section = Section(
        _id(table, "id"),
        _said(table, "zh"),
        _said(table, "en"),
        tuple(_question(each) for each in table.tables("questions")),
    )
    if not section.questions:
        raise TableError(table.key, f"section {section.id} has no questions")
    table.done()
    return section


def _question(table: Table) -> Question:
    critical = table.choice("critical", tuple(Critical), "") if table.has("critical") else ""
    fatal = table.flag("fatal", False)
    question = Question(
        id=_id(table, "id"),
        zh=_said(table, "zh"),
        en=_said(table, "en"),
        weight=table.number("weight", 1.0, most=1000.0),
        levels=table.integer("levels", 1, least=1, most=10),
        may_be_na=table.flag("na", False),
        critical=Critical(critical) if critical else None,
        cap=table.number("cap", _CAP, most=100.0) if critical and not fatal else None,
        fatal=fatal,
        hint_zh=_words(table, "hint_zh", ""),
        hint_en=_words(table, "hint_en", ""),
    )
    if fatal and not critical:
        raise TableError(table.at("fatal"), f"a fatal question names its kind: critical = one of {', '.join(Critical)}")
    if table.has("cap") and question.cap is None:
        why = "a fatal question makes the score 0: it has no cap" if fatal else "only a critical question has a cap"
        raise TableError(table.at("cap"), why)
    if critical and question.levels != 1:
        raise TableError(table.at("levels"), "a critical question is answered yes or no: levels = 1")
    table.done()
    return question


def _id(table: Table, name: str) -> str:
    value = table.text(name)
    if not _ID.fullmatch(value):
        raise TableError(table.at(name), f"{value!r}: a letter, then letters, digits and _, all lower case, at most 40")
    return value


def _said(table: Table, name: str) -> str:
    value = _words(table, name)
    if not value.strip():
        raise TableError(table.at(name), "a text in both languages is needed")
    return value


def _words(table: Table, name: str, default: str | None = None) -> str:
    value = table.text(name, default)
    if any(category(each).startswith("C") and each != "\n" for each in value):
        raise TableError(table.at(name), "a text has no control characters and no halves of characters")
    return value
