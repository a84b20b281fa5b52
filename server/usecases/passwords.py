"""Law: a password is kept as its argon2 digest alone, and computing digests never keeps calls waiting.

A digest takes a sixth of a second and 64 MiB, so it is computed in a thread, and few at once. There are two queues: a
flood of attempts from addresses that never signed in does not keep the others waiting.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from functools import cached_property
from itertools import pairwise

from pwdlib import PasswordHash

LEAST, MOST = 10, 200
"""Characters."""
_TRIVIAL = (
    *("password", "passw0rd", "p@ssword", "p@ssw0rd", "qwertyuiop", "qwerty", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc"),
    *("1q2w3e4r5t", "administrator", "admin", "letmein", "welcome", "iloveyou", "sansheng", "woaini", "changeme"),
    *("123456", "654321", "111111", "888888", "666666", "5201314", "1314520", "abc", "test", "root"),
)
_LEAST_OWN = 6
"""Characters of a password that are neither the name nor a trivial word."""
_WITHOUT_LIKE = "23456789abcdefghijkmnpqrstuvwxyz"
"""Letters and digits that are not taken for one another."""


def made_up() -> str:
    """A password of some 80 bits that a person can copy from a screen."""
    return "-".join("".join(secrets.choice(_WITHOUT_LIKE) for _ in range(4)) for _ in range(4))


def fault(password: str, *names: str) -> str:
    """Why this password cannot be used by the user with these names, as a sentence; empty when it can."""
    if len(password) < LEAST:
        return f"the password is shorter than {LEAST} characters: choose a longer one"
    if len(password) > MOST:
        return f"the password is longer than {MOST} characters: choose a shorter one"
    if not password.isprintable():
        return "the password holds a control character: type it in one line"
    folded = password.casefold()
    own = [name.casefold() for name in names if len(name) >= 3]
    if any(len(folded.replace(name, "")) < _LEAST_OWN for name in own):
        return "the password is hardly more than the name: choose another one"
    rest = folded
    for word in _TRIVIAL:
        rest = rest.replace(word, "")
    if len(rest) < _LEAST_OWN or len(set(folded)) < 5 or _runs(folded) or re.fullmatch(r"(.{1,5}?)\1+", folded):
        return "the password is one of the first that are tried: choose another one, such as four words"
    return ""


def _runs(text: str) -> bool:
    """Whether the text is mostly steps to the next or the previous character."""
    steps = [ord(after) - ord(before) for before, after in pairwise(text)]
    return sum(step in (1, -1, 0) for step in steps) > len(steps) * 3 // 4


class Passwords:
    """Makes and checks digests. `at_once`: how many of each queue at the same time."""

    def __init__(self, hasher: PasswordHash | None = None, at_once: int | None = None) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        at_once = at_once or max(1, min(4, (os.cpu_count() or 1) // 2))
        self._known, self._unknown = asyncio.Semaphore(at_once), asyncio.Semaphore(at_once)

    @cached_property
    def _nobodys(self) -> str:
        """A digest that no password has: to check against it takes as long as against another."""
        return self._hasher.hash(secrets.token_urlsafe(32))

    async def digest(self, password: str) -> str:
        """The digest, as `check` takes it."""
        async with self._known:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def check(self, password: str, digest: str, *, known: bool = False) -> bool:
        """Whether the digest is this password's; with an empty digest it is not, after the same time.

        `known`: the attempt is from an address that signed in before.
        """

        def compare() -> bool:
            try:
                return self._hasher.verify(password, digest or self._nobodys) and bool(digest)
            except UnicodeEncodeError:  # half a character
                return False

        async with self._known if known else self._unknown:
            return await asyncio.to_thread(compare)
