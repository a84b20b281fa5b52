"""A carrier's answer says whose fault it is: the number's, and then no other trunk is asked, or the trunk's.

Asterisk tells the SIP status in words ("SIP 503 Service Unavailable"), and its own cause beside it.
"""

from __future__ import annotations

import re

NUMBER = frozenset((404, 410, 480, 484, 486, 600, 603, 604))
"""The called telephone is busy, declines, is not there, or does not exist: so it would be by any trunk."""
UNAVAILABLE = 503
"""The carrier cannot take calls for a while."""
REDIRECTED = ("BUSY", "0")
"""What Dial says of a redirection that it does not follow; a telephone that is busy has a cause."""
_STATUS = re.compile(r"SIP (\d{3})\b")
_OF_NUMBER = frozenset(("1", "16", "17", "19", "22", "28"))
"""Causes (Q.850) that name the number, where no SIP status is known."""


def sip_status(told: str) -> int:
    """The SIP status in what Asterisk tells of a channel; 0 where there is none."""
    found = _STATUS.search(told)
    return int(found[1]) if found else 0


def names_trunk(dial_status: str, cause: str, sip: int) -> bool:
    """Whether another trunk may do better: the carrier refused or was silent, and said nothing of the number."""
    if dial_status not in ("CHANUNAVAIL", "CONGESTION"):
        return False
    if sip:
        return sip >= 400 and sip not in NUMBER
    return cause not in _OF_NUMBER


def sentence(sip: int, dial_status: str, cause: str) -> str:
    """How a refusal is told."""
    if (dial_status, cause) == REDIRECTED:
        return "a redirection (3xx), which is not followed"
    return f"SIP {sip}" if sip else f"{dial_status} {cause}".strip()
