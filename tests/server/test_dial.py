"""What Dial is told, and what its answer means."""

from __future__ import annotations

import pytest

from acd.events import Outcome
from server.telephony.dial import arguments, outcome


@pytest.mark.parametrize(
    ("whisper", "announcement", "options"),
    [
        ("w", "a", "gm(default)A(w:a)U(sansheng-agent-leg)"),
        ("w", "", "gm(default)A(w)U(sansheng-agent-leg)"),
        ("", "a", "gm(default)A(:a)U(sansheng-agent-leg)"),
        ("", "", "gm(default)U(sansheng-agent-leg)"),
    ],
)
def test_what_is_not_said_is_not_played(whisper: str, announcement: str, options: str) -> None:
    assert arguments("PJSIP/1001", 19.6, "default", whisper, announcement) == ("PJSIP/1001", "20", options)


@pytest.mark.parametrize(
    ("status", "cause", "rang", "expected"),
    [
        ("NOANSWER", "0", True, Outcome.NO_ANSWER),
        ("NOANSWER", "0", False, Outcome.UNREGISTERED),
        ("NOANSWER", "19", False, Outcome.UNREGISTERED),
        ("BUSY", "17", True, Outcome.BUSY),
        ("CHANUNAVAIL", "21", True, Outcome.DECLINED),
        ("CHANUNAVAIL", "3", False, Outcome.UNREGISTERED),
        ("CHANUNAVAIL", "58", False, Outcome.UNREGISTERED),
        ("CONGESTION", "34", False, Outcome.UNREGISTERED),
        ("CANCEL", "0", True, Outcome.CALLER_GONE),
    ],
)
def test_only_an_agent_whose_phone_rang_did_not_answer(status: str, cause: str, rang: bool, expected: Outcome) -> None:
    assert outcome(status, cause, rang=rang) is expected
