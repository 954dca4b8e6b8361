import ssl
from pathlib import Path

import pytest

from modelgate.app.sandbox import listen, make_tls


def test_port_zero_picks_a_free_one() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        assert port > 0
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", port)


def test_tls_leaves_only_the_authority_on_disk(tmp_path: Path) -> None:
    context, authority = make_tls(("localhost",), folder=tmp_path)
    assert context.protocol is ssl.PROTOCOL_TLS_SERVER
    assert [path.name for path in tmp_path.iterdir()] == ["ca.pem"]
    assert b"PRIVATE" not in authority.read_bytes()
