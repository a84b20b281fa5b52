"""Law: one place asks Asterisk how many packets came from either side of a conversation; others are told.

Each conversation is counted every few seconds, and more often once its sides leave packets out, so that the recording
can be laid out by it. Nobody is asked about a caller on hold: then the two are apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

import acd.events as acd
from recordings.layout import BLOCK, Packets, share, usual
from server.hotline.definitions import SoundRules
from server.hotline.dispatcher import Dispatcher
from server.hotline.view import View
from server.tasks import BackgroundTasks, first_of
from server.telephony.ami.link import Ami, AmiError, AmiEvent
from server.telephony.channels.agent_channels import AgentChannels
from server.telephony.channels.leg_files import PartFiles, add_counted, newest, written
from server.telephony.channels.one_way import CameBack, Learn, OneWay, Side, Stopped, Told
from server.telephony.channels.ownership import AgentChannel
from server.warned import warned

_log = structlog.get_logger("rtp_watch")

OFTEN = 0.25
"""Seconds between two counts of a conversation whose sides leave packets out, and the shortest wait of the watch."""
SOON = 0.5
"""Seconds between two counts of a conversation of which one side was not heard at the last one."""
SELDOM = 10.0
"""Seconds between two counts of any other conversation that are kept: packets may be lost on the way."""
MOST_OFTEN = 40
"""Conversations that are counted often at the same time; what is more is counted at the usual rhythm."""
_TURN = 0.05
"""Seconds in which conversations that begin together are taken up together."""
EARLY = 8
"""Counts that every conversation has at the shortest rhythm, to learn how its sides send."""
_FULL = 0.98
"""The share of the time with packets from which on a span has no gaps."""
_LAGS = 0.2
"""Seconds by which the sound on the disk is behind, a block apart, of a recorder that drops late packets."""
_GAP = 0.15
"""Seconds without packets in a span from which on it surely has a gap."""
_COUNT = "CHANNEL(rtcp,rxcount)"
_LEARN = "PJSIP_SEND_SESSION_REFRESH()"
"""Asterisk renegotiates with the phone, and after its answer takes the sound from where it comes then."""


@dataclass(slots=True)
class _Counted:
    """One conversation under watch. `due` is when it is counted next, by the monotonic clock."""

    leg: AgentChannel
    caller_channel: str
    one_way: OneWay
    due: float
    counts: list[Packets] = field(default_factory=list)
    """Counts that say something of their own: of a span without gaps the ends."""
    rates: tuple[float, float] = (0.0, 0.0)
    sparse: bool = False
    """Its sides leave packets out; the counts are kept in a file for the recording."""
    written_at: float = -1.0
    """The last count in the file."""
    seen: int = 0
    """How often it was counted."""
    full: bool = False
    """The last span has no gaps."""
    lags: bool = False
    """Packets come, and their sound is not written."""
    before: int = 0
    """The agent's packets of channels whose place this one has taken."""
    files: PartFiles | None = None
    """The part that Asterisk writes now, once there is a file of it."""
    former: float = -1.0
    """When the part before it began: Asterisk makes a file with the first sound."""
    silent_since: dict[Side, float] = field(default_factory=dict)
    """Sides of which no sound comes, by UTC epoch seconds."""

    def add(self, new: Packets) -> None:
        """Take in a count."""
        counts = self.counts
        if counts and (lasted := new.at - counts[-1].at) > 0:
            came = (new.caller - counts[-1].caller) / lasted, (new.agent - counts[-1].agent) / lasted
            known = self.rates != (0.0, 0.0)
            self.rates = max(self.rates[0], came[0]), max(self.rates[1], came[1])
            part = share(counts[-1], new, (usual(self.rates[0]), usual(self.rates[1])))
            self.sparse = self.sparse or (known and (1 - part) * lasted > _GAP)
            if new.written is not None and self.files is not None:
                self.lags = self.lags or new.at - self.files.begins - new.written > BLOCK + _LAGS
                self.sparse = self.sparse or self.lags
            if part >= _FULL and self.full and not self.lags and counts[-1].at > self.written_at:
                counts.pop()
            self.full = part >= _FULL
        counts.append(new)
        self.seen += 1

    def unwritten(self) -> list[Packets]:
        """The counts to keep now: all of sides that leave packets out, else one now and then."""
        last = self.counts[-1].at
        if not self.sparse and last - self.written_at < SELDOM:
            return []
        return [each for each in self.counts if each.at > self.written_at]


class RtpWatch:
    """Watches the conversations of `channels`. `prefix(call, offer)` is the path of a leg's files without their ending.

    `listen` adds a listener, who is told the leg, the packets counted (`at` in seconds since the join) and, with each
    count, what `one_way` made of it. `wake` wants AMI's BridgeEnter, `hold` and `unhold` Hold and Unhold.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        view: View,
        channels: AgentChannels,
        ami: Ami,
        prefix: Callable[[int, int], Path],
        rules: Callable[[], SoundRules],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._dispatcher, self._view, self._channels, self._ami = dispatcher, view, channels, ami
        self._prefix, self._rules, self._clock = prefix, rules, clock
        self._counted: dict[int, _Counted] = {}
        self._held: set[str] = set()
        """Channels whose phone has put the other side on hold, by unique id."""
        self._woken = asyncio.Event()
        self._learning = BackgroundTasks(_log, "a port could not be learned anew", AmiError)
        self._listeners: list[Callable[[AgentChannel, Packets, Sequence[Told]], None]] = []

    def listen(self, listener: Callable[[AgentChannel, Packets, Sequence[Told]], None]) -> None:
        """Tell `listener(leg, packets, told)` of every count."""
        self._listeners.append(listener)

    def alarms(self) -> list[str]:
        """A sentence on each conversation whose sound goes one way only now."""
        now = self._clock()
        return [
            warned(
                "one_way",
                f"call {each.leg.call}: no sound has come from the {_who(each.leg, side)} for {now - since:.0f} s, "
                f"while the other side's comes: look at the network on the way",
                call=each.leg.call,
                agent=each.leg.agent,
                side=side,
                seconds=round(now - since),
            )
            for each in self._counted.values()
            for side, since in each.silent_since.items()
        ]

    def silent(self) -> int:
        """How many conversations have sound of one side only now."""
        return sum(1 for each in self._counted.values() if each.silent_since)

    def wake(self, _: AmiEvent) -> None:
        """A channel is joined with another one: there may be a new conversation."""
        self._woken.set()

    def hold(self, event: AmiEvent) -> None:
        """A phone put the other side on hold: it need not send anything."""
        self._held.add(event["Uniqueid"])

    def unhold(self, event: AmiEvent) -> None:
        """A phone took the other side off hold, or is gone."""
        self._held.discard(event["Uniqueid"])

    async def run(self) -> None:
        """Count until cancelled."""
        while True:
            self._woken.clear()
            self._take_up()
            now = time.monotonic()
            if due := [each for each in self._counted.values() if each.due <= now]:
                await self._count(due)
            following = min((each.due for each in self._counted.values()), default=now + self._rules().counted_every)
            await first_of(self._woken.wait(), timeout=max(_TURN, following - time.monotonic()))
            await asyncio.sleep(_TURN)

    def _take_up(self) -> None:
        """Follow what conversations there are."""
        now, rules = time.monotonic(), self._rules()
        talking = {leg.offer: leg for leg in self._channels.talking()}
        for offer in self._counted.keys() - talking.keys():
            leg = self._counted[offer].leg
            live = self._view.calls.get(leg.call)
            if live is None or live.leg is None or live.leg.offer != offer:
                del self._counted[offer]
            else:
                self._rest(self._counted[offer])
        for offer, leg in talking.items():
            live = self._view.calls.get(leg.call)
            if live is None or live.leg is None or live.leg.hold:
                continue
            if (known := self._counted.get(offer)) is None:
                one_way = OneWay(rules.one_way_after, rules.learn_after)
                self._counted[offer] = _Counted(leg, live.channel, one_way, now)
            elif known.due == float("inf"):
                if known.leg is not leg:
                    known.before = known.counts[-1].agent if known.counts else 0
                known.leg, known.due = leg, now
                if known.files is not None:
                    known.former, known.files = known.files.begins, None

    def _rest(self, counted: _Counted) -> None:
        """The two are apart."""
        counted.due = float("inf")
        counted.one_way.rest()
        counted.silent_since.clear()

    async def _count(self, due: Sequence[_Counted]) -> None:
        often = sum(1 for each in self._counted.values() if each.sparse) <= MOST_OFTEN
        found = await asyncio.gather(*(self._packets(each) for each in due))
        for each, packets in zip(due, found, strict=True):
            if packets is not None:
                self._heed(each, packets)
            usual = self._rules().counted_every
            rest = min(SOON, usual) if each.one_way.suspects else usual
            each.due = time.monotonic() + (OFTEN if often and (each.sparse or each.seen < EARLY) else rest)
        if kept := [(each, new) for each in due if each.counts and (new := each.unwritten())]:
            await asyncio.to_thread(self._write, kept)

    async def _packets(self, counted: _Counted) -> Packets | None:
        """How many packets have come; None when Asterisk does not say, or the two are apart by now."""
        try:
            sound, replies = await asyncio.gather(
                asyncio.to_thread(self._written, counted),
                asyncio.gather(
                    *(
                        self._ami.action("Getvar", Channel=channel, Variable=_COUNT)
                        for channel in (counted.caller_channel, counted.leg.channel)
                    )
                ),
            )
            caller, agent = (int(reply.get("Value", "")) for reply in replies)
        except (AmiError, ValueError):
            return None
        leg = counted.leg
        if leg.joined_at is None or leg.left_at is not None or leg.ended:
            return None
        return Packets(self._clock() - leg.joined_at, caller, counted.before + agent, sound)

    def _written(self, counted: _Counted) -> float | None:
        """Seconds of sound on the disk; None where nothing is recorded yet or the disk does not say."""
        try:
            if counted.files is None:
                found = newest(self._prefix(counted.leg.call, counted.leg.offer))
                if found.begins <= counted.former:
                    return None
                counted.files = found
            return written(counted.files) or None
        except OSError:
            return None

    def _heed(self, counted: _Counted, packets: Packets) -> None:
        counted.add(packets)
        told: list[Told] = []
        leg = counted.leg
        if leg.held_since is not None or leg.caller_unique_id in self._held:
            counted.one_way.rest()
            counted.silent_since.clear()
        else:
            told = list(counted.one_way.count(packets.caller, packets.agent, packets.at))
        for each in told:
            self._tell(counted, each)
        for listener in self._listeners:
            listener(leg, packets, told)

    def _tell(self, counted: _Counted, told: Told) -> None:
        leg = counted.leg
        match told:
            case Learn(side):
                channel = counted.caller_channel if side is Side.CALLER else leg.channel
                _log.info("no packets come: Asterisk learns the port anew", call=leg.call, side=side.value)
                self._learning.start(self._ami.action("Setvar", Channel=channel, Variable=_LEARN, Value="invite"))
            case Stopped(side, seconds):
                counted.silent_since[side] = self._clock() - seconds
                _log.warning("the sound goes one way only", call=leg.call, agent=leg.agent, silent=side.value)
                self._dispatcher.submit(acd.SoundStopped(leg.call, leg.agent, side.value, round(seconds, 1)))
            case CameBack(side, seconds):
                counted.silent_since.pop(side, None)
                self._dispatcher.submit(acd.SoundReturned(leg.call, leg.agent, side.value, round(seconds, 1)))

    def _write(self, kept: Iterable[tuple[_Counted, list[Packets]]]) -> None:
        """Keep the counts for the recordings."""
        for each, new in kept:
            try:
                add_counted(self._prefix(each.leg.call, each.leg.offer), new)
            except OSError as error:
                _log.warning("packets that were counted cannot be kept", call=each.leg.call, why=str(error))
            else:
                each.written_at = new[-1].at


def _who(leg: AgentChannel, side: Side) -> str:
    return f"phone of agent {leg.agent}" if side is Side.AGENT else "caller"
