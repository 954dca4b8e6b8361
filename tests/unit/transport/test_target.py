"""Where a request goes."""

import pytest

from modelgate.transport.target import Target, is_exempt_from_proxy, proxy_address, proxy_authorization, target_of


@pytest.mark.parametrize(
    ("url", "origin", "host", "port"),
    [
        ("https://api.example.com/v1", "https://api.example.com", "api.example.com", 443),
        ("http://Example.COM:80/", "http://example.com", "example.com", 80),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434", "127.0.0.1", 11434),
        ("http://[::1]:8000/v1", "http://[::1]:8000", "::1", 8000),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", 443),
        ("http://sandbox/openai/v1", "http://sandbox", "sandbox", 80),
    ],
)
def test_an_origin_out_of_a_base_url(url: str, origin: str, host: str, port: int) -> None:
    target = target_of(url)
    assert (target.origin, target.host, target.port, target.tls) == (origin, host, port, url.startswith("https"))


@pytest.mark.parametrize(
    "url", ["", "example.com", "ftp://x/", "http://", "http:///x", "http://a b/", "http://x\r\ny/", "http://x:y/", "http://" + "é" * 70]
)
def test_what_is_not_a_base_url(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        target_of(url)


def test_equal_targets_share_connections() -> None:
    assert {target_of("https://a/x"), target_of("https://a:443/y")} == {Target(scheme="https", host="a", port=443)}


def test_a_socket_needs_no_proxy() -> None:
    assert target_of("http://sandbox", socket="/s", proxy="http://p:1").proxy == ""


@pytest.mark.parametrize("proxy", ["https://p:1", "socks5://p:1", "p:1"])
def test_a_proxy_that_is_not_spoken_to(proxy: str) -> None:
    with pytest.raises(ValueError, match="http"):
        target_of("https://a", proxy=proxy)


def test_where_a_proxy_is() -> None:
    assert proxy_address("http://p:3128") == ("p", 3128)
    assert proxy_address("http://p") == ("p", 80)
    assert proxy_authorization("http://p") == ""
    assert proxy_authorization("http://us%65r:p%40ss@p") == "Basic dXNlcjpwQHNz"


@pytest.mark.parametrize(
    ("host", "names", "exempt"),
    [
        ("a.example", "a.example", True),
        ("A.example", "b, a.EXAMPLE", True),
        ("x.a.example", ".a.example", True),
        ("x.a.example", "*.a.example", True),
        ("x.a.example", "a.example", True),
        ("xa.example", "a.example", False),
        ("a.example", "*", True),
        ("a.example", "", False),
        ("a.example", " , ", False),
    ],
)
def test_no_proxy(host: str, names: str, exempt: bool) -> None:
    assert is_exempt_from_proxy(host, names) == exempt
