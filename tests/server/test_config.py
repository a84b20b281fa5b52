"""Settings come from the environment, and a wrong one is refused with the variable and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis

from server.config import Settings, SettingsError, load_settings, unknown_variables


def test_without_any_variable_the_usual_ports_on_this_machine_alone_are_taken() -> None:
    settings = load_settings({})
    assert (settings.bind, settings.sip_port, settings.http_port) == ("127.0.0.1", 5060, 8400)
    assert settings.rtp_range == (10000, 10999)
    assert settings == Settings()


def test_each_setting_is_read_from_its_variable() -> None:
    settings = load_settings(
        {
            "SANSHENG_HOME": "/tmp/house",
            "SANSHENG_SIP_PORT": "5070",
            "SANSHENG_ASTERISK_HTTP_PORT": "8089",
            "SANSHENG_TRUNK": "sip:127.0.0.1:5090",
            "SANSHENG_TRUNK_ADDRESSES": "203.0.113.0/29, 198.51.100.7",
            "SANSHENG_DRAIN_SECONDS": "0",
            "DATABASE_URL": "postgresql://hotline@db/records",
            "REDIS_URL": "redis://redis:6379/0",
        }
    )
    assert settings.root == Path("/tmp/house")
    assert (settings.sip_port, settings.asterisk_http_port, settings.drain_seconds) == (5070, 8089, 0.0)
    assert settings.trunk_addresses == ("203.0.113.0/29", "198.51.100.7")
    assert settings.records_url == "postgresql://hotline@db/records"
    assert settings.log_url == "redis://redis:6379/0"


def test_an_empty_variable_counts_as_one_that_is_not_set() -> None:
    assert load_settings({"SANSHENG_SIP_PORT": "", "SANSHENG_TRUNK": " "}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value", "advice"),
    [
        ("SANSHENG_SIP_PORT", "sip", "a number from 1 to 65535"),
        ("SANSHENG_HTTP_PORT", "70000", "a number from 1 to 65535"),
        ("SANSHENG_BIND", "localhost", "an IP address of this machine"),
        ("SANSHENG_RTP_PORTS", "11000-10000", "a range of ports"),
        ("SANSHENG_TRUNK", "0.0.0.0:5060", "a SIP address"),
        ("SANSHENG_TRUNK_ADDRESSES", "carrier.example", "IP addresses or networks"),
        ("SANSHENG_EXTERNAL_ADDRESS", "here", "an IP address"),
        ("SANSHENG_LEASE_SECONDS", "0.1", "a number of seconds from 0.5"),
        ("DATABASE_URL", "mysql://db/records", "sqlite:// or postgresql://"),
        ("REDIS_URL", "localhost:6379", "redis:// or rediss:// or unix://"),
        ("SANSHENG_PUBLIC_URL", "hotline.example.com", "such as https://"),
        ("SANSHENG_PUBLIC_URL", "https://hotline.example.com/desk", "without a path"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_would_be_right(variable: str, value: str, advice: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings({variable: value})
    assert str(refusal.value).startswith(f"{variable}={value}: ")
    assert advice in str(refusal.value)


def test_two_services_on_one_port_are_refused_with_both_names() -> None:
    with pytest.raises(SettingsError, match="SANSHENG_HTTP_PORT and SANSHENG_SIP_PORT are both 8400"):
        load_settings({"SANSHENG_SIP_PORT": "8400"})


def test_the_sip_port_stays_out_of_the_ports_for_sound() -> None:
    with pytest.raises(SettingsError, match="SANSHENG_SIP_PORT=10500 lies within SANSHENG_RTP_PORTS"):
        load_settings({"SANSHENG_SIP_PORT": "10500"})


def test_a_password_is_never_repeated_in_an_error() -> None:
    with pytest.raises(SettingsError) as refusal:
        load_settings({"DATABASE_URL": "mysql://hotline:hunter2@db/records"})
    assert "hunter2" not in str(refusal.value)


def test_a_slip_of_the_pen_in_a_variable_is_noticed() -> None:
    found = unknown_variables({"SANSHENG_HTTPPORT": "1", "SANSHENG_HTTP_PORT": "2", "SANSHENG_CACHE": "x", "PATH": ""})
    assert found == ["SANSHENG_HTTPPORT"]


def test_an_address_of_ip_version_6_is_written_in_brackets() -> None:
    assert load_settings({"SANSHENG_BIND": "::"}).api == "https://[::1]:8400"


def test_the_url_of_the_private_redis_leads_to_its_socket_whatever_the_home_is_called() -> None:
    home = Path("/srv/50%41 of #1?")
    reached = Redis.from_url(Settings(home=home).log_url)
    assert reached.connection_pool.connection_kwargs["path"] == str(home / "redis" / "redis.sock")
