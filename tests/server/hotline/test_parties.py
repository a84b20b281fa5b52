"""One caller is one party, however a carrier writes the number; a caller who is not shown is nobody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.hotline.parties import Party, canonical, party, shown

MOBILE = "+8613800138000"
LANDLINE = "+861065529988"


@pytest.mark.parametrize(
    "written",
    [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "013800138000",
        "138 0013 8000",
        "138-0013-8000",
        "(138) 0013.8000",
        "13800138000%23",
        "13800138000#",
        "+86-138-0013-8000",
        "１３８００１３８０００",
        "tel:+86-138-0013-8000",
        "tel:13800138000;phone-context=+86",
        "tel:138-0013-8000;phone-context=ims.example",
        "sip:13800138000@carrier.example",
        "sips:+8613800138000@carrier.example;user=phone",
        "<sip:+86-138-0013-8000;phone-context=ims.example@carrier.example;user=phone>",
        "<sip:13800138000;cpc=ordinary@carrier.example>",
        "<sip:13800138000;npdi;rn=+861380013@carrier.example>",
        '"王" <sip:8613800138000@192.0.2.1:5060>;tag=x',
    ],
)
def test_every_spelling_of_a_mobile_is_one_customer(written: str) -> None:
    assert party(written, "CN") == Party(MOBILE, "13800138000")


@pytest.mark.parametrize(
    "written", ["01065529988", "1065529988", "+86 10 6552 9988", "861065529988", "<tel:+86-10-6552-9988>"]
)
def test_a_landline_likewise(written: str) -> None:
    assert party(written, "CN") == Party(LANDLINE, "01065529988")


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1001", "1001"),
        ("110", "110"),
        ("95588", "95588"),
        ("+8695588", "95588"),
        ("4008001234", "4008001234"),
        ("+864008001234", "4008001234"),
        ("65529988", "65529988"),
        ("+85223456789", "+85223456789"),
        ("0085223456789", "+85223456789"),
        ("+15550109999", "+15550109999"),
        ("alice", "alice"),
        ("sip:alice%20b@phones.example", "alice b"),
    ],
)
def test_extensions_service_numbers_and_numbers_abroad_stay_what_they_are(written: str, number: str) -> None:
    found = party(written, "CN")
    assert (found.number, found.shown) == (number, number)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "anonymous",
        "Anonymous",
        "Restricted",
        "UNAVAILABLE",
        "private",
        "unknown",
        "0",
        "00000000",
        "+0",
        "sip:anonymous@anonymous.invalid",
        "<sip:13800138000@anonymous.invalid>",
        '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=x',
        "<sip:Restricted@carrier.example>",
    ],
)
def test_a_caller_who_is_not_shown_is_nobody(written: str) -> None:
    found = party(written, "CN")
    assert found.withheld
    assert (found.number, found.shown) == ("", "")


@given(st.text(max_size=60))
def test_a_canonical_number_is_its_own_canonical_form(text: str) -> None:
    number = canonical(text, "CN")
    assert canonical(number, "CN") == number
    assert canonical(shown(number, "CN"), "CN") == number


def test_a_party_has_the_name_that_the_network_shows_and_the_header_that_told_the_number() -> None:
    found = party("<tel:+86-138-0013-8000>", "CN", '"王先生"', "pai")
    assert (found.number, found.name, found.told_by) == ("+8613800138000", "王先生", "pai")
    assert party("13800138000", "CN", "+86 138 0013 8000").name == "", "the number again is no name"
    assert party("13800138000", "CN", "Anonymous").name == ""
    assert party("13800138000", "CN", "a\r\nb" + "x" * 200).name == "ab" + "x" * 78
    assert party("anonymous", "CN", "王先生", "from") == Party(), "who withholds the number has no name either"
