"""The arguments of Dial, and the meaning of its result."""

from __future__ import annotations

import pytest

from acd.callbacks.events import AttemptOutcome
from acd.events import Outcome
from server.telephony.channels.dial import TO_AGENT, arguments, attempt_outcome, going_on, outcome, outside


@pytest.mark.parametrize(
    ("whisper", "announcement", "options"),
    [
        ("w", "a", "gim(default)A(w:a)U(sansheng-agent-leg)F(agent-left^s^1)"),
        ("w", "", "gim(default)A(w)U(sansheng-agent-leg)F(agent-left^s^1)"),
        ("", "a", "gim(default)A(:a)U(sansheng-agent-leg)F(agent-left^s^1)"),
        ("", "", "gim(default)U(sansheng-agent-leg)F(agent-left^s^1)"),
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
        ("CHANUNAVAIL", "0", False, Outcome.LOST),
        ("CONGESTION", "34", False, Outcome.UNREGISTERED),
        ("CANCEL", "0", True, Outcome.CALLER_GONE),
    ],
)
def test_only_an_agent_whose_phone_rang_did_not_answer(status: str, cause: str, rang: bool, expected: Outcome) -> None:
    assert outcome(status, cause, rang=rang) is expected


def test_the_dialling_and_the_answering_channel_go_on_apart() -> None:
    assert going_on("PJSIP/1001", 0.2, TO_AGENT) == ("PJSIP/1001", "1", "iG(callback-agent^s^1)")


@pytest.mark.parametrize(
    ("status", "cause", "rang", "expected"),
    [
        ("NOANSWER", "0", True, AttemptOutcome.NO_ANSWER),
        ("NOANSWER", "0", False, AttemptOutcome.FAILED),
        ("NOANSWER", "19", False, AttemptOutcome.NO_ANSWER),
        ("BUSY", "17", False, AttemptOutcome.BUSY),
        ("CHANUNAVAIL", "21", False, AttemptOutcome.REJECTED),
        ("CHANUNAVAIL", "1", False, AttemptOutcome.UNREACHABLE),
        ("CHANUNAVAIL", "28", False, AttemptOutcome.UNREACHABLE),
        ("CHANUNAVAIL", "3", False, AttemptOutcome.FAILED),
        ("CHANUNAVAIL", "38", False, AttemptOutcome.FAILED),
        ("CONGESTION", "34", False, AttemptOutcome.FAILED),
        ("CONGESTION", "34", True, AttemptOutcome.NO_ANSWER),
        ("CANCEL", "0", True, AttemptOutcome.AGENT_GONE),
    ],
)
def test_only_a_customer_whose_phone_rang_in_vain_was_tried(
    status: str, cause: str, rang: bool, expected: AttemptOutcome
) -> None:
    assert attempt_outcome(status, cause, rang=rang) is expected


@pytest.mark.parametrize("number", ["", "1&PJSIP/1001", "13800138000@trunk-out", "+", "1,2", "１２", "1\n"])
def test_only_a_number_is_dialled_outside(number: str) -> None:
    assert outside("+8613800138000") == "PJSIP/+8613800138000@trunk-out"
    with pytest.raises(ValueError, match="no number"):
        outside(number)
