"""A trunk as Asterisk knows it: an endpoint for the carrier's calls, one for calls to the carrier, and a registration.

The two are apart, so that a channel's name tells which way a call goes, and nobody reaches the hotline by the endpoint
that calls go out by.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from server.hotline.trunks import IN, Trunk
from server.telephony.asterisk.modules import knows
from server.telephony.asterisk.site import Site, SiteError
from server.telephony.asterisk.trunk_certificate import PAIR_FILE, own_pair
from server.telephony.asterisk.values import text

REGISTERS = "res_pjsip_outbound_registration.so"
G729 = "codec_g729"
"""Asterisk has it only where somebody bought or built it; without it nobody would hear a prompt."""
SYSTEM_CA = Path("/etc/ssl/certs/ca-certificates.crt")
_HEADERS = {
    "auto": ("P-Asserted-Identity",),
    "pai": ("P-Asserted-Identity",),
    "rpid": ("P-Asserted-Identity", "Remote-Party-ID"),
    "from": (),
    "diversion": ("P-Asserted-Identity",),
}
"""What tells the caller's number before From does, where the trunk is trusted."""
_DTMF = {"rfc4733": "rfc4733", "info": "info", "inband": "inband"}
_TIMERS = {"accept": "yes", "off": "no", "required": "required", "always": "always"}
_QUALIFY_WITHIN = 3.0
"""Seconds that an OPTIONS may take, at most."""
_QUALIFY_SHARE = 0.9
"""The part of `qualify_seconds` that an OPTIONS may take: the end of one is told before the answer to the next."""


def trunk_sections(site: Site, incoming: Sequence[str], outgoing: Sequence[str]) -> Iterable[str]:
    """The sections of every trunk. `incoming` and `outgoing` are the lines that all endpoints of trunks have."""
    if any(trunk.transport == "tls" for trunk in site.trunks):
        yield _tls(site)
    for trunk in site.trunks:
        yield from _trunk(site, trunk, incoming, outgoing)


def codecs(site: Site, trunk: Trunk) -> tuple[str, ...]:
    """The codecs that this Asterisk can offer on the trunk. Raises SiteError when there is none."""
    able = (site.modules / f"{G729}.so").is_file()
    found = tuple(codec for codec in trunk.codecs if codec != "g729" or able)
    if not found:
        raise SiteError(f"trunk {trunk.name}: this Asterisk has no G.729 ({G729}.so): add alaw to its codecs")
    return found


def left_out(site: Site, trunk: Trunk) -> str:
    """A sentence on what the trunk asks for and this Asterisk has not; empty when it has all."""
    if set(trunk.codecs) - set(codecs(site, trunk)):
        return f"G.729 is left out, because this Asterisk has no {G729}.so"
    return ""


def _trunk(site: Site, trunk: Trunk, incoming: Sequence[str], outgoing: Sequence[str]) -> Iterable[str]:
    inside, name = f"{IN}-{trunk.name}", trunk.endpoint
    offered, login, common = codecs(site, trunk), _login(trunk), _common(trunk)
    transport = f"transport=transport-{trunk.transport}"
    headers = _HEADERS[trunk.caller_header] if trunk.trusted else ()
    if trunk.caller_header == "diversion":
        headers = ("Diversion", *headers)
    yield _section(
        inside,
        *_without(incoming, "allow", "send_connected_line", *(("dtmf_mode",) if trunk.dtmf in _DTMF else ())),
        f"allow={','.join(offered)}",
        *common,
        "identify_by=ip",
        "context=from-trunk",
        # The dialplan reads the headers that count, one by one.
        "trust_id_inbound=no",
        *(("send_pai=yes",) if trunk.connected_line else ()),  # what tells the carrier who answered
        f"set_var=SANSHENG_TRUNK={trunk.name}",
        f"set_var=CALLER_HEADERS={'-'.join(_SHORT[each] for each in headers)}",
        f"set_var=NUMBERS_IN={trunk.numbers_in}",
        *((f"set_var=STRIP_IN={trunk.strip_in}",) if trunk.strip_in else ()),
    )
    yield _section(inside, "type=identify", f"endpoint={inside}", f"match={','.join(trunk.source)}")
    yield _section(name, *outgoing_lines(site, trunk, outgoing), f"aors={name}")
    yield _section(
        name,
        "type=aor",
        f"contact={trunk.uri}",
        f"qualify_frequency={trunk.qualify_seconds}",
        f"qualify_timeout={min(_QUALIFY_WITHIN, _QUALIFY_SHARE * trunk.qualify_seconds) or _QUALIFY_WITHIN:g}",
        *((f"outbound_proxy={_proxy(trunk)}",) if trunk.proxy else ()),
    )
    if not login:
        return
    yield _section(name, "type=auth", "auth_type=digest", f"username={trunk.user}", f"password={trunk.secret}")
    if trunk.register:
        domain = trunk.from_domain or trunk.user.partition("@")[2] or trunk.address
        yield _section(
            name,
            "type=registration",
            f"server_uri={trunk.uri}",
            f"client_uri=sip:{trunk.login}@{domain}",
            f"contact_user={trunk.login}",
            *login,
            transport,
            *((f"outbound_proxy={_proxy(trunk)}",) if trunk.proxy else ()),
            f"expiration={trunk.register_seconds}",
            # A carrier that refuses today may be mended tomorrow: it is asked again, for ever.
            f"retry_interval={trunk.retry_seconds}",
            f"forbidden_retry_interval={trunk.retry_seconds}",
            f"fatal_retry_interval={trunk.retry_seconds}",
            "max_retries=1000000",
            "auth_rejection_permanent=no",
            *(("max_random_initial_delay=1",) if knows(site.modules, "max_random_initial_delay", REGISTERS) else ()),
        )


def outgoing_lines(site: Site, trunk: Trunk, outgoing: Sequence[str]) -> tuple[str, ...]:
    """The lines of an endpoint for calls to the carrier, without its `aors`."""
    offered = codecs(site, trunk)
    # Recordings are made at 8 kHz: a leg that is recorded takes no wideband codec.
    narrow = tuple(codec for codec in offered if codec != "g722") or offered
    return (
        *_without(outgoing, "allow", "send_connected_line", *(("dtmf_mode",) if trunk.dtmf in _DTMF else ())),
        f"allow={','.join(narrow)}",
        *_common(trunk),
        "identify_by=ip",
        "context=refused",
        *((f"contact_user={trunk.login}",) if trunk.user else ()),
        *((f"from_user={trunk.from_user}",) if trunk.from_user else ()),
        *((f"from_domain={trunk.from_domain}",) if trunk.from_domain else ()),
        *((f"outbound_proxy={_proxy(trunk)}",) if trunk.proxy else ()),
        f"send_pai={_yes(trunk.send_pai)}",
        f"user_eq_phone={_yes(trunk.user_phone)}",
    )


def _login(trunk: Trunk) -> tuple[str, ...]:
    return (f"outbound_auth={trunk.endpoint}",) if trunk.user and trunk.secret else ()


def _common(trunk: Trunk) -> tuple[str, ...]:
    return (*_security(trunk), *_signalling(trunk), f"transport=transport-{trunk.transport}", *_login(trunk))


_SHORT = {"P-Asserted-Identity": "pai", "Remote-Party-ID": "rpid", "Diversion": "diversion"}


def _security(trunk: Trunk) -> tuple[str, ...]:
    if trunk.srtp == "off":
        return ()
    optional = ("media_encryption_optimistic=yes",) if trunk.srtp == "optional" else ()
    return ("media_encryption=sdes", *optional)


def _signalling(trunk: Trunk) -> tuple[str, ...]:
    return (
        f"timers={_TIMERS[trunk.session_timers]}",
        f"timers_sess_expires={trunk.session_seconds}",
        *((f"dtmf_mode={_DTMF[trunk.dtmf]}",) if trunk.dtmf in _DTMF else ()),
        f"send_connected_line={_yes(trunk.connected_line)}",
    )


def _tls(site: Site) -> str:
    folder = site.home / "secrets" / "sip"
    authorities, pair = folder / "ca.pem", site.layout.etc / PAIR_FILE
    known = authorities if authorities.is_file() else SYSTEM_CA
    verify = all(trunk.verify for trunk in site.trunks if trunk.transport == "tls")
    host = f"[{site.bind}]" if ":" in site.bind else site.bind
    own = (f"cert_file={pair}", f"priv_key_file={pair}") if own_pair(site).text else ()
    return _section(
        "transport-tls",
        "type=transport",
        "protocol=tls",
        f"bind={host}:{site.sip_tls_port}",
        "method=tlsv1_2",
        *own,
        *((f"ca_list_file={known}",) if known.is_file() else ()),
        f"verify_server={_yes(verify)}",
        *site.behind_translation,
    )


def _proxy(trunk: Trunk) -> str:
    transport = "" if trunk.transport == "udp" else f";transport={trunk.transport}"
    return f"sip:{trunk.proxy}{transport};lr"


def _without(lines: Sequence[str], *keys: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line.partition("=")[0] not in keys)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


def _section(name: str, *lines: str) -> str:
    return text(f"[{name}]", *lines)
