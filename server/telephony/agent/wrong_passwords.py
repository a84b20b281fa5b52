"""Law: an address from which wrong passwords come is told, and refused for a while, unless that would cost calls.

Asterisk tells each wrong password of an agent's phone. From an address with too many of them in a minute it takes no
request for a while, so that a guesser has few tries. A trunk's address is never refused, nor one at which an agent's
phone is: those are only told.
"""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Set

import structlog

from server.hotline.trunks import source_of
from server.telephony.ami.link import AmiEvent
from server.telephony.asterisk.configure import configure_slowed
from server.telephony.asterisk.reloading import Reloading
from server.telephony.asterisk.site import AGENT, Site
from server.warned import warned

_log = structlog.get_logger("wrong_passwords")
MINUTE = 60.0
TOLD_FOR = 600.0
"""Seconds for which a guesser stays a warning."""
REMEMBERED = 10_000
"""Wrong passwords, and addresses, that are kept: more come only from a guesser who is told anyway."""
EVERY = 1.0
"""Seconds between two looks at the list: Asterisk reads its telephones anew for each change."""
TELL_FROM = 10
"""Wrong passwords in `TOLD_FOR` from which they are a warning."""


class WrongPasswords:
    """The wrong passwords of the last minutes.

    An address with `most` in a minute is refused for `rest` seconds; `most` of 0: never.
    """

    def __init__(self, most: int, rest: float) -> None:
        self.count = 0
        """All since the beginning."""
        self._most, self._rest = most, rest
        self._recent: deque[tuple[float, str, str]] = deque(maxlen=REMEMBERED)
        self._times: dict[str, deque[float]] = {}
        self._until: dict[str, float] = {}

    def failed(self, address: str, account: str, now: float) -> bool:
        """Note one; whether the address has too many just now, and was not slowed already."""
        self.count += 1
        self._recent.append((now, address, account))
        if not self._most or address in self._until:
            return False
        times = self._times.setdefault(address, deque(maxlen=self._most))
        times.append(now)
        if len(self._times) > REMEMBERED:
            del self._times[next(iter(self._times))]
        return len(times) == self._most and now - times[0] <= MINUTE

    def slow(self, address: str, now: float) -> None:
        """Refuse the address from now on."""
        self._times.pop(address, None)
        self._until[address] = now + self._rest

    def slowed(self, now: float) -> frozenset[str]:
        """The addresses that are refused now."""
        self._until = {address: until for address, until in self._until.items() if until > now}
        return frozenset(self._until)

    def warning(self, now: float) -> str:
        """A sentence on the wrong passwords of the last minutes; empty when there were few."""
        recent = [(address, account) for at, address, account in self._recent if now - at <= TOLD_FOR]
        if len(recent) < TELL_FROM:
            return ""
        (address, account), worst = Counter(recent).most_common(1)[0]
        state = "refused just now" if address in self.slowed(now) else "not refused"
        return warned(
            "wrong_passwords",
            f"{len(recent)} wrong passwords came in {TOLD_FOR / 60:g} minutes, {worst} of them from {address} for "
            f"{account}: this address is {state}; if it is no phone of yours, close the firewall to it",
            count=len(recent),
            minutes=round(TOLD_FOR / 60),
            worst=worst,
            address=address,
            account=account,
        )


class Guessers:
    """Follows Asterisk's security events (`wrong`), and keeps its list of refused addresses (`run`).

    `phones` gives the IP addresses at which agents' phones are now, `trunks` the addresses and networks that the
    public's calls come from.
    """

    def __init__(
        self,
        site: Site,
        reloading: Reloading,
        phones: Callable[[], Set[str]],
        trunks: Callable[[], Iterable[str]],
        most: int,
        rest: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._site, self._reloading, self._clock = site, reloading, clock
        self._phones, self._trunks = phones, trunks
        self._passwords = WrongPasswords(most, rest)

    @property
    def count(self) -> int:
        """Wrong passwords since this server leads."""
        return self._passwords.count

    def warning(self) -> str:
        """A sentence on the wrong passwords of the last minutes; empty when there were few."""
        return self._passwords.warning(self._clock())

    def wrong(self, event: AmiEvent) -> None:
        """A request came with a wrong password."""
        address = _address(event.get("RemoteAddress", ""))
        agent = event.get("AccountID", "").removesuffix("-web")
        known = f"agent {agent}" if AGENT.fullmatch(agent) else "a name that no agent has"
        if not address or not self._passwords.failed(address, known, self._clock()):
            return
        page = event.get("RemoteAddress", "").split("/")[1:2] in (["WS"], ["WSS"])
        spared = "pages' phones come from there" if page else self._spared(address)
        if not spared:
            self._passwords.slow(address, self._clock())
        _log.warning("many wrong passwords come from one address", address=address, account=known, spared=spared)

    async def run(self) -> None:
        """Keep Asterisk's list as it should be, until cancelled."""
        written: frozenset[str] | None = None
        while True:
            if (slowed := self._passwords.slowed(self._clock())) != written:
                try:
                    await asyncio.to_thread(configure_slowed, self._site, slowed)
                except OSError as error:
                    _log.warning("the list of refused addresses cannot be written", why=str(error))
                else:
                    written = slowed
                    await self._reloading.settle()
            await asyncio.sleep(EVERY)

    def _spared(self, address: str) -> str:
        """Why this address is not refused; empty when it is."""
        networks = (source_of(each)[0] for each in self._trunks())
        if any(each is not None and ipaddress.ip_address(address) in each for each in networks):
            return "it is a trunk's"
        return "an agent's phone is there" if address in self._phones() else ""


def _address(remote: str) -> str:
    """`IPV4/UDP/192.0.2.7/5060` → `192.0.2.7`; "" for what is no address."""
    parts = remote.split("/")
    try:
        return str(ipaddress.ip_address(parts[2])) if len(parts) == 4 else ""
    except ValueError:
        return ""
