"""What needs a look, as live rows: each with a code and values, by which a page says it in its own words."""

from __future__ import annotations

from collections.abc import Iterable

from recordings.alarms import Alarms
from recordings.remarks import remark
from server.warned import told
from server.web.instants import instant
from server.web.live.rows import AlarmPart, AlarmRow

RECORDINGS = "recordings"
"""The warning that counts alarms of recordings, of which each has a row."""


def alarm_rows(recordings: Alarms, warnings: Iterable[str]) -> list[AlarmRow]:
    """A row for each recording with an alarm, and one for each warning."""
    found = [
        AlarmRow(
            id=f"recording-{each.recording}",
            kind="recording",
            what=each.what,
            sentence=each.sentence,
            code=f"recording_{each.what}",
            values={"recording": each.recording},
            parts=tuple(_part(sentence) for sentence in each.sentences),
            since=instant(each.since),
            recording=each.recording or None,
            call=None,
        )
        for each in recordings
    ]
    others = [each for each in warnings if not found or told(each)[0] != RECORDINGS]
    for place, warning in enumerate(others, 1):
        code, values = told(warning)
        call = values.get("call")
        found.append(
            AlarmRow(
                id=f"hotline-{place}",
                kind="hotline",
                what="warning",
                sentence=str(warning),
                code=code,
                values=dict(values),
                parts=(),
                since=None,
                recording=None,
                call=call if isinstance(call, int) else None,
            )
        )
    return found


def _part(sentence: str) -> AlarmPart:
    code, values = remark(sentence)
    return AlarmPart(sentence=sentence, code=code, values=values)
