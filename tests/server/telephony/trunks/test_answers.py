"""Which refusals name the trunk, and which the number."""

from __future__ import annotations

import pytest

from server.telephony.trunks.answers import REDIRECTED, names_trunk, sentence, sip_status


@pytest.mark.parametrize("sip", [400, 401, 403, 405, 407, 408, 488, 491, 500, 502, 503, 504])
def test_a_refusal_that_says_nothing_of_the_number_names_the_trunk(sip: int) -> None:
    assert names_trunk("CONGESTION" if sip == 503 else "CHANUNAVAIL", "0", sip)


@pytest.mark.parametrize("sip", [300, 302, 404, 410, 480, 484, 486, 600, 603, 604])
def test_a_refusal_of_the_number_is_final(sip: int) -> None:
    assert not names_trunk("CHANUNAVAIL", "34", sip)


@pytest.mark.parametrize(
    ("status", "cause", "trunk"),
    [
        ("CHANUNAVAIL", "18", True),
        ("CHANUNAVAIL", "38", True),
        ("CONGESTION", "34", True),
        ("CHANUNAVAIL", "1", False),
        ("CHANUNAVAIL", "28", False),
        ("BUSY", "17", False),
        ("NOANSWER", "0", False),
        ("CANCEL", "0", False),
    ],
)
def test_without_a_sip_status_the_cause_decides(status: str, cause: str, trunk: bool) -> None:
    assert names_trunk(status, cause, 0) is trunk


def test_a_refusal_is_told_by_what_is_known_of_it() -> None:
    assert sip_status("SIP 503 Service Unavailable") == 503
    assert sip_status("") == 0
    assert sentence(503, "CONGESTION", "34") == "SIP 503"
    assert sentence(0, "CHANUNAVAIL", "18") == "CHANUNAVAIL 18"
    assert "not followed" in sentence(0, *REDIRECTED)
