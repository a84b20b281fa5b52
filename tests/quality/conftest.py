"""The form that comes with the product, and marks by it."""

from __future__ import annotations

from pathlib import Path

import pytest

import quality.forms
from quality.forms.definitions import Form
from quality.forms.reading import read_form
from quality.scores import Mark
from tables.toml import located, read
from tables.values import Table

FORM_FILE = Path(quality.forms.__file__).parent / "complaint.toml"


@pytest.fixture(scope="session")
def form() -> Form:
    values, text = read(FORM_FILE)
    with located(FORM_FILE, text):
        return read_form(Table(values))


def best(form: Form, **others: int | None) -> tuple[Mark, ...]:
    """Full marks, but for these."""
    return tuple(Mark(each.id, others.get(each.id, each.levels)) for each in form.questions)
