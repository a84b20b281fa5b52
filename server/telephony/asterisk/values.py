"""The only way into Asterisk's configuration files: Asterisk reads back exactly what was given, or it is refused.

Asterisk's reader takes `;` for a comment and `;--` for a long one, a `>` right after `=` for a part of it, and cuts off
blanks at both ends. Dial, MixMonitor and the dialplan, where most values end up, read `&`, `(`, `|`, `^`, `$` and more
as their own. `;` is escaped; the others have no escape that holds everywhere, so no value may have them.
"""

from __future__ import annotations

import re

FORBIDDEN = frozenset("&()|^$[]\\#")
LONGEST = 4000
"""Bytes of one value. Asterisk cuts a line off after 8191, and an escaped `;` takes two."""
LONGEST_SECRET = 128
_HEAD = re.compile(r"\[[A-Za-z0-9][A-Za-z0-9_.-]*\]|#include [a-z_]+\.conf|")
_IPV6 = re.compile(r"\[[0-9A-Fa-f:.]+\]")
"""The one place for brackets: an IPv6 address in a SIP address or before a port."""


class SiteError(ValueError):
    """A value that cannot be written into Asterisk's configuration; the text names it and says what to do."""


def check(what: str, value: str) -> str:
    """The value itself, which Asterisk would read back. Raises SiteError; `what` names the value in its text."""
    odd = FORBIDDEN.intersection(_IPV6.sub("", value)) or {each for each in value if not each.isprintable()}
    if odd:
        raise SiteError(f"{what} has {min(odd)!r} in it, which Asterisk would read as its own: leave it out")
    if value != value.strip():
        raise SiteError(f"{what} begins or ends with a blank, which Asterisk cuts off: leave it out")
    if len(value.encode()) > LONGEST:
        raise SiteError(f"{what} has more than {LONGEST} bytes: make it shorter")
    return value


def secret(what: str, value: str) -> str:
    """A carrier's password as it stands in a file of SIP's. It goes no further, so it may have what Dial would read.

    Raises SiteError.
    """
    if not value.isascii() or not value.isprintable() or value != value.strip() or len(value) > LONGEST_SECRET:
        raise SiteError(
            f"{what} is not {LONGEST_SECRET} printable ASCII characters at most, without blanks around them"
        )
    return value.replace(";", "\\;")


def written(what: str, value: str) -> str:
    """The value as it stands in a file. Raises SiteError."""
    return check(what, value).replace(";", "\\;")


def text(*lines: str) -> str:
    """A configuration file, or a part of one, from `[section]`, `key=value` (or `key = value`) and empty lines.

    Raises SiteError when a value cannot be read back.
    """
    return "".join(f"{_line(each)}\n" for each in lines)


def _line(line: str) -> str:
    if _HEAD.fullmatch(line):
        return line
    key, equals, value = line.partition("=")
    if not equals:
        raise SiteError(f"{line!r} is no line of a configuration file")
    if key.endswith(" ") or value.startswith(">"):
        # Without the blank before it, a value that begins with > would lose it.
        key, equals, value = key.rstrip(), " = ", value.removeprefix(" ")
    return f"{key}{equals}{secret(key, value) if key == 'password' else written(key, value)}"
