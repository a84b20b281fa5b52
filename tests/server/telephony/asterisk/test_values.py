"""Asterisk reads back what is written into its files, or it is not written."""

from __future__ import annotations

import pytest

from server.telephony.asterisk.values import LONGEST, SiteError, text, written


@pytest.mark.parametrize(
    "value",
    [*(f"a{each}b" for each in "&()|^$[]\\#\n\r\t\0\x7f\u2028\u202e"), " x", "x ", "é" * LONGEST, "[x]", "[::1"],
)
def test_what_asterisk_would_read_otherwise_is_refused_in_a_sentence(value: str) -> None:
    with pytest.raises(SiteError, match=r"secret (has|begins)"):
        written("secret", value)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("a;b;--c", "secret=a\\;b\\;--c"),
        (">a", "secret = >a"),
        ("=>a", "secret==>a"),
        ("三声 '\"%", "secret=三声 '\"%"),
        ("sip:x@[::1]:5060", "secret=sip:x@[::1]:5060"),
        ("", "secret="),
    ],
)
def test_what_asterisk_reads_otherwise_unescaped_is_escaped(value: str, line: str) -> None:
    assert text("[1001]", f"secret={value}") == f"[1001]\n{line}\n"


@pytest.mark.parametrize("line", ["[a]b]", "[]", "no value", "#exec x", "[a](+)"])
def test_a_line_of_another_kind_is_refused(line: str) -> None:
    with pytest.raises(SiteError):
        text(line)
