"""How agents and customers are dialled, and what it means when nobody is reached.

Asterisk's words for it are known only here.
"""

from __future__ import annotations

import re

from acd.callbacks.events import AttemptOutcome
from acd.events import Outcome
from ivr.saying import say_digits

TRUNK = "trunk-out"
"""What the endpoints begin with that outside numbers are called by; see `server.hotline.trunks`."""
_NUMBER = re.compile(r"\+?[0-9]{1,32}")
RECORDING = "__SANSHENG_REC"
"""Variable with the prefix of the leg's two files; the dialplan starts recording with the bridge."""
LEG = "sansheng-agent-leg"
OUTSIDE_LEG = "sansheng-outside-agent"
"""Where an agent at an outside number is asked for the key, and hears the whisper."""

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
_OURS = ("", "0")
"""With CHANUNAVAIL: Asterisk itself could not place the call, as when no port is free for its sound."""
UNAVAILABLE = "19"
"""With NOANSWER, which a phone that rings to the end gives another cause."""
_BY_STATUS = {
    "NOANSWER": Outcome.NO_ANSWER,
    "BUSY": Outcome.BUSY,
    "CHANUNAVAIL": Outcome.UNREGISTERED,
    "CONGESTION": Outcome.UNREGISTERED,
    "CANCEL": Outcome.CALLER_GONE,
}
TRANSFER_TO = "SANSHENG_TO"
"""The number that an agent's phone transferred the caller to, until the log knows of it."""
AGENT_LEFT = "agent-left^s^1"
"""Where an agent's channel goes when the caller has left: the phone may have transferred the caller."""
TRANSFER_CONTEXT = "TRANSFER_CONTEXT"
"""Asterisk's variable: the dialplan context to which a phone's transfer key sends the other one …"""
MAY_TRANSFER = "phone-transfer"
"""… while that is a caller."""
TO_AGENT = "callback-agent^s^1"
"""Where a line goes when the agent that it dialled picks up; the agent goes to the priority after it …"""
AGENT_TO_CUSTOMER = "called^agent^1"
LINE_TO_CUSTOMER = "called^line^1"
"""… and likewise when a customer picks up, dialled by the agent's channel, or by the line."""

_ATTEMPT_BY_CAUSE = {
    "1": AttemptOutcome.UNREACHABLE,
    "17": AttemptOutcome.BUSY,
    "19": AttemptOutcome.NO_ANSWER,
    "21": AttemptOutcome.REJECTED,
    "22": AttemptOutcome.UNREACHABLE,
    "28": AttemptOutcome.UNREACHABLE,
}


def outside(number: str, endpoint: str = TRUNK) -> str:
    """The device of an outside number. Raises ValueError for what Dial could read as more than a number."""
    if not _NUMBER.fullmatch(number):
        raise ValueError(f"{number!r} is no number that can be dialled")
    return f"PJSIP/{number}@{endpoint}"


def arguments(
    device: str, ring_for: float, music: str, whisper: str, announcement: str, headers: str = ""
) -> tuple[str, str, str]:
    """Arguments of `Dial`: the caller hears music, then the announcement, while the agent hears the whisper.

    `whisper` and `announcement` are sound files without extension, one each; empty: nothing is said. `headers` is the
    option that tells a page what the call is (`page_headers`).
    """
    said = f"{whisper}:{announcement}" if announcement else whisper
    whispered = f"A({said})" if said else ""
    options = f"gim({music}){whispered}{headers}U({LEG})F({AGENT_LEFT})"
    return device, str(max(1, round(ring_for))), options


def to_outside_agent(music: str, whisper: str, confirm_for: float) -> str:
    """Options of `Dial` for an agent at an outside number, who is joined after pressing 1; the caller hears music."""
    return f"gm({music})U({OUTSIDE_LEG}^{round(confirm_for)}^{whisper})"


def outcome(status: str, cause: str, *, rang: bool = True, redirected: bool = False, left: bool = False) -> Outcome:
    """What DIALSTATUS and HANGUPCAUSE say of an offer that was not answered.

    `rang`: the phone said that it rings. One that never did, or calls itself unavailable (480), is no agent's fault.
    `redirected`: it sent the call elsewhere, which Dial calls busy. `left`: it said nothing, and the server hung it up.
    """
    if redirected:
        return Outcome.REDIRECTED
    if left:
        return Outcome.UNREGISTERED
    if status == "NOANSWER" and (not rang or cause == UNAVAILABLE):
        return Outcome.UNREGISTERED
    if status in ("NOANSWER", "CANCEL"):
        return _BY_STATUS[status]
    if status == "CHANUNAVAIL" and cause in _OURS:
        return Outcome.LOST
    return _BY_CAUSE.get(cause) or _BY_STATUS.get(status, Outcome.NO_ANSWER)


def going_on(device: str, ring_for: float, place: str, headers: str = "") -> tuple[str, str, str]:
    """Arguments of a `Dial` whose two channels go on apart at `place` when it is answered.

    Who dials hears the other's ringing, whether that phone sends it or only says so.
    """
    follows = "i" if place == TO_AGENT else ""  # an agent's phone that sends the call elsewhere is not followed
    return device, str(max(1, round(ring_for))), f"{follows}{headers}{split(place)}"


def split(place: str) -> str:
    """The option of `Dial` whose two channels go on apart at `place`."""
    return f"G({place})"


def attempt_outcome(status: str, cause: str, *, rang: bool = True) -> AttemptOutcome:
    """What DIALSTATUS and HANGUPCAUSE say of a customer who was not reached.

    `rang`: their phone rang, or the network said something to be heard. A trunk that said nothing took no call.
    """
    if status == "CANCEL":
        return AttemptOutcome.AGENT_GONE
    if status == "BUSY":
        return AttemptOutcome.BUSY
    if status == "NOANSWER":
        return AttemptOutcome.NO_ANSWER if rang or cause == UNAVAILABLE else AttemptOutcome.FAILED
    return _ATTEMPT_BY_CAUSE.get(cause, AttemptOutcome.NO_ANSWER if rang else AttemptOutcome.FAILED)


def work_number(agent: str, language: str) -> tuple[str, ...]:
    """Prompt ids that tell the caller who is going to speak."""
    digits = "".join(character for character in agent if character.isdigit())
    return ("agent-number-before", *say_digits(digits, language), "agent-number-after")
