"""Which addresses a webhook may reach, its secrets, and its signature."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Signer

from server.hotline import webhook_secrets
from server.hotline.webhook_schemas import PING
from server.hotline.webhook_targets import check_url, refusal
from server.hotline.webhooks import TYPES
from server.storage.webhook_outbox import Message
from server.webhooks.sender import Sender, body_of, headers_of

MESSAGE = Message(1, "1790000000000-0", "call.ended", datetime(2026, 9, 21, tzinfo=UTC), {"id": 7, "说": "好"}, 0, None)


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
        ),
        *("255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "ff02::1"),
        *("2002:7f00:0001::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "192.0.2.1", "198.18.0.1"),
    ],
)
def test_no_address_of_this_machine_or_its_neighbours_is_reached(address: str) -> None:
    assert "SANSHENG_WEBHOOK_NETWORKS" in refusal(address, "https", ())


def test_a_public_address_is_reached_by_https_and_a_named_network_by_http_too() -> None:
    assert refusal("8.8.8.8", "https", ()) == ""
    assert refusal("2606:4700::1111", "https", ()) == ""
    assert "only https" in refusal("8.8.8.8", "http", ())
    assert refusal("10.1.2.3", "http", ("10.0.0.0/8",)) == ""
    assert refusal("::ffff:10.1.2.3", "http", ("10.0.0.0/8",)) == ""
    assert refusal("10.1.2.3", "https", ("fc00::/7",))


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://a.example/x",
            "crm",
            "https://",
            "https://u:p@a.example/",
            "https://a.example/#x",
            "https://a b.example/",
        ),
        *(
            "https://a.example:0/",
            "https://a.example:99999/",
            "https://[::1/",
            "https://例.example/",
            "file:///etc/passwd",
        ),
    ],
)
def test_what_is_no_address_of_a_receiver_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".{20}"):
        check_url(url)


def test_a_secret_that_is_rotated_signs_until_its_overlap_is_over(tmp_path) -> None:
    first = webhook_secrets.rotate(tmp_path, 1, 1000.0, 0.0)
    second = webhook_secrets.rotate(tmp_path, 1, 1000.0, 60.0)
    assert webhook_secrets.holding(tmp_path, 1, 1059.0) == [second, first]
    assert webhook_secrets.holding(tmp_path, 1, 1060.0) == [second]
    third = webhook_secrets.rotate(tmp_path, 1, 1030.0, 600.0)
    assert webhook_secrets.holding(tmp_path, 1, 1059.0) == [third, second, first]
    assert webhook_secrets.holding(tmp_path, 1, 1061.0) == [third, second]
    assert webhook_secrets.file_of(tmp_path, 1).stat().st_mode & 0o777 == 0o600
    webhook_secrets.forget(tmp_path, 1)
    assert webhook_secrets.holding(tmp_path, 1, 1059.0) == []


def test_a_message_carries_a_signature_by_each_secret_whatever_the_zone_of_the_clock() -> None:
    secrets = [webhook_secrets.made(), webhook_secrets.made()]
    for zone in (UTC, timezone(timedelta(hours=8))):
        body = body_of(MESSAGE)
        headers = headers_of(MESSAGE, body, secrets, datetime.now(zone))
        for secret in secrets:
            assert Signer(secret).verify(body, headers)["type"] == "call.ended"
        with pytest.raises(Exception, match="signature"):
            Signer(webhook_secrets.made()).verify(body, headers)


async def test_a_receiver_on_this_machine_is_not_asked_unless_its_network_is_named() -> None:
    sender = Sender()
    for url in ("http://127.0.0.1:9/", "https://localhost:9/", "http://[::1]:9/", "http://0x7f000001:9/"):
        answer = await sender.send(MESSAGE, url, [webhook_secrets.made()])
        assert "is no public address" in answer.problem, url
    await sender.close()


def test_the_page_on_webhooks_names_every_type() -> None:
    page = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    named = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")]
    assert sorted(named) == sorted([*TYPES, PING])
