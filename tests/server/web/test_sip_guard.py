"""A page speaks as its own endpoint alone, in whatever way a message is written."""

from __future__ import annotations

import pytest

from server.web.sip_guard import Guard


def message(start: str, *headers: str, body: str = "", length: int | None = None) -> str:
    size = len(body.encode()) if length is None else length
    usual = ("Via: SIP/2.0/WSS x.invalid;branch=z9hG4bK1", "Call-ID: c1", "CSeq: 1 X")
    return "\r\n".join((start, *usual, *headers, f"Content-Length: {size}", "", body))


def register(user: str = "1001-web", to: str = "") -> str:
    return message(
        "REGISTER sip:sansheng SIP/2.0",
        f"From: <sip:{user}@sansheng>;tag=a",
        f"To: <sip:{to or user}@sansheng>",
        "Contact: <sip:k3v9@x.invalid;transport=ws>;expires=120",
    )


def invite(sender: str, to: str = "<sip:1002@sansheng>", start: str = "INVITE sip:1002@sansheng SIP/2.0") -> str:
    return message(start, f"From: {sender}", f"To: {to}")


@pytest.fixture
def guard() -> Guard:
    return Guard("1001-web")


def test_a_page_registers_calls_and_answers(guard: Guard) -> None:
    assert guard.refuses(register()) == ""
    assert guard.refuses(invite("<sip:1001-web@sansheng>;tag=a")) == ""
    assert guard.refuses(invite('"Wang, \\"Li\\"" <sip:1001-web@sansheng;transport=ws>;tag=a')) == ""
    ok = message("SIP/2.0 200 OK", "From: <sip:13800138000@s>;tag=b", "To: <sip:k3v9@x.invalid>;tag=c", body="v=0\r\n")
    assert guard.refuses(ok) == ""
    assert guard.refuses("\r\n\r\n") == ""


def test_in_a_dialog_that_asterisk_began_a_page_speaks_as_its_contact(guard: Guard) -> None:
    start = "BYE sip:asterisk@127.0.0.1 SIP/2.0"
    assert guard.refuses(invite("<sip:k3v9@x.invalid;transport=ws>;tag=c", "<sip:138@s>;tag=b", start)) == ""
    assert guard.refuses(invite("<sip:k3v9@x.invalid:5060>;tag=c", "<sip:138@s>;tag=b")) == ""  # it asks anew
    assert guard.refuses(invite("<sip:k3v9@x.invalid>;tag=c"))  # but no call of its own
    assert guard.refuses(invite("<sip:k3v9@127.0.0.1>;tag=c", "<sip:138@s>;tag=b", start))
    assert guard.refuses(invite("<sip:k3v9@x.invalid@s>;tag=c", "<sip:138@s>;tag=b", start))


@pytest.mark.parametrize(
    "sender",
    [
        "<sip:1002-web@sansheng>;tag=a",
        "<sip:1002@sansheng>;tag=a",
        "<sip:13800138000@sansheng>;tag=a",
        '"<sip:1001-web@sansheng>" <sip:1002@sansheng>;tag=a',
        "<sip:1001-web@s>, <sip:1002@s>;tag=a",
        "sip:1001%2Dweb@sansheng;tag=a",
        "<sip:sansheng>;tag=a",
        "<tel:1001-web>;tag=a",
        '" <sip:1001-web@sansheng>;tag=a',
        "",
    ],
)
def test_no_page_calls_as_somebody_else(guard: Guard, sender: str) -> None:
    assert guard.refuses(invite(sender))


def test_no_page_registers_another_endpoint(guard: Guard) -> None:
    assert guard.refuses(register("1001"))
    assert guard.refuses(register("1002-web"))
    assert guard.refuses(register("1001-web", to="1002-web"))
    assert guard.refuses(register("1001-web", to="1002-web").replace("To:", "t :"))


def test_a_second_message_cannot_hide_in_a_frame(guard: Guard) -> None:
    smuggled = invite("<sip:1002@sansheng>;tag=a")
    whole = message("SIP/2.0 200 OK", "From: <sip:a@s>;tag=a", "To: <sip:b@s>;tag=b", body=smuggled, length=0)
    assert "Content-Length" in guard.refuses(whole)
    two = message("SIP/2.0 200 OK", "From: <sip:a@s>", "To: <sip:b@s>", "l: 0", body=smuggled)
    assert "one content-length" in guard.refuses(two)
    assert guard.refuses("\r\n\r\n" + register("1002"))
    assert guard.refuses(register().replace("\r\nFrom", "\nFrom"))
    assert guard.refuses(register().replace("Call-ID: c1", "Call-ID: c1\r\n From: <sip:1002@s>"))
    assert guard.refuses(register().replace("\r\nTo", "\r\nf: <sip:1002-web@s>\r\nTo"))


def test_methods_that_a_telephone_does_not_need_are_refused(guard: Guard) -> None:
    for method in ("SUBSCRIBE", "PUBLISH", "MESSAGE", "OPTIONS", "BYE", "REFER", "NOTIFY"):
        start = f"{method} sip:1002@s SIP/2.0"
        assert guard.refuses(invite("<sip:1001-web@sansheng>;tag=a", start=start)), method
    assert guard.refuses(invite("<sip:1001-web@s>;tag=a", "<sip:2@s>;tag=b", "PUBLISH sip:2@s SIP/2.0"))
    for start in ("invite sip:2@s SIP/2.0", "INVITE sip:2@s", "GET / HTTP/1.1", "SIP/2.0 999 x", "SIP/2.0 200"):
        assert guard.refuses(invite("<sip:1001-web@sansheng>;tag=a", start=start)), start
