"""A transfer is believed only with the tokens of the channels that it is about."""

from __future__ import annotations

import pytest

from server.telephony.tokens import VARIABLE, ChannelTokens

TOKENS = ChannelTokens("a secret")


class Told:
    """An event as it comes: a name, and fields."""

    def __init__(self, name: str, fields: dict[str, str]) -> None:
        self.name, self._fields = name, fields

    def all(self, name: str) -> list[str]:
        return [self._fields[name]] if name in self._fields else []

    def __contains__(self, name: object) -> bool:
        return name in self._fields


def about(*whose: str, genuine: str = "") -> dict[str, str]:
    """The fields of channels; only those named in `genuine` have a token of their own."""
    fields = {}
    for each in whose:
        value = TOKENS.value(f"id of {each}") if each in genuine.split() else "forged"
        fields |= {f"{each}Uniqueid": f"id of {each}", f"{each}ChanVariable": f"{VARIABLE}={value}"}
    return fields


@pytest.mark.parametrize(
    ("name", "whose"),
    [("AttendedTransfer", ("OrigTransferer", "SecondTransferer")), ("BlindTransfer", ("Transferer",))],
)
def test_each_phone_of_a_transfer_shows_its_token(name: str, whose: tuple[str, ...]) -> None:
    assert TOKENS.believes(Told(name, about(*whose, genuine=" ".join(whose))))
    for forged in whose:
        genuine = " ".join(each for each in whose if each != forged)
        assert not TOKENS.believes(Told(name, about(*whose, genuine=genuine)))
