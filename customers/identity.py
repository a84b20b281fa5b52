"""Whether digits fit: what is kept of them cannot be read back, and who guesses is stopped.

Few digits are soon tried out, whatever the digest: so the digest needs a key that is kept apart from log and records.
"""

from __future__ import annotations

import hashlib
import hmac

LEAST, MOST = 4, 20
"""Digits that may be kept."""
FAILURES = 5
"""So many wrong answers for one customer …"""
WITHIN = 86_400.0
"""… within so many seconds, and no more answers are compared until the first of them is older."""


def keep(digits: str, key: bytes, salt: str) -> str:
    """What is kept of the digits; `salt` is another text for each customer. Raises ValueError for what is no answer."""
    plain = normal(digits)
    if not LEAST <= len(plain) <= MOST:
        raise ValueError(f"give {LEAST} to {MOST} digits, such as the last four of the customer's id number")
    return f"{salt}${_digest(plain, key, salt)}"


def fits(digits: str, kept: str, key: bytes) -> bool:
    """Whether these digits are the ones that were kept."""
    salt, _, digest = kept.partition("$")
    return bool(digest) and hmac.compare_digest(_digest(normal(digits), key, salt), digest)


def normal(digits: str) -> str:
    """Digits as a telephone keys them: an id number that ends in X is keyed with *."""
    return "".join("*" if each in "xX*" else each for each in digits if each.isdecimal() or each in "xX*")


def _digest(digits: str, key: bytes, salt: str) -> str:
    return hmac.new(key, f"{salt}:{digits}".encode(), hashlib.sha256).hexdigest()
