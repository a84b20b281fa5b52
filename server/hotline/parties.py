"""A party is made once, at the edge: one canonical number however a carrier wrote it, or nobody.

Everything else compares canonical numbers alone. A number is E.164 where it is a telephone's; a service number (400,
95, …), an extension and what is no telephone number keep their digits.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

LONGEST_NAME = 80
"""Characters of a display name that are kept."""
LONGEST = 40
"""Characters of a number or of a user's name that are kept."""
_SUBSCRIBERS = frozenset(
    {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
        PhoneNumberType.PERSONAL_NUMBER,
        PhoneNumberType.PAGER,
        PhoneNumberType.VOICEMAIL,
    }
)
"""Kinds of telephones that can be dialled from abroad; service numbers are dialled in their region alone."""
_WITHHELD = frozenset({"", "anonymous", "restricted", "unavailable", "private", "unknown"})
"""User parts of a caller who is not shown; RFC 3323 has `anonymous`, carriers and exchanges the others."""
_ADDRESS = re.compile(r"<([^>]*)>")
_SCHEME = re.compile(r"(?i)^(sips?|tel):")
_SEPARATORS = re.compile(r"[\s().\-/‐-―−]+")
_DIALLED = re.compile(r"\+?[0-9]+")


@dataclass(frozen=True, slots=True)
class Party:
    """One who calls or is called. `number` is canonical, `shown` is what people read and dial in the hotline's region.

    `name` is what the network shows beside the number, `told_by` the header that the number was taken from (from, pai,
    rpid, diversion). All are empty when the party withheld its number.
    """

    number: str = ""
    shown: str = ""
    name: str = ""
    told_by: str = ""

    @property
    def withheld(self) -> bool:
        """Whether nobody is known."""
        return not self.number


def canonical(text: str, region: str) -> str:
    """The canonical form of a number: E.164 for a telephone's, else its digits, or the text of what has none.

    `text` is a number however it is written, a tel URI (RFC 3966), or a SIP URI with its user part; the form is empty
    for a number that is withheld.
    """
    user = _user(text)
    if _hidden(user):
        return ""
    written = _SEPARATORS.sub("", user).rstrip("#")
    if not _DIALLED.fullmatch(written):
        return user[:LONGEST]
    try:
        parsed = phonenumbers.parse(written, region)
    except NumberParseException:
        return written[:LONGEST]
    if phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) in _SUBSCRIBERS:
        return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return _as_digits(parsed, written, region)[:LONGEST]


def shown(number: str, region: str) -> str:
    """A canonical number as people of the region read and dial it: national digits for the region's own."""
    if not number.startswith("+"):
        return number
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return number
    if parsed.country_code != phonenumbers.country_code_for_region(region):
        return number
    if phonenumbers.region_code_for_number(parsed) not in (region, None, "ZZ"):
        return number
    return re.sub(r"\D", "", phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL))


def party(text: str, region: str, name: str = "", told_by: str = "") -> Party:
    """The party with this number, however it is written. A name that only says the number again is none."""
    number = canonical(text, region)
    if not number:
        return Party()
    name = _printable(name)
    if canonical(name, region) in ("", number):
        name = ""
    return Party(number, shown(number, region), name, told_by)


def _printable(name: str) -> str:
    """A display name in one line, without the quotes around it."""
    text = "".join(each for each in unicodedata.normalize("NFC", name) if each.isprintable())
    return text.strip().strip('"').strip()[:LONGEST_NAME]


def may_be_called(text: str, region: str) -> bool:
    """Whether people of the region may dial this as a public number, or a caller may be shown under it."""
    if _hidden(text):
        return True
    if not _DIALLED.fullmatch(text):
        return False
    try:
        parsed = phonenumbers.parse(text, region)
    except NumberParseException:
        return False
    return phonenumbers.is_valid_number(parsed) or phonenumbers.is_emergency_number(text, region)


def _user(text: str) -> str:
    """The user part of an address, or the number of a tel URI, without parameters and escapes."""
    text = unicodedata.normalize("NFKC", text).strip()
    address = _ADDRESS.search(text)
    uri = (address[1] if address else text).strip()
    scheme = _SCHEME.match(uri)
    rest = uri[scheme.end() :] if scheme else uri
    if "@" in rest:
        user, _, host = rest.rpartition("@")
        if host.lower().split(";")[0].split(":")[0].endswith("anonymous.invalid"):
            return ""
        rest = user
    number, *parameters = rest.split(";")
    number = unquote(number).partition(":")[0].strip()
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.lower() == "phone-context" and re.fullmatch(r"\+[0-9]{1,6}", value) and not number.startswith("+"):
            return f"{value}{number}"
    return number


def _hidden(user: str) -> bool:
    return user.lower() in _WITHHELD or not user.strip("0+ ")


def _as_digits(parsed: PhoneNumber, written: str, region: str) -> str:
    """What is no telephone that can be dialled from abroad: its digits, without the region's own country code."""
    if written.startswith("+") and parsed.country_code != phonenumbers.country_code_for_region(region):
        return written
    return phonenumbers.national_significant_number(parsed) if written.startswith(("+", "00")) else written
