"""Which channels the hotline's own dialplan let in.

The law: a fact about a channel is believed only with the channel's token. Only Asterisk and the servers know the
secret that tokens are made with, so nobody outside can make one, and one channel's token says nothing of another's.
A token follows from the unique id: nothing has to be kept, and a server that starts anew knows every channel again.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Protocol

VARIABLE = "SANSHENG_TOKEN"
"""The channel variable that the dialplan sets, and that channels which are dialled from there inherit."""

_CHANNELS = ("", "Dest", "Transferer", "OrigTransferer", "SecondTransferer")
"""Whose channels an event may be about, as its fields begin."""


class Event(Protocol):
    """An AMI event, as far as it shows channels and their variables."""

    @property
    def name(self) -> str: ...
    def all(self, name: str) -> list[str]: ...
    def __contains__(self, name: object) -> bool: ...


class ChannelTokens:
    """Makes and checks tokens as the dialplan does (context `known`). `secret` must not be empty."""

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("the secret of the channels' tokens is empty: anybody could make one")
        self._secret = secret
        self.mark = hashlib.sha1(f"mark/{secret}".encode()).hexdigest()[:16]
        """Begins every variable's value: Asterisk itself tells by it which events it may show."""
        self.is_genuine = lru_cache(maxsize=4096)(self._is_genuine)
        """Whether this is the value of a variable that the dialplan set."""

    def token(self, unique_id: str) -> str:
        """The token of the channel with this unique id: 40 hexadecimal digits."""
        return hashlib.sha1(f"{self._secret}/{unique_id}/{self._secret}".encode()).hexdigest()

    def value(self, unique_id: str) -> str:
        """What the variable holds on the channel with this unique id, and on those that inherit it."""
        return f"{self.mark}/{unique_id}/{self.token(unique_id)}"

    def fits(self, unique_id: str, token: str) -> bool:
        """Whether the token is this channel's, compared in constant time."""
        return hmac.compare_digest(self.token(unique_id).encode(), token.encode("utf-8", "replace"))

    def believes(self, event: Event) -> bool:
        """Whether each channel that an event is about has a genuine token, or the event is about none."""
        if event.name == "OriginateResponse":
            return True  # it answers an action of the server's own, and shows no variables
        return all(
            self._has_token(event.all(variables))
            for unique_id, variables in ((f"{whose}Uniqueid", f"{whose}ChanVariable") for whose in _CHANNELS)
            if unique_id in event
        )

    def _has_token(self, variables: list[str]) -> bool:
        begins = f"{VARIABLE}="
        return any(text.startswith(begins) and self.is_genuine(text.removeprefix(begins)) for text in variables)

    def _is_genuine(self, value: str) -> bool:
        mark, _, rest = value.partition("/")
        unique_id, _, token = rest.rpartition("/")
        return mark == self.mark and self.fits(unique_id, token)
