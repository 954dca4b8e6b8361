"""What browsers are told."""

from modelgate.core.http import HeaderBlock
from modelgate.edge.cors import ORIGIN_LINES, render_options


def test_preflight_echoes_the_asked_headers() -> None:
    asked = HeaderBlock.of(
        ("Origin", "https://a.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "authorization, x-stainless-os"),
    )
    response = render_options(asked)
    assert response.status == 204
    assert response.headers.get(b"access-control-allow-headers") == b"authorization, x-stainless-os"
    assert b"POST" in (response.headers.get(b"access-control-allow-methods") or b"")
    assert response.headers.get(b"access-control-allow-credentials") is None


def test_plain_options_names_the_methods_only() -> None:
    response = render_options(HeaderBlock())
    assert response.headers.get(b"allow") is not None
    assert response.headers.get(b"access-control-allow-methods") is None


def test_origin_lines_are_whole_lines_without_credentials() -> None:
    block = HeaderBlock(ORIGIN_LINES)
    assert block.get(b"access-control-allow-origin") == b"*"
    exposed = block.get(b"access-control-expose-headers") or b""
    assert b"x-ratelimit-remaining-tokens" in exposed
    # Official clients in browsers could not read that trying again is pointless, and tried again.
    assert {b"x-should-retry", b"retry-after-ms"} <= set(exposed.split(b", "))
    assert b"credentials" not in ORIGIN_LINES
