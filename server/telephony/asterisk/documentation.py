"""Law: of its own documentation, Asterisk reads no more than it refuses to start without.

At each start Asterisk parses its documentation and builds the help of every application, function and action from it:
three quarters of the processor time until calls are taken. What it needs of it are the options (`configInfo`): one that
is not described is refused, and its module with it. Of all else it needs the name, or it warns.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, ParseError, SubElement

NAME = "core-en_US.xml"
_NAMED = frozenset({"application", "function", "manager", "agi"})
_INCLUDE = "{http://www.w3.org/2001/XInclude}include"
_OPTIONS = "xpointer(/docs/configInfo["


def mark(folder: Path) -> bytes:
    """What the documentation of this folder, shortened, begins with: another one begins otherwise. Raises OSError."""
    file = folder / NAME
    status = file.stat()
    return f"<!-- {status.st_size} bytes of {status.st_mtime_ns}: {str(file).replace('--', '- -')} -->\n".encode()


def shortened(folder: Path) -> bytes | None:
    """The documentation of this folder with its mark; None when it cannot be shortened. Raises OSError."""
    return _shortened(folder, mark(folder))


@cache
def _shortened(folder: Path, begins: bytes) -> bytes | None:
    try:
        found = ElementTree.parse(folder / NAME).getroot()
    except ParseError:
        return None
    short = Element("docs")
    for each in found:
        if each.tag == "configInfo":
            # What an option takes from elsewhere has to be there.
            if not all(other.get("xpointer", "").startswith(_OPTIONS) for other in each.iter(_INCLUDE)):
                return None
            short.append(each)
        elif each.tag in _NAMED:
            SubElement(SubElement(short, each.tag, each.attrib), "synopsis").text = f"See {folder / NAME}"
    if not any(each.tag == "configInfo" for each in short):
        return None
    body: bytes = ElementTree.tostring(short, encoding="utf-8")
    return begins + body
