"""Whether the digits that a caller keyed are those in the customer's file: the log has the outcome, not the digits."""

from __future__ import annotations

from collections.abc import Callable

from customers import identity
from customers.events import IdentityChecked
from customers.files import CustomerFile
from customers.register import CustomerRegister
from ivr import inputs, verbs
from server.hotline.dispatcher import Dispatcher


class IdentityChecks:
    """`register` gives the customers of now, `key` the key with which their digits are kept."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        register: Callable[[], CustomerRegister],
        key: Callable[[], bytes],
        clock: Callable[[], float],
    ) -> None:
        self._dispatcher, self._register, self._key, self._clock = dispatcher, register, key, clock

    def check(self, call: int, file: CustomerFile | None, verb: verbs.CheckIdentity) -> inputs.IdentityStands:
        """Compare the digits, if there are any; nothing is compared after too many wrong answers for the customer."""
        if file is None or not file.identity or self._register().locked(file.id, self._clock()):
            return inputs.IdentityStands()
        if not verb.digits:
            return inputs.IdentityStands(known=True)
        fits = identity.fits(verb.digits, file.identity, self._key())
        self._dispatcher.submit(IdentityChecked(call, file.id, fits))
        return inputs.IdentityStands(known=True, fits=fits)
