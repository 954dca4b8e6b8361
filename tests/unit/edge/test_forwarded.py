"""The client's address behind proxies."""

from ipaddress import ip_network

import pytest

from modelgate.core.http import HeaderBlock
from modelgate.edge.forwarded import client_behind, is_trusted, parse_address

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        ((), "10.0.0.1"),
        (("203.0.113.7",), "203.0.113.7"),
        (("198.51.100.1, 203.0.113.7",), "203.0.113.7"),  # the left one was written by the client itself
        (("203.0.113.7, 10.1.1.1",), "203.0.113.7"),
        (("203.0.113.7", "10.1.1.1"), "203.0.113.7"),
        (("::ffff:203.0.113.7, fd00::1",), "203.0.113.7"),
        (("2001:db8::1",), "2001:db8::1"),
        (("10.2.2.2, 10.1.1.1",), "10.2.2.2"),
        (("203.0.113.7, nonsense, 10.1.1.1",), "10.1.1.1"),
        (("",), "10.0.0.1"),
        (("203.0.113.7:4711",), "203.0.113.7"),  # entries with a port, as Azure writes them, were not read
        (("198.51.100.1, 203.0.113.7:4711, 10.1.1.1:80",), "203.0.113.7"),
        (("[2001:db8::1]:4711",), "2001:db8::1"),
        (("[2001:db8::1]",), "2001:db8::1"),
        (("[::ffff:203.0.113.7]:4711",), "203.0.113.7"),
        (("2001:db8::1:4711",), "2001:db8::1:4711"),  # without brackets there is no telling: it is an address
        (("203.0.113.7:nonsense",), "10.0.0.1"),
        (("203.0.113.7:471100",), "10.0.0.1"),
        (("203.0.113.7:",), "10.0.0.1"),
        (("[2001:db8::1]4711",), "10.0.0.1"),
        (("[]:4711",), "10.0.0.1"),
        ((", ".join(["203.0.113.7"] + ["10.1.1.1"] * 40),), "10.1.1.1"),
    ],
)
def test_client(lines: tuple[str, ...], client: str) -> None:
    headers = HeaderBlock.of(*(("X-Forwarded-For", line) for line in lines))
    assert client_behind("10.0.0.1", headers, PROXIES) == client


def test_addresses() -> None:
    assert str(parse_address("::ffff:127.0.0.1")) == "127.0.0.1"
    assert str(parse_address("fe80::1%eth0")) == "fe80::1"
    assert parse_address("") is None
    assert is_trusted(parse_address("10.9.9.9"), PROXIES)
    assert not is_trusted(parse_address("11.9.9.9"), PROXIES)
    assert not is_trusted(None, PROXIES)
