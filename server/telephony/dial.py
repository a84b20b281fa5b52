"""How an agent is dialled, and what it means when nobody is reached: Asterisk's words for it are known only here."""

from __future__ import annotations

from acd.events import Outcome
from ivr.saying import say_digits

RECORDING = "__SANSHENG_REC"
"""Variable with the prefix of the leg's two files; the dialplan starts recording with the bridge."""
LEG = "sansheng-agent-leg"

# Hang-up causes of ITU-T Q.850, as Asterisk gives them in HANGUPCAUSE.
_BY_CAUSE = {
    "17": Outcome.BUSY,
    "18": Outcome.UNREGISTERED,
    "19": Outcome.NO_ANSWER,
    "20": Outcome.UNREGISTERED,
    "21": Outcome.DECLINED,
    "3": Outcome.UNREGISTERED,
    "1": Outcome.UNREGISTERED,
}
_UNAVAILABLE = "19"
"""With NOANSWER, which a phone that rings to the end gives another cause."""
_BY_STATUS = {
    "NOANSWER": Outcome.NO_ANSWER,
    "BUSY": Outcome.BUSY,
    "CHANUNAVAIL": Outcome.UNREGISTERED,
    "CONGESTION": Outcome.UNREGISTERED,
    "CANCEL": Outcome.CALLER_GONE,
}


def arguments(device: str, ring_for: float, music: str, whisper: str, announcement: str) -> tuple[str, str, str]:
    """Arguments of `Dial`: the caller hears music, then the announcement, while the agent hears the whisper.

    `whisper` and `announcement` are sound files without extension, one each; empty: nothing is said.
    """
    said = f"{whisper}:{announcement}" if announcement else whisper
    options = f"gm({music})A({said})U({LEG})" if said else f"gm({music})U({LEG})"
    return device, str(max(1, round(ring_for))), options


def outcome(status: str, cause: str, *, rang: bool = True) -> Outcome:
    """What DIALSTATUS and HANGUPCAUSE say of an offer that was not answered.

    `rang`: the phone said that it rings. One that never did, or calls itself unavailable (480), is no agent's fault.
    """
    if status == "NOANSWER" and (not rang or cause == _UNAVAILABLE):
        return Outcome.UNREGISTERED
    if status in ("NOANSWER", "CANCEL"):
        return _BY_STATUS[status]
    return _BY_CAUSE.get(cause) or _BY_STATUS.get(status, Outcome.NO_ANSWER)


def work_number(agent: str, language: str) -> tuple[str, ...]:
    """Prompt ids that tell the caller who is going to speak."""
    digits = "".join(character for character in agent if character.isdigit())
    return ("agent-number-before", *say_digits(digits, language), "agent-number-after")
