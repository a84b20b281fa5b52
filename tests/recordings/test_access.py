"""Nobody hears a recording without a purpose that fits the role."""

from __future__ import annotations

import pytest

from recordings.access import Purpose, purpose_of, purposes


def test_each_role_has_a_usual_purpose_and_may_name_another_of_its_own() -> None:
    assert purpose_of("agent", "") is Purpose.REVIEW
    assert purpose_of("qa", "") is Purpose.QUALITY
    assert purpose_of("leader", "dispute") is Purpose.DISPUTE
    assert set(purposes("supervisor")) == set(purposes("administrator")) == set(Purpose)


@pytest.mark.parametrize(
    ("role", "asked", "sentence"),
    [
        ("agent", "legal", "'legal' is no purpose of the role agent: there are review, complaint"),
        ("qa", "fun", "'fun' is no purpose of the role qa: there are quality, dispute"),
        ("department", "", "the role department listens to no recordings"),
    ],
)
def test_other_purposes_are_refused_by_name(role: str, asked: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        purpose_of(role, asked)
