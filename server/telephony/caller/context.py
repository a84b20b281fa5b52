"""What a session that holds a caller works with: the server's services, and this one caller."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.live_call import LiveCall
from server.hotline.parties import Party
from server.hotline.view import View
from server.telephony.agi.server import AgiCall
from server.telephony.ami.link import Ami
from server.telephony.caller.audio import CallerAudio
from server.telephony.caller.mailbox import Mailbox
from server.telephony.channels.leg_recorder import LegRecorder
from server.telephony.channels.legs import Legs
from server.telephony.channels.page_headers import Purpose, dialled
from server.telephony.trunks.outgoing import Outgoing

FACTS_DEADLINE = 2.0
"""Seconds within which the AMI stream tells what an AGI command knows already; after that the session tells it."""

MUSIC = "queue_music"
"""Field of the call: the music class that the flow wants, through overflow, transfer and another server."""


@dataclass(frozen=True, slots=True)
class CallFolders:
    """Where the files of a call are."""

    prompts: Path
    recordings: Path
    messages: Path
    own_prompts: Path | None = None
    """The operator's own, see `server.hotline.own_prompts`."""

    def recording(self, call: int, offer: int) -> Path:
        """Prefix of one leg's two files, which Asterisk writes."""
        return self.recordings / f"{call}-{offer}"


@dataclass(frozen=True, slots=True)
class SessionServices:
    """What sessions work with. `device` says what to dial for an agent; `work_number` gives the sound file that tells
    a caller, in a language, which agent is going to speak; `outgoing` dials outside numbers; `clock` is UTC epoch
    seconds."""

    dispatcher: Dispatcher
    view: View
    legs: Legs
    ami: Ami
    folders: CallFolders
    device: Callable[[str], str]
    work_number: Callable[[str, str], Awaitable[str]]
    outgoing: Outgoing
    clock: Callable[[], float]

    def page_headers(self, live: LiveCall, agent: str, purpose: Purpose) -> str:
        """The option of `Dial` that tells the agent's page what this call is."""
        policy = self.view.floor.policy
        of_queue = any(queue.auto_answer for queue in policy.queues if queue.name == live.queue)
        return dialled(live.id, purpose, auto_answer=of_queue or agent in policy.phones.auto_answer)

    @property
    def recorder(self) -> LegRecorder:
        """What begins and stops the recordings of legs."""
        pauses = self.view.recording_pauses
        return LegRecorder(self.ami, self.folders.recording, self.clock, pauses.silent)


@dataclass(slots=True)
class CallerContext:
    """One caller while a session holds them. `fields` is what the flow has learned."""

    call: int
    agi: AgiCall
    audio: CallerAudio
    definitions: Definitions
    mailbox: Mailbox = field(default_factory=Mailbox)
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def party(self) -> Party:
        """The caller, as the channel shows the number and the name."""
        return self.definitions.party(self.agi.caller, self.agi.caller_name, self.agi.query.get("said_by", ""))

    @property
    def called(self) -> str:
        """The hotline's number that the caller dialled."""
        return self.agi.called

    def music(self, queue: str) -> str:
        """What this caller hears while they wait in this queue, or are on hold."""
        return self.definitions.music(queue, self.fields.get(MUSIC, ""))
