"""TLS: the private authority, certificates that are renewed, and peers that do not finish the handshake."""

from __future__ import annotations

import asyncio
import ssl
import stat
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme
from cryptography import x509

from server.commands.own_tls import PinnedConnection
from server.config import Settings, SettingsError, load_settings
from server.web.certificates import LASTS, CertificateError, Certificates, names_of
from server.web.serve import HttpServer
from tests.dialplan.conftest import free_port
from tests.redis_server import redis_server
from tests.server.web.api_server import ApiServer, api, refused, server

__all__ = ["api", "redis_server", "server"]


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-scheme", scope["scheme"].encode())]})
    await send({"type": "http.response.body", "body": b"x" * 300_000})


@pytest.fixture
def wide(tmp_path: Path) -> Settings:
    """A home that is bound to all addresses."""
    (tmp_path / "secrets").mkdir()
    return Settings(home=tmp_path, bind="0.0.0.0")


def trusting(authority: bytes) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=authority.decode())


def the_cert(settings: Settings) -> x509.Certificate:
    return x509.load_pem_x509_certificate(settings.tls_files[0].read_bytes())


def test_tls_begins_where_others_than_this_machine_reach_the_server_and_no_proxy_stands_in_front() -> None:
    for given, url in (
        ({}, "http://127.0.0.1:8400"),
        ({"SANSHENG_BIND": "127.0.0.2"}, "http://127.0.0.2:8400"),
        ({"SANSHENG_BIND": "0.0.0.0"}, "https://127.0.0.1:8400"),
        ({"SANSHENG_BIND": "192.0.2.1"}, "https://192.0.2.1:8400"),
        ({"SANSHENG_BIND": "0.0.0.0", "SANSHENG_PROXIES": "192.0.2.10"}, "http://127.0.0.1:8400"),
        ({"SANSHENG_TLS_CERT": "/c", "SANSHENG_TLS_KEY": "/k"}, "https://127.0.0.1:8400"),
    ):
        assert load_settings(given).api == url, given
    for given, sentence in (
        ({"SANSHENG_TLS_CERT": "/c"}, "belong together"),
        ({"SANSHENG_TLS_NAMES": "desk example!"}, "give names"),
        ({"SANSHENG_PROXIES": "proxy.example.com"}, "give IP addresses"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            load_settings(given)


async def test_a_browser_that_trusts_the_private_authority_reaches_the_server(wide: Settings) -> None:
    certificates = Certificates(replace(wide, tls_names=("desk.example.com",)))
    port = free_port()
    listening = HttpServer(application, "127.0.0.1", port, tls=certificates.context())
    await listening.start()
    try:
        for path in ("ca-key.pem", "server-key.pem", "ca.pem", "server.pem"):
            assert stat.S_IMODE((wide.root / "secrets" / path).stat().st_mode) == 0o600
        async with httpx.AsyncClient(verify=trusting(certificates.authority), trust_env=False) as client:
            answers = await asyncio.gather(*(client.get(f"https://127.0.0.1:{port}/") for _ in range(5)))
            assert {(each.status_code, each.headers["x-scheme"], len(each.content)) for each in answers} == {
                (200, "https", 300_000)
            }
            extensions = {"sni_hostname": "desk.example.com"}
            assert (await client.get(f"https://127.0.0.1:{port}/", extensions=extensions)).status_code == 200
        async with httpx.AsyncClient(trust_env=False) as stranger:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.get(f"https://127.0.0.1:{port}/")

        def as_a_command(file: Path) -> int:
            connection = PinnedConnection(f"127.0.0.1:{port}", (wide.tls_shown, file), 5)
            connection.request("GET", "/")
            return connection.getresponse().status

        assert await asyncio.to_thread(as_a_command, wide.tls_files[0]) == 200
        with pytest.raises(ConnectionError, match="another certificate"):
            await asyncio.to_thread(as_a_command, wide.tls_authority)
    finally:
        await listening.stop()


async def test_a_peer_that_does_not_finish_the_handshake_keeps_nobody_out(wide: Settings) -> None:
    certificates, port = Certificates(wide), free_port()
    listening = HttpServer(
        application, "127.0.0.1", port, tls=certificates.context(), of_one_address=5, connections=5, patience=1.0
    )
    await listening.start()
    try:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        async with httpx.AsyncClient(verify=trusting(certificates.authority), trust_env=False) as client:
            assert (await client.get(f"https://127.0.0.1:{port}/")).status_code == 200
        for reader, writer in held:
            with_errors = await asyncio.wait_for(asyncio.gather(reader.read(), return_exceptions=True), 10)
            assert with_errors[0] == b"" or isinstance(with_errors[0], ConnectionError)
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        (said,) = await asyncio.wait_for(asyncio.gather(reader.read(), return_exceptions=True), 10)
        assert isinstance(said, ConnectionError) or not said.startswith(b"HTTP")
        writer.close()
    finally:
        await listening.stop()


def test_the_certificate_is_made_anew_before_its_end_and_for_other_names(wide: Settings) -> None:
    now = datetime.now(UTC)
    certificates = Certificates(wide, now=lambda: now)
    certificates.context()
    first, authority = the_cert(wide), certificates.authority
    certificates.look()
    assert the_cert(wide) == first
    now += LASTS - timedelta(days=29)
    certificates.look()
    second = the_cert(wide)
    assert second.not_valid_after_utc > first.not_valid_after_utc
    assert certificates.authority == authority, "browsers trust it already"
    Certificates(replace(wide, tls_names=("desk.example.com",)), now=lambda: now).context()
    names = the_cert(wide).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "desk.example.com" in names.get_values_for_type(x509.DNSName)
    wide.tls_authority.unlink()
    Certificates(wide, now=lambda: now).context()
    assert Certificates(wide).authority != authority
    the_cert(wide).verify_directly_issued_by(x509.load_pem_x509_certificate(wide.tls_authority.read_bytes()))


def test_the_names_are_those_by_which_the_machine_is_reached(wide: Settings) -> None:
    assert {"127.0.0.1", "::1", "localhost"} <= {*names_of(wide)}
    assert "192.0.2.1" in names_of(replace(wide, bind="192.0.2.1"))
    assert "198.51.100.1" in names_of(replace(wide, external_address="198.51.100.1"))


async def streaming(scope: Any, receive: Any, send: Any) -> None:
    """An answer that goes on until its client is gone, as live rows do."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while True:
        await send({"type": "http.response.body", "body": b"at %d\n" % time.monotonic_ns(), "more_body": True})
        await asyncio.sleep(0.02)


async def goes_on(reader: asyncio.StreamReader) -> None:
    """Return when the stream has told something that was sent from now on."""
    since = time.monotonic_ns()
    while True:
        line = await asyncio.wait_for(reader.readline(), 5)
        assert line, "the stream is at its end"
        if line.startswith(b"at ") and int(line[3:]) > since:
            return


async def test_a_certificate_of_the_operator_is_taken_over_when_its_files_change(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()

    def issue(name: str, how: str = "rename", until: datetime | None = None) -> trustme.CA:
        authority = trustme.CA(organization_name=name)
        made = authority.issue_cert("127.0.0.1", not_after=until)
        chain = b"".join(each.bytes() for each in made.cert_chain_pems)
        for file, content in (("key", made.private_key_pem.bytes()), ("cert", chain)):
            if how == "rename":
                (tmp_path / "new").write_bytes(content)
                (tmp_path / "new").rename(tmp_path / file)
            else:
                (tmp_path / file).write_bytes(content)
        return authority

    async def open_stream(authority: trustme.CA) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=trusting(authority.cert_pem.bytes()), server_hostname="127.0.0.1"
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        return reader, writer

    async def shown(authority: trustme.CA) -> bytes:
        reader, writer = await open_stream(authority)
        await goes_on(reader)
        writer.close()
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    def as_a_command() -> int:
        connection = PinnedConnection(f"127.0.0.1:{port}", (settings.tls_shown, settings.tls_files[0]), 5)
        connection.request("GET", "/")
        return connection.getresponse().status

    first = issue("first")
    settings = Settings(home=tmp_path, tls_cert=tmp_path / "cert", tls_key=tmp_path / "key")
    now = datetime.now(UTC)
    certificates, port = Certificates(settings, now=lambda: now), free_port()
    assert certificates.authority == b""
    listening = HttpServer(streaming, "127.0.0.1", port, tls=certificates.context())
    await listening.start()
    try:
        reader, writer = await open_stream(first)
        await goes_on(reader)
        certificates.look()
        assert certificates.problem == ""
        (tmp_path / "key").write_text("half written")
        certificates.look()
        assert "are no pair" in certificates.problem
        assert "served on: write both files again (SANSHENG_TLS_CERT" in certificates.problem
        await shown(first)
        other = trustme.CA().issue_cert("127.0.0.1")
        (tmp_path / "cert").write_bytes(other.cert_chain_pems[0].bytes()[:500])
        certificates.look()
        assert "no whole certificate" in certificates.problem
        await shown(first)
        assert await asyncio.to_thread(as_a_command) == 200, "commands know the certificate that is shown"
        for how in ("rename", "rewrite"):
            renewed = issue(how, how)
            certificates.look()
            assert certificates.problem == ""
            der = await shown(renewed)
            assert await asyncio.to_thread(as_a_command) == 200
            with pytest.raises(ssl.SSLCertVerificationError):
                await shown(first)
        (tmp_path / "cert").unlink()
        certificates.look()
        assert "cannot be read" in certificates.problem
        assert await shown(renewed) == der
        ending = issue("ending", until=now + timedelta(days=30))
        certificates.look()
        assert certificates.problem == ""
        now += timedelta(days=17)
        certificates.look()
        assert "renew it" in certificates.problem
        await shown(ending)
        # The stream of before the first exchange goes on, under the certificate that it began with.
        await goes_on(reader)
        writer.close()
    finally:
        await listening.stop()


def test_files_that_are_no_certificate_are_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "x").write_text("nonsense")
    for cert in ("x", "missing"):
        settings = Settings(home=tmp_path, tls_cert=tmp_path / cert, tls_key=tmp_path / "x")
        with pytest.raises(CertificateError, match="SANSHENG_TLS_CERT"):
            Certificates(settings).context()


async def test_the_certificate_of_the_authority_can_be_fetched_without_a_token(server: ApiServer, api) -> None:
    assert "no private authority" in refused(await api.get("/ca.pem", headers={"Authorization": ""}), 404)
    server.authority = b"-----BEGIN CERTIFICATE-----"
    answer = await api.get("/ca.pem", headers={"Authorization": ""})
    assert (answer.status_code, answer.content) == (200, server.authority)
    assert "attachment" in answer.headers["content-disposition"]
