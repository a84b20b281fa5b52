"""The parts of a server that leads, and what listens to what.

Constructors take what they need and subscribe to nothing. `build` makes the parts, each from those before it; `connect`
says which AGI script, which event of Asterisk and which entry of the log reaches which of them.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry

from server.config import Settings
from server.hotline import definitions as hotline
from server.hotline import own_prompts
from server.hotline.definitions import Definitions
from server.hotline.dispatcher import Dispatcher
from server.hotline.identity_key import identity_key
from server.hotline.standing import not_recorded
from server.hotline.trunks import Trunk
from server.hotline.view import View
from server.metrics import Metrics
from server.storage.recording_store import day_of, key_for
from server.storage.stores import open_store
from server.telephony.agent.agent_side import AgentSide
from server.telephony.agent.browser_phones import BrowserPhones
from server.telephony.agent.features import Features
from server.telephony.agent.internal_calls import InternalCalls
from server.telephony.agent.monitoring import Monitoring
from server.telephony.agent.page_returns import PageReturns
from server.telephony.agent.phone_codes import AgentPhone
from server.telephony.agent.phone_transfers import PhoneTransfers
from server.telephony.agent.presence import Presence
from server.telephony.agent.transfers import Transfers
from server.telephony.agent.wrong_passwords import Guessers
from server.telephony.agi.server import AgiCall, AgiFactory
from server.telephony.ami.link import Ami
from server.telephony.asterisk.files import SECURITY_EVENTS
from server.telephony.asterisk.phones import PhoneBook
from server.telephony.asterisk.reloading import Reloading
from server.telephony.asterisk.site import Site
from server.telephony.asterisk.web_secrets import WebSecrets
from server.telephony.callback.calling import Calling
from server.telephony.callback.dialler import Dialler
from server.telephony.callback.list_calls import ListCalls
from server.telephony.callback.spool_import import SpoolImport
from server.telephony.caller.abandoned import AbandonedCallers
from server.telephony.caller.brief_calls import BriefCalls
from server.telephony.caller.early_hangups import EarlyHangups
from server.telephony.caller.readmission import Readmission
from server.telephony.caller.session import Callers, CallFolders
from server.telephony.caller.work_numbers import WorkNumbers
from server.telephony.channels.key_sources import KeySources
from server.telephony.channels.legs import Legs
from server.telephony.channels.reconciliation import Reconciliation
from server.telephony.channels.refusals import Refusals
from server.telephony.channels.rtp_watch import RtpWatch
from server.telephony.channels.takeover import Takeover
from server.telephony.channels.withdrawals import Withdrawals
from server.telephony.liveness.watch import Liveness
from server.telephony.recording.attaching import Attaching
from server.telephony.recording.joiner import Joiner
from server.telephony.recording.pausing import Pausing
from server.telephony.recording.verification import Verification
from server.telephony.tokens import ChannelTokens
from server.telephony.trunks.outgoing import Outgoing
from server.telephony.trunks.requests import TrunkRequests
from server.telephony.trunks.routes import Trunks
from server.telephony.trunks.trace import Trace
from server.telephony.trunks.trial import Trial
from server.usecases.groups import UseCases

Script = Callable[[AgiCall], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The needs of the parts. `site`, `definitions` and `trunks` give those of now, `unreadable` counts entries that
    cannot be read."""

    settings: Settings
    site: Callable[[], Site]
    dispatcher: Dispatcher
    view: View
    ami: Ami
    tokens: ChannelTokens
    phones: PhoneBook
    reloading: Reloading
    registry: CollectorRegistry
    definitions: Callable[[], Definitions]
    trunks: Callable[[], tuple[Trunk, ...]]
    unreadable: Callable[[], int]
    acts: UseCases


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of one lead."""

    joiner: Joiner
    pausing: Pausing
    attaching: Attaching
    verification: Verification
    legs: Legs
    reconciliation: Reconciliation
    keys: KeySources
    rtp_watch: RtpWatch
    trunks: Trunks
    trunk_requests: TrunkRequests
    trial: Trial
    trace: Trace
    early_hangups: EarlyHangups
    brief_calls: BriefCalls
    takeover: Takeover
    withdrawals: Withdrawals
    transfers: Transfers
    internal_calls: InternalCalls
    phone_transfers: PhoneTransfers
    features: Features
    spool_import: SpoolImport
    abandoned: AbandonedCallers
    dialler: Dialler
    list_calls: ListCalls
    monitoring: Monitoring
    presence: Presence
    browser_phones: BrowserPhones
    page_returns: PageReturns
    liveness: Liveness
    guessers: Guessers
    callers: Callers
    calling: Calling
    agent_phone: AgentPhone
    agent_side: AgentSide
    readmission: Readmission
    agi: AgiFactory
    refusals: Refusals
    metrics: Metrics


def build(ground: Ground) -> Parts:
    """Make every part; nothing listens to anything yet."""
    settings, site, definitions = ground.settings, ground.site(), ground.definitions
    dispatcher, view, ami, device = ground.dispatcher, ground.view, ground.ami, ground.phones.device
    home, node = settings.root, settings.node_name
    folders = CallFolders(hotline.PROMPTS, site.layout.recordings, home / "messages", own_prompts.folder(home))
    brief_calls = BriefCalls(dispatcher, view, definitions, node)
    work_numbers = WorkNumbers(hotline.PROMPTS, home / "cache" / "work-numbers")
    store = open_store(settings)
    joiner = Joiner(
        dispatcher,
        view,
        store,
        lambda recording, at: key_for(recording, at, definitions().calendar.zone),
        lambda at: day_of(at, definitions().calendar.zone),
        settings.recording_overdue_seconds,
    )
    legs = Legs(dispatcher, view, ami, recording_prefix=folders.recording, on_final=joiner.final)
    trunks = Trunks(ami, view, ground.trunks, lambda: definitions().callback.region, site.layout.log / "messages")
    outgoing = Outgoing(trunks)
    trial, trace = Trial(ami, outgoing), Trace(site.layout)
    dialler = Dialler(dispatcher, view, legs, ami, definitions, node, trunks=trunks)
    callers = Callers(dispatcher, view, legs, ami, definitions, folders, node, device, work_numbers.file, outgoing)
    callers.identity_key = lambda: identity_key(home, settings.identity_key)
    rtp_watch = RtpWatch(dispatcher, view, legs.channels, ami, folders.recording, lambda: definitions().sound)
    agi = AgiFactory(_unconnected, ground.tokens, confirm=lambda call: ami.has_channel(call.channel))
    conversations = ground.acts.conversations
    transfers = Transfers(dispatcher, view, legs, ami, callers.services.recorder, definitions)
    agent_phone = AgentPhone(ground.acts.agents, hotline.PROMPTS, legs.dialled_phones, definitions)
    internal_calls = InternalCalls(dispatcher, view, ami, conversations, device, outgoing, agent_phone)
    presence = Presence(dispatcher, view, ami)
    browser_phones = BrowserPhones(WebSecrets(ami))
    pausing = Pausing(
        dispatcher, view, legs.channels, ami, lambda call, agent: not_recorded(view, definitions(), call, agent)
    )
    guessers = Guessers(
        site,
        ground.reloading,
        presence.addresses,
        lambda: (*ground.site().trunk_addresses, *(each for trunk in ground.trunks() for each in trunk.source)),
        settings.wrong_passwords,
        settings.refused_seconds,
    )
    refusals = Refusals(ami, agi, lambda: guessers.count)
    return Parts(
        joiner=joiner,
        pausing=pausing,
        attaching=Attaching(ground.acts.recordings.prepare_attached),
        verification=Verification(
            dispatcher,
            view,
            ground.acts.recordings.integrity,
            settings.recordings_verified_at,
            lambda: definitions().calendar.zone,
            ground.acts.recording_deletion.expire,
        ),
        legs=legs,
        reconciliation=Reconciliation(dispatcher, view, ami, legs, on_final=joiner.final),
        keys=KeySources(),
        rtp_watch=rtp_watch,
        trunks=trunks,
        trunk_requests=TrunkRequests(trunks, trial, trace),
        trial=trial,
        trace=trace,
        early_hangups=EarlyHangups(dispatcher, view),
        takeover=Takeover(ami, f"{settings.agi_host}:{settings.agi_port}", settings.servers),
        withdrawals=Withdrawals(dispatcher),
        transfers=transfers,
        internal_calls=internal_calls,
        phone_transfers=PhoneTransfers(
            dispatcher, view, legs, ami, conversations, transfers, internal_calls, callers.services.recorder
        ),
        features=Features(conversations, ground.acts.callbacks, ground.acts.recording_care, legs),
        brief_calls=brief_calls,
        spool_import=SpoolImport(dispatcher, view, site.layout.callbacks, node, definitions, brief_calls),
        abandoned=AbandonedCallers(dispatcher, view, definitions),
        dialler=dialler,
        list_calls=ListCalls(
            dispatcher, view, definitions, lambda: trunks.exist and not trunks.resting and not agi.draining
        ),
        monitoring=Monitoring(dispatcher, view, legs.channels, ami, device),
        presence=presence,
        browser_phones=browser_phones,
        page_returns=PageReturns(dispatcher, view, legs, ami, presence, transfers, browser_phones),
        liveness=Liveness(view, legs, ami, presence),
        guessers=guessers,
        callers=callers,
        calling=Calling(dialler, callers.services, definitions),
        agent_phone=agent_phone,
        agent_side=AgentSide(dispatcher, view, legs, device, outgoing, hotline.PROMPTS),
        readmission=Readmission(),
        agi=agi,
        refusals=refusals,
        metrics=Metrics(
            ground.registry,
            view,
            unwritable=lambda: dispatcher.refused,
            unreadable=ground.unreadable,
            refusals=refusals.counts,
            overdue=joiner.overdue,
            one_way=rtp_watch.silent,
            trunks=trunks.state,
        ),
    )


def connect(parts: Parts, dispatcher: Dispatcher, ami: Ami) -> None:
    """Say what listens to what. Those that listen to the same are called in the order in which they stand here."""
    legs, customers = parts.legs, parts.dialler.customers
    features, monitoring, presence = parts.features, parts.monitoring, parts.presence

    # Asterisk hands a channel over: AGI script → handler. Callers come by any other script.
    scripts: dict[str, Script] = {
        "called": parts.callers.called,
        "trunk-test": parts.trial,
        "agent": parts.agent_phone,
        "outbound": parts.internal_calls,
        "transferred": parts.callers.transferred,
        "agent-side": parts.agent_side,
        "line": parts.calling.line,
        "callback-agent": parts.calling.agent,
    }

    async def serve(agi: AgiCall) -> None:
        (call,) = agi.numbers(1)
        if agi.script in ("hotline", "called") and call:
            await parts.readmission.answer(call)
        await scripts.get(agi.script, parts.callers)(agi)

    parts.agi.handler = serve

    # Asterisk tells what happens: AMI event → receivers.
    for event, receivers in {
        "DTMFBegin": (parts.keys.began,),
        "DTMFEnd": (parts.keys.ended,),
        "DialBegin": (legs.dial_begin, customers.dial_begin, parts.internal_calls.dial_begin, parts.trunks.dial_begin),
        "DialState": (legs.dial_state, customers.dial_state, parts.trunks.dial_state),
        "DialEnd": (legs.dial_end, customers.dial_end),
        "BridgeEnter": (legs.bridge_enter, parts.rtp_watch.wake, parts.internal_calls.bridge_enter),
        "BlindTransfer": (parts.phone_transfers.left,),
        "AttendedTransfer": (parts.phone_transfers.attended,),
        "BridgeLeave": (legs.bridge_leave,),
        "Hold": (legs.hold, parts.rtp_watch.hold),
        "Unhold": (legs.unhold, parts.rtp_watch.unhold),
        "HangupRequest": (legs.hangup_request,),
        "Hangup": (
            legs.hung_up,
            parts.rtp_watch.unhold,
            parts.early_hangups.hung_up,
            features.hung_up,
            customers.hung_up,
            monitoring.hung_up,
            parts.internal_calls.hung_up,
            parts.keys.gone,
            parts.trunks.hung_up,
        ),
        "OriginateResponse": (monitoring.answered, parts.page_returns.answered),
        "ContactStatus": (presence.contact, parts.page_returns.contact, parts.trunks.health.contact),
        "Registry": (parts.trunks.health.registry,),
        **dict.fromkeys(SECURITY_EVENTS, (parts.guessers.wrong,)),
        "UserEvent": (parts.refusals.user_event, parts.brief_calls.user_event, legs.user_event),
    }.items():
        for receiver in receivers:
            ami.subscribe(event, receiver)
    ami.subscribe("*", legs.instants.heard)
    ami.on_state(presence.link)
    ami.on_state(parts.trunks.health.link)
    parts.trunks.on_free = parts.dialler.place_due
    parts.dialler.not_before = parts.list_calls.not_before

    # A key counts once, in whatever ways a telephone sends it.
    parts.keys.pressed = (legs.digit, features.digit, monitoring.digit)
    parts.keys.again = legs.digit_again

    # A caller who was transferred by a phone: what becomes of the caller.
    parts.callers.on_transferred = parts.phone_transfers.blind

    # The legs ask what is recorded when an agent leaves a caller on hold, and tell which lines are gone.
    legs.on_left = parts.transfers.left
    legs.on_unreached = parts.dialler.unreached
    legs.unconfirmed.within = lambda: parts.callers.definitions().outside_agent_confirms_for

    # Pages come and go: their calls are followed.
    parts.browser_phones.gone = parts.page_returns.gone
    parts.browser_phones.opened = parts.page_returns.opened
    parts.liveness.spares = parts.page_returns.spares

    # The watch counts the packets of a conversation.
    parts.rtp_watch.listen(parts.liveness.counted)

    # The log has a new entry: its followers.
    for follow in (
        parts.metrics.follow,
        parts.early_hangups.follow,
        parts.withdrawals.follow,
        parts.transfers.follow,
        parts.abandoned.follow,
        parts.dialler.follow,
        parts.list_calls.follow,
        presence.follow,
        parts.pausing.follow,
        parts.attaching.follow,
        parts.readmission.follow,
    ):
        dispatcher.listen(follow)

    # The floor answers for a call: commands for those in line for a callback go to the dialler.
    parts.dialler.own_calls()


async def _unconnected(agi: AgiCall) -> None:
    raise RuntimeError("no handler is connected")
