"""The parties on SIP: the public comes in by the trunk, agents by name and secret or from their fixed address.

Nobody becomes an agent by writing an agent's number into From: an endpoint found by name always has a secret to prove,
and an agent without one is known only by the address that the request came from (context `fixed-phones`).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Set

from server.hotline.trunks import source_of
from server.telephony.asterisk.modules import knows
from server.telephony.asterisk.site import AgentPhone, Site, web_device
from server.telephony.asterisk.trunk_pjsip import outgoing_lines, trunk_sections
from server.telephony.asterisk.values import SiteError, text, written
from server.usecases.page_phones import GUESTS, guest_number

AUDIO = ("disallow=all", "allow=alaw,ulaw")
"""Only these: a recording of an Opus channel comes out three times too long."""
REALM = "sansheng"
MARK = "message_context"
OUTSIDE_LENGTHS = range(7, 21)
"""Digits of the outside numbers that a phone may transfer a caller to."""
T1 = 100
"""Milliseconds until SIP's first retransmission. The last one is given up after 64 of them: an answer that nobody
acknowledges ends after 6.4 s instead of 32, and so does an INVITE to a phone that says nothing at all."""


def pjsip_conf(site: Site) -> str:
    """Transports and the trunk; agents stand in a file of their own so that adding one rewrites nothing else."""
    sections = [
        _section("system", "type=system", f"timer_t1={T1}", f"timer_b={64 * T1}", "disable_rport=no"),
        _section(
            "global",
            "type=global",
            f"user_agent={site.server_name}",
            f"endpoint_identifier_order={identifier_order(site)}",
            "keep_alive_interval=30",
            f"default_realm={REALM}",
        ),
        *(_transport(site, protocol) for protocol in ("udp", "tcp")),
        _section("transport-ws", "type=transport", "protocol=ws", f"bind={_host(site.bind)}"),
    ]
    if site.trunk_addresses:
        sections += [
            _section("trunk", *_caller(site), "identify_by=ip", "context=from-trunk", "trust_id_inbound=yes"),
            _section("trunk", "type=identify", "endpoint=trunk", f"match={','.join(site.trunk_addresses)}"),
        ]
    if site.trunk:
        sections += [
            _section("trunk-out", *_trunk(site), "identify_by=ip", "context=refused", "aors=trunk-out", "send_pai=yes"),
            _section("trunk-out", "type=aor", f"contact={site.trunk}"),
        ]
    sections += trunk_sections(site, _caller(site), _trunk(site))
    sections += [_guest(site, guest) for guest in GUESTS]
    return "\n".join((*sections, "#include pjsip_agents.conf\n#include pjsip_slowed.conf\n"))


def pjsip_slowed_conf(addresses: Iterable[str]) -> str:
    """The IP addresses from which Asterisk answers nothing but 403 for a while: too many wrong passwords came."""
    denied = [f"deny={ipaddress.ip_address(each)}" for each in sorted(addresses)]
    return _section("slowed", "type=acl", *denied) if denied else ""


def identifier_order(site: Site) -> str:
    """The name first when the trunk's calls come from this machine, where agents' phones may be too; else the address.

    By address first, a caller whose number happens to equal an agent's is never asked for a secret. The address is
    second in both, after `header`, by which nobody is known here: an identifier keeps the place that it had when it
    registered, so that the name alone has to register anew when the order changes (`Reloading`).
    """
    return "username,ip" if site.trunk_is_local else "header,ip,username"


def pjsip_agents_conf(site: Site, phones: Iterable[AgentPhone]) -> str:
    """One endpoint per device of each agent, in order of agent."""
    return "\n".join(_sections(site, phone) for phone in _ordered(phones))


_written: dict[AgentPhone, tuple[Site, str]] = {}
"""What was written of a telephone, and for which site: to add one of many agents costs what one costs."""
_MOST_WRITTEN = 20_000


def _sections(site: Site, phone: AgentPhone) -> str:
    known = _written.get(phone)
    if known is not None and known[0] is site:
        return known[1]
    if len(_written) >= _MOST_WRITTEN:
        _written.clear()
    made = "\n".join(_agent(site, phone, mark(site, phone)))
    _written[phone] = site, made
    return made


def mark(site: Site, phone: AgentPhone) -> str:
    """What tells an endpoint from the same agent's of another time: it differs when anything of the telephone differs.

    It stands in MARK, a setting without any effect here (it is for SIP messages, which are not taken), where Asterisk
    can be asked for it.
    """
    return hashlib.sha256("\n".join(_agent(site, phone, "")).encode()).hexdigest()[:16]


def fixed_phones_conf(phones: Iterable[AgentPhone], trunks: Set[str] = frozenset()) -> str:
    """Dialplan context `fixed-phones`: the address an agent's fixed phone sends from → the agent.

    Only agents without a secret: the others prove who they are. A contact given by host name tells no address. Behind
    one of `trunks` anybody may be (`trunk_addresses`): an agent is rung there, and no call from there is the agent's.
    """
    lines = ["[fixed-phones]"]
    taken: dict[str, str] = {}
    for phone in _ordered(phones):
        address = "" if phone.secret or phone.outside else contact_address(phone.contact)
        if not address or address in trunks or address.rpartition(":")[0] in trunks:
            continue
        if address in taken:
            raise SiteError(
                f"agents {taken[address]} and {phone.agent} share the contact address {address}, by which the hotline "
                "knows whose call comes: give one of them another port, or a secret to register with"
            )
        taken[address] = phone.agent
        lines.append(f"exten => {written('contact', address)},1,Return({phone.agent})")
    return "\n".join(lines) + "\n"


def trunk_addresses(site: Site) -> frozenset[str]:
    """Addresses from which the public's calls come, `host` or `host:port`: none of them is ever an agent's phone.

    A whole network may have agents' phones in it, and so may this machine: there only the trunk's own port counts.
    """
    sources = [*site.trunk_addresses, *(each for trunk in site.trunks for each in trunk.source)]
    networks = [source_of(each)[0] for each in sources]
    hosts = {net.network_address for net in networks if net is not None and net.num_addresses == 1}
    found = {f"[{host}]" if host.version == 6 else str(host) for host in hosts if not host.is_loopback}
    for contact in (site.trunk, *(trunk.uri for trunk in site.trunks)):
        if address := contact_address(contact):
            host = address.rpartition(":")[0]
            found.add(address if ipaddress_is_loopback(host.strip("[]")) else host)
    return frozenset(found)


def phone_transfer_conf(site: Site, phones: Iterable[AgentPhone]) -> str:
    """Dialplan contexts of the phones' transfer key: the numbers that a caller may be sent to, and none.

    These are agents, queues by their places, and outside numbers by their length where there is a trunk; the server
    decides about each. What does not stand here Asterisk refuses, and the caller stays with the agent.
    """
    numbers = [phone.agent for phone in _ordered(phones) if phone.agent.isascii() and phone.agent.isdecimal()]
    numbers.append("_[1-9]")
    if site.trunk or site.trunks:
        numbers += [f"_{plus}{'X' * length}" for length in OUTSIDE_LENGTHS for plus in ("", "+")]
    lines = [f"exten => {each},1,Set(SANSHENG_TO=${{EXTEN}})\n same => n,Goto(transferred,s,1)" for each in numbers]
    return "\n".join(("[phone-transfer]", *lines, "[no-transfer]", ""))


def contact_address(contact: str) -> str:
    """`sip:1001@127.0.0.1:15071;transport=udp` → `127.0.0.1:15071`, as Asterisk writes it; "" for a host name."""
    host = contact.partition(":")[2].partition(";")[0].partition("?")[0].rpartition("@")[2]
    name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "5060")
    try:
        address = ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return ""
    return f"{f'[{address}]' if address.version == 6 else address}:{int(port)}"


def _ordered(phones: Iterable[AgentPhone]) -> list[AgentPhone]:
    ordered = sorted(phones, key=lambda phone: phone.agent)
    names: dict[str, str] = {}
    for phone in ordered:
        for device in phone.devices:
            if device in names or device in {"trunk", "trunk-out", *map(web_device, GUESTS)}:
                raise SiteError(f"agent {phone.agent}: the name {device} is taken on SIP: choose another number")
            names[device] = phone.agent
    return ordered


def _outside(site: Site, phone: AgentPhone, mark: str) -> Iterable[str]:
    """An agent at an outside number: called as each of the trunks is, and no call comes from it.

    An AOR of its own, without OPTIONS: whether the carrier answers is known of the trunk.
    """
    trunks = {trunk.name: trunk for trunk in site.trunks}
    for (name, _), device in zip(phone.outside, phone.devices, strict=True):
        trunk = trunks.get(name)
        usual = (*_trunk(site), "identify_by=ip", "context=refused", "send_pai=yes")
        lines = outgoing_lines(site, trunk, _trunk(site)) if trunk is not None else usual
        yield _section(device, *lines, f"aors={device}", f"{MARK}={mark}")
        yield _section(device, "type=aor", f"contact={trunk.uri if trunk is not None else site.trunk}")


def _agent(site: Site, phone: AgentPhone, mark: str) -> Iterable[str]:
    if phone.outside:
        yield from _outside(site, phone, mark)
        return
    owner = f"set_var=SANSHENG_AGENT={phone.agent}"
    common = (
        *_media(site),
        "context=from-agent",
        owner,
        f"callerid={phone.agent} <{phone.agent}>",
        "set_var=TRANSFER_CONTEXT=no-transfer",
        "refer_blind_progress=no",
        f"{MARK}={mark}",
    )
    if phone.secret:
        login = (f"auth={phone.agent}", "identify_by=username,auth_username")
        yield _section(phone.agent, "type=endpoint", *common, *login, f"aors={phone.agent}")
        yield _section(
            phone.agent, "type=auth", "auth_type=digest", f"username={phone.agent}", f"password={phone.secret}"
        )
    else:
        yield _section(phone.agent, "type=endpoint", *common, "identify_by=ip", f"aors={phone.agent}")
    if phone.contact:
        yield _section(phone.agent, "type=aor", f"contact={phone.contact}", "qualify_frequency=15")
    else:
        yield _section(phone.agent, "type=aor", *_registrations())
    web = web_device(phone.agent)
    # Its auth is not written here: it is a secret of one sign-in (see `web_secrets`).
    login = (f"auth={web}", "identify_by=username,auth_username")
    yield _section(web, "type=endpoint", *common, *login, f"aors={web}", "webrtc=yes")
    yield _section(web, "type=aor", *_registrations())


def _guest(site: Site, guest: str) -> str:
    """A caller's phone in a page: it only calls, with a secret of one sign-in, and its calls are the public's."""
    web = web_device(guest)
    login = (f"auth={web}", "identify_by=username,auth_username", "webrtc=yes")
    return _section(web, *_caller(site), *login, "context=from-trunk", f"callerid=<{guest_number(guest)}>")


def _registrations() -> tuple[str, ...]:
    return (
        "max_contacts=1",
        "remove_existing=yes",
        "minimum_expiration=30",
        "default_expiration=120",
        "maximum_expiration=3600",
        "qualify_frequency=30",
    )


def _caller(site: Site) -> tuple[str, ...]:
    """Asterisk before 22.9 knows no ports of an endpoint's own: the dialplan's count alone keeps some for agents."""
    first, last = site.audio.callers
    ports = (f"rtp_port_start={first}", f"rtp_port_end={last}") if knows(site.modules, "rtp_port_start") else ()
    return (*_trunk(site), *ports)


def _trunk(site: Site) -> tuple[str, ...]:
    return ("type=endpoint", *_media(site), "allow_transfer=no", "allow_subscribe=no", "send_connected_line=no")


def _media(site: Site) -> tuple[str, ...]:
    local = ipaddress_is_loopback(site.bind)
    return (
        *AUDIO,
        "direct_media=no",
        "trust_connected_line=no",
        "rtp_symmetric=yes",
        "force_rport=yes",
        "rewrite_contact=yes",
        "dtmf_mode=auto",
        f"language={site.language}",
        "tone_zone=cn",
        f"rtp_timeout={site.rtp_timeout}",
        f"rtp_timeout_hold={site.rtp_timeout_hold}",
        *((f"media_address={site.bind}", "bind_rtp_to_media_address=yes") if local else ()),
    )


def ipaddress_is_loopback(text: str) -> bool:
    """Whether `text` is an address of this machine's loopback; a host name is not."""
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return False


def _transport(site: Site, protocol: str) -> str:
    lines = ["type=transport", f"protocol={protocol}", f"bind={_host(site.bind)}:{site.sip_port}"]
    return _section(f"transport-{protocol}", *lines, *site.behind_translation)


def _host(bind: str) -> str:
    return f"[{bind}]" if ":" in bind else bind


def _section(name: str, *lines: str) -> str:
    return text(f"[{name}]", *lines)
