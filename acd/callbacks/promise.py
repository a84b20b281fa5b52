"""One promise to call a customer back, as the registry keeps it."""

from __future__ import annotations

from acd.callbacks.policy import OwnRules
from acd.callbacks.states import LIVE, PromiseState, PromiseView


class Promise:
    """One promise. Only the registry's moves change its state, queue and due instants (UTC epoch seconds)."""

    __slots__ = (
        "after", "answered", "asked", "attempt", "attempts", "behind", "by", "call", "called", "caller", "category",
        "connected_at", "counts_from", "due", "entry", "expires_at", "id", "joined_at", "language", "last", "matter",
        "number", "origin", "own", "owner", "placing", "priority", "promised_at", "purpose", "queue", "queued_at",
        "reason", "retry_at", "ring_until", "source", "standing", "state", "talked", "task", "ticket", "vip",
    )  # fmt: skip

    SAVED = tuple(sorted({*__slots__} - {"state", "due"}))
    """What a snapshot keeps as it is; `state` and `due` are encoded apart."""

    def __init__(self, id: int, number: str, queue: str, category: str) -> None:
        self.id = id
        self.number = number
        self.queue = queue
        self.category = category
        self.matter = category or queue
        """Category or queue for which it was made; never changes."""
        self.state = PromiseState.PENDING
        self.caller = self.language = self.source = self.by = self.reason = self.owner = self.entry = ""
        self.own: OwnRules | None = None
        """Rules in place of the queue's."""
        self.promised_at = self.queued_at = 0.0
        self.after = 0.0
        """Not before this, by a person's wish or the calling window."""
        self.retry_at = 0.0
        """Not before this, by the delay after the last attempt."""
        self.counts_from = 0.0
        """The instant from which its time to expire runs: when it was made, or the earliest instant for a call."""
        self.expires_at = 0.0
        self.priority = 0
        self.vip = False
        self.origin = 0
        self.ticket: int | None = None
        self.asked = 1
        self.attempts = 0
        self.task = False
        self.placing = False
        """`PlaceCall` was given for it, and not answered yet."""
        self.call = 0
        """The latest call for it."""
        self.standing = False
        """Whether that call waits, rings or talks."""
        self.attempt = 0
        """The number of the attempt under way, 0 for none."""
        self.ring_until = 0.0
        """When the outcome of that attempt is due."""
        self.answered = False
        """The customer answered."""
        self.called = self.last = self.purpose = ""
        self.connected_at: float | None = None
        """When agent and customer first spoke in the latest attempt."""
        self.joined_at: float | None = None
        """Since when they speak; None while they do not."""
        self.talked = 0.0
        """Seconds of conversation in the latest attempt."""
        self.behind = 0
        """The promise to the same number that comes first; 0: none, this one may be called."""
        self.due: float | None = None

    @property
    def due_at(self) -> float:
        """The earliest instant at which the customer may be called."""
        return max(self.after, self.retry_at)

    @property
    def live(self) -> bool:
        """Whether the promise is not settled yet."""
        return self.state in LIVE

    @property
    def waits(self) -> bool:
        """Whether the promise is live and its conversation did not begin: these fill the list."""
        return self.state in (PromiseState.PENDING, PromiseState.DIALLING)

    @property
    def rank(self) -> tuple[float, float, int]:
        """Orders promises that are due at the same time: least first."""
        return (-float(self.priority), self.queued_at, self.id)

    def view(self) -> PromiseView:
        """The promise as others see it."""
        return PromiseView(
            id=self.id,
            number=self.number,
            queue=self.queue,
            category=self.category,
            language=self.language,
            state=self.state,
            attempts=self.attempts,
            promised_at=self.promised_at,
            queued_at=self.queued_at,
            due_at=self.due_at,
            expires_at=self.expires_at,
            priority=self.priority,
            call=self.call or None,
            origin=self.origin,
            reason=self.reason,
            source=self.source,
            by=self.by,
            caller=self.caller,
            vip=self.vip,
            owner=self.owner,
            ticket=self.ticket,
            asked=self.asked,
            task=self.task,
            connected_at=self.connected_at,
            called=self.called,
            last=self.last,
            purpose=self.purpose,
            entry=self.entry,
        )
