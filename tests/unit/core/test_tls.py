"""The TLS layer, both ends in memory."""

import ssl

import pytest
import trustme

from modelgate.core.tls import TlsFailed, TlsLayer


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("vendor.example").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def joined(client: TlsLayer, server: TlsLayer, *, step: int = 1 << 20) -> None:
    """Carry flights both ways until both are done, `step` bytes at a time."""
    to_server, to_client = client.start(), b""
    while to_server or to_client:
        for at in range(0, len(to_server), step):
            to_client += server.feed(to_server[at : at + step])[1]
        to_server = b""
        for at in range(0, len(to_client), step):
            to_server += client.feed(to_client[at : at + step])[1]
        to_client = b""
    assert client.handshake_done
    assert server.handshake_done


def pair(
    client_context: ssl.SSLContext, server_context: ssl.SSLContext, *, session: ssl.SSLSession | None = None
) -> tuple[TlsLayer, TlsLayer]:
    return TlsLayer(client_context, server_name="vendor.example", session=session), TlsLayer(server_context, server_side=True)


@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_text_crosses_however_the_wire_splits_it(client_context: ssl.SSLContext, server_context: ssl.SSLContext, step: int) -> None:
    client, server = pair(client_context, server_context)
    joined(client, server, step=step)
    wire = client.write(b"a" * 40_000)
    got = b"".join(server.feed(wire[at : at + step])[0] for at in range(0, len(wire), step))
    assert got == b"a" * 40_000


def test_a_clean_close_is_told_from_truncation(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    client, server = pair(client_context, server_context)
    joined(client, server)
    assert client.feed(server.write(b"last"))[0] == b"last"
    assert not client.ended
    client.feed(server.close())
    assert client.ended


def test_data_and_close_in_one_piece_lose_nothing(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    client, server = pair(client_context, server_context)
    joined(client, server)
    plaintext, _ = client.feed(server.write(b"b" * 100_000) + server.close())
    assert plaintext == b"b" * 100_000
    assert client.ended


def test_a_session_is_resumed(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    client, server = pair(client_context, server_context)
    joined(client, server)
    client.feed(server.write(b"x"))
    again, server_again = pair(client_context, server_context, session=client.session)
    joined(again, server_again)
    assert again.session_reused
    assert not client.session_reused


def test_an_unknown_authority_is_refused_with_an_alert(server_context: ssl.SSLContext) -> None:
    client, server = TlsLayer(ssl.create_default_context(), server_name="vendor.example"), TlsLayer(server_context, server_side=True)
    _, flight = server.feed(client.start())
    with pytest.raises(TlsFailed, match=r"unable to get local issuer|self.signed") as failed:
        client.feed(flight)
    assert failed.value.to_send


def test_another_name_is_refused(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    client, server = TlsLayer(client_context, server_name="other.example"), TlsLayer(server_context, server_side=True)
    _, flight = server.feed(client.start())
    with pytest.raises(TlsFailed, match="mismatch"):
        client.feed(flight)


def test_plain_text_on_a_tls_port_fails(server_context: ssl.SSLContext) -> None:
    with pytest.raises(TlsFailed):
        TlsLayer(server_context, server_side=True).feed(b"GET / HTTP/1.1\r\n\r\n")


def test_a_changed_record_fails(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    client, server = pair(client_context, server_context)
    joined(client, server)
    wire = bytearray(client.write(b"secret"))
    wire[-1] ^= 1
    with pytest.raises(TlsFailed):
        server.feed(bytes(wire))


def test_closing_before_the_handshake_is_harmless(client_context: ssl.SSLContext, server_context: ssl.SSLContext) -> None:
    client, _ = pair(client_context, server_context)
    client.close()
