"""The client's address, which limits and records speak of, when trusted proxies stand in between."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from modelgate.core.http import HeaderBlock

Network = IPv4Network | IPv6Network
MAX_HOPS = 32
_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]{1,5})?|([^:]*):[0-9]{1,5}")
"""`203.0.113.7:4711` and `[2001:db8::1]:4711`, as Azure's gateways write hops; an IPv6 address without brackets has no port."""


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address, IPv4 also when it is written as mapped IPv6; None when it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def is_trusted(address: IPv4Address | IPv6Address | None, proxies: Sequence[Network]) -> bool:
    """Tell whether the address is one of our own proxies."""
    return address is not None and any(address in network for network in proxies)


def client_behind(peer: str, headers: HeaderBlock, proxies: Sequence[Network]) -> str:
    """Return the last address of X-Forwarded-For that no trusted proxy has; `peer` is trusted already.

    Read from the right, because everything to the left of a trusted proxy's own entry was written by the client.
    """
    hops = b",".join(headers.get_all(b"x-forwarded-for")).decode("latin-1").split(",")
    client = peer
    for hop in reversed(hops[-MAX_HOPS:]):
        hop = hop.strip()
        address = parse_address(hop) or parse_address(_without_port(hop))
        if address is None:
            return client
        client = str(address)
        if not is_trusted(address, proxies):
            return client
    return client


def _without_port(hop: str) -> str:
    found = _WITH_PORT.fullmatch(hop)
    return hop if found is None else found[1] or found[2] or ""
