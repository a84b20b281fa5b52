"""The one Dial that joins a caller and an agent: how it is written, and what its outcome means.

Seen on Asterisk 22 with real phones:

| what the phone did                       | DIALSTATUS  | HANGUPCAUSE | after              |
| ---------------------------------------- | ----------- | ----------- | ------------------ |
| answered; either side hung up later      | ANSWER      | 16          | the conversation   |
| rang until the time was up               | NOANSWER    | 0           | the ring time      |
| … and another of its devices was absent  | NOANSWER    | 3           | the ring time      |
| said nothing, or nobody is at its address | NOANSWER    | 0           | the ring time, without RINGING |
| 480 temporarily unavailable              | NOANSWER    | 19          | at once            |
| 486 busy here                            | BUSY        | 17          | at once            |
| 603 declined                             | CHANUNAVAIL | 21          | at once            |
| 404 not found                            | CHANUNAVAIL | 1           | at once            |
| 408 request timeout                      | CHANUNAVAIL | 18          | at once            |
| 500 server error                         | CHANUNAVAIL | 38          | at once            |
| 488 no common codec                      | CHANUNAVAIL | 58          | at once            |
| not registered, or no such device        | CHANUNAVAIL | 3           | at once, no DialBegin |
| 503 service unavailable                  | CONGESTION  | 34          | at once            |
| the caller hung up while it rang         | CANCEL      | (gone)      | at once            |

AMI's DialEnd tells less: it says NOANSWER for 603 and 480 alike.
"""

from __future__ import annotations

import enum

SPECIAL = frozenset(',()&^:"\\\r\n\0')
"""What would end an argument of Dial, or start another one."""


class Answered(enum.Enum):
    """What became of one Dial."""

    YES = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    DECLINED = "declined"
    ABSENT = "unregistered"
    """Not registered, not at its address, or not able to take a call."""
    FAILED = "failed"
    """Our side or the network: no blame to the agent."""
    CALLER_GONE = "caller_gone"


DECLINED_CAUSE = 21
FAILED_CAUSES = frozenset({34, 38, 58})


def outcome(status: str, cause: int, rang: bool) -> Answered:
    """Read DIALSTATUS and HANGUPCAUSE; `rang`: whether AMI told DialState RINGING (or Newstate Ringing) of a device."""
    match status:
        case "ANSWER":
            return Answered.YES
        case "BUSY":
            return Answered.BUSY
        case "CANCEL":
            return Answered.CALLER_GONE
        case "NOANSWER":
            return Answered.NO_ANSWER if rang else Answered.ABSENT
        case "CHANUNAVAIL" if cause == DECLINED_CAUSE:
            return Answered.DECLINED
        case "CHANUNAVAIL" if cause not in FAILED_CAUSES:
            return Answered.ABSENT
    return Answered.FAILED


def dial_arguments(
    devices: str, ring_for: float, *, music: str = "default", whisper: str = "", announcement: str = ""
) -> tuple[str, str, str]:
    """The three arguments of Dial: devices (`AgentPhone.dial`), whole seconds, options.

    `whisper` (to the agent) and `announcement` (to the caller) are sound files without ending, one each: Dial takes no
    list (`joined.py` makes one file of several). Raises ValueError for a name that Dial could not read back.
    """
    for name in (music, whisper, announcement):
        _readable(name)
    options = f"gm({music})"
    if whisper or announcement:
        options += f"A({whisper}:{announcement})" if announcement else f"A({whisper})"
    return devices, str(max(1, round(ring_for))), options + "U(sansheng-agent-leg)"


def _readable(name: str) -> None:
    if found := SPECIAL & set(name):
        raise ValueError(f"{name!r} holds {min(found)!r}, which ends an argument of Dial: name the file without it")
