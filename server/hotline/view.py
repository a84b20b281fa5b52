"""What the log says now, for reading: routes, acts and telephony ask here, and change nothing.

A server that stands by has the same view as the one that leads, a moment later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from acd.callbacks.engine import Callbacks
from acd.floor.engine import Floor
from customers.lists import ListRegister
from customers.register import CustomerRegister
from knowledge.board import Board
from quality.register import Register as QualityRegister
from recordings.alarms import Alarms
from recordings.catalogue import Catalogue
from recordings.pauses import Pauses
from server.hotline.access_tokens import AccessTokens
from server.hotline.changes import Changes
from server.hotline.exports import Exports
from server.hotline.live_calls import Calls
from server.hotline.notes import Unwritten
from server.hotline.published import Published
from server.hotline.shared_sounds import SharedSounds
from server.hotline.state import HotlineState
from server.hotline.users import Users
from server.hotline.webhooks import Webhooks
from tickets.events import TicketRulesSet
from tickets.register import Register


class View:
    """Reads the state that `state` gives at the moment: the leader's, or that of a server that stands by."""

    def __init__(self, state: Callable[[], HotlineState]) -> None:
        self._state = state

    @property
    def floor(self) -> Floor:
        """Waiting calls and agents."""
        return self._state().floor

    @property
    def callbacks(self) -> Callbacks:
        """Promises, and the modes of all queues."""
        return self._state().callbacks

    @property
    def calls(self) -> Calls:
        """Calls in progress."""
        return self._state().calls

    @property
    def recordings(self) -> Catalogue:
        """Recordings that are not closed yet."""
        return self._state().recordings

    @property
    def recording_alarms(self) -> Alarms:
        """What is wrong with recordings, and not settled."""
        return self._state().recording_alarms

    @property
    def recording_pauses(self) -> Pauses:
        """Recordings that are paused."""
        return self._state().recording_pauses

    @property
    def tickets(self) -> Register:
        """Open tickets."""
        return self._state().tickets

    @property
    def last_ticket(self) -> int:
        """The number of the newest ticket; 0 before the first."""
        return self._state().last_ticket

    @property
    def ticket_rules(self) -> TicketRulesSet | None:
        """The rules that tickets follow; None while the log has none."""
        return self._state().ticket_rules

    @property
    def access_tokens(self) -> AccessTokens:
        """Access tokens, those that hold no more too."""
        return self._state().access_tokens

    @property
    def users(self) -> Users:
        """People who sign in, those who are disabled too."""
        return self._state().users

    @property
    def quality(self) -> QualityRegister:
        """Quality assurance that goes on: plans, forms, open reviews, rounds, trainings."""
        return self._state().quality

    @property
    def webhooks(self) -> Webhooks:
        """Subscriptions of other systems."""
        return self._state().webhooks

    @property
    def sounds(self) -> SharedSounds:
        """Which sound each prompt has."""
        return self._state().sounds

    @property
    def published(self) -> Published:
        """The version of the definitions in force, and the operator's texts."""
        return self._state().published

    @property
    def exports(self) -> Exports:
        """Lists and reports that were asked for as files."""
        return self._state().exports

    @property
    def customers(self) -> CustomerRegister:
        """Customers' files, and the marks on numbers."""
        return self._state().customers

    @property
    def lists(self) -> ListRegister:
        """Outbound lists."""
        return self._state().lists

    @property
    def board(self) -> Board:
        """Bulletins, notices, and the heads of articles."""
        return self._state().board

    @property
    def changes(self) -> Changes:
        """What entries have changed; another object where the state is another one."""
        return self._state().changes

    @property
    def at(self) -> float:
        """Instant of the last entry, UTC epoch seconds; 0 while there is none."""
        return self._state().at

    @property
    def position(self) -> str:
        """Id of the last entry."""
        return self._state().position

    @property
    def unwritten(self) -> Sequence[Unwritten]:
        """Notes that are not known to be in the log yet, in its order."""
        return tuple(self._state().unwritten)

    @property
    def differences(self) -> Mapping[str, int]:
        """How the notes in the log differ from what follows here from their causes, and how often."""
        return self._state().differences
