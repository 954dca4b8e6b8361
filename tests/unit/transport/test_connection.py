"""TLS and proxies, over real sockets."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import trustme

from modelgate.core.tls import TlsFailed, TlsLayer
from modelgate.transport.client import Transport
from modelgate.transport.errors import ConnectFailed, ConnectionBroken, TimedOut
from modelgate.transport.target import Target, Timeouts, target_of

pytestmark = pytest.mark.anyio

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
NAME = "vendor.example"


class Vendor(NamedTuple):
    """An upstream with TLS, whose records and closing are ours to bend."""

    target: Target
    connections: list["Peer"]


class Peer(asyncio.Protocol):
    """The server's end of one TLS connection: answers every request with `answer`, then does `afterwards`."""

    def __init__(self, context: ssl.SSLContext, answer: bytes, afterwards: str) -> None:
        self.layer = TlsLayer(context, server_side=True)
        self.answer = answer
        self.afterwards = afterwards
        self.seen = b""
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.wire: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        try:
            plaintext, flight = self.layer.feed(data)
        except TlsFailed:  # the alert of a client that does not trust us
            self.wire.close()
            return
        self.wire.write(flight)
        self.seen += plaintext
        if not plaintext or not self.seen.endswith(b"\r\n\r\n"):
            return
        sealed = self.layer.write(self.answer)
        if self.afterwards == "byte_by_byte":
            asyncio.get_running_loop().create_task(self.drip(sealed))
            return
        if self.afterwards == "close":
            sealed += self.layer.close()
        self.wire.write(sealed)
        if self.afterwards in ("close", "truncate"):
            self.wire.close()

    async def drip(self, sealed: bytes) -> None:
        for at in range(len(sealed)):
            self.wire.write(sealed[at : at + 1])
            await asyncio.sleep(0)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(NAME).configure_cert(made)
    return made


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    client = Transport()
    yield client
    await client.close()


StartVendor = Callable[..., Awaitable[Vendor]]


@pytest.fixture
async def vendor(context: ssl.SSLContext, authority: trustme.CA, tmp_path: Path) -> AsyncIterator[StartVendor]:
    servers = []
    everybody: list[Peer] = []
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def start(answer: bytes = OK, *, afterwards: str = "keep") -> Vendor:
        peers: list[Peer] = []

        def accept() -> Peer:
            peers.append(Peer(context, answer, afterwards))
            everybody.append(peers[-1])
            return peers[-1]

        server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0)
        servers.append(server)
        port = server.sockets[0].getsockname()[1]
        return Vendor(target_of(f"https://{NAME}:{port}", address="127.0.0.1", ca_file=str(tmp_path / "ca.pem")), peers)

    yield start
    for server in servers:
        server.close()
    for peer in everybody:
        peer.wire.abort()
        await peer.lost.wait()


async def get(client: Transport, target: Target, timeouts: Timeouts = Timeouts()) -> bytes:  # noqa: B008  # frozen
    response = await client.send(target, method="GET", path="/", timeouts=timeouts)
    return await response.read(10_000_000)


async def test_requests_over_tls_share_a_connection(transport: Transport, vendor: StartVendor) -> None:
    target, connections = await vendor()
    for _ in range(3):
        assert await get(transport, target) == b"hello"
    assert len(connections) == 1
    assert connections[0].seen.startswith(b"GET / HTTP/1.1\r\nHost: vendor.example:")


async def test_records_split_at_every_byte(transport: Transport, vendor: StartVendor) -> None:
    target, _ = await vendor(afterwards="byte_by_byte")
    assert await get(transport, target) == b"hello"
    assert await get(transport, target) == b"hello"


async def test_the_session_is_resumed_on_the_next_connection(transport: Transport, vendor: StartVendor) -> None:
    """A full handshake costs twice a resumed one; vendors close idle connections all the time."""
    target, connections = await vendor(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    for _ in range(3):
        await get(transport, target)
    assert [peer.layer.session_reused for peer in connections] == [False, True, True]


async def test_a_large_answer_survives_a_close_while_paused(transport: Transport, vendor: StartVendor) -> None:
    """uvloop's own TLS transport lost half of a body when the peer closed while reading was paused."""
    body = b"z" * 3_000_000
    target, _ = await vendor(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body, afterwards="close")
    response = await transport.send(target, method="GET", path="/")
    response.pause()
    await asyncio.sleep(0.1)
    response.resume()
    assert await response.read(3_000_000) == body


async def test_a_body_until_close_needs_a_close_notify(transport: Transport, vendor: StartVendor) -> None:
    """Otherwise anybody on the way could cut an answer short, and it would pass for whole."""
    whole, _ = await vendor(b"HTTP/1.1 200 OK\r\n\r\nhello", afterwards="close")
    assert await get(transport, whole) == b"hello"
    cut, _ = await vendor(b"HTTP/1.1 200 OK\r\n\r\nhello", afterwards="truncate")
    with pytest.raises(ConnectionBroken):
        await get(transport, cut)


async def test_an_abort_is_noticed_at_once_by_a_peer_that_streams(transport: Transport, vendor: StartVendor) -> None:
    """With a gentle close a streaming peer noticed after 30 s, and the vendor billed for them."""
    target, connections = await vendor(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\nhello")
    response = await transport.send(target, method="GET", path="/")
    response.abort()
    await asyncio.wait_for(connections[0].lost.wait(), 10)


async def test_an_unknown_authority_is_refused_before_anything_is_sent(transport: Transport, vendor: StartVendor) -> None:
    target, connections = await vendor()
    with pytest.raises(ConnectFailed, match="TLS") as failed:
        await get(transport, msgspec.structs.replace(target, ca_file=""))
    assert not failed.value.sent
    assert connections[0].seen == b""


async def test_a_certificate_for_another_name_is_refused(transport: Transport, vendor: StartVendor) -> None:
    target, _ = await vendor()
    with pytest.raises(ConnectFailed, match="mismatch"):
        await get(transport, msgspec.structs.replace(target, host="other.example"))


async def test_a_ca_file_that_is_missing_is_named(transport: Transport, vendor: StartVendor) -> None:
    target, _ = await vendor()
    with pytest.raises(ConnectFailed, match=r"nowhere\.pem"):
        await get(transport, msgspec.structs.replace(target, ca_file="/nowhere.pem"))


async def test_a_handshake_is_bounded_in_time(transport: Transport) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimedOut) as timed_out:
        await get(transport, target_of(f"https://127.0.0.1:{port}"), Timeouts(connect_s=0.1))
    assert (timed_out.value.phase, timed_out.value.sent) == ("connect", False)
    server.close()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"])
async def test_a_plain_server_where_tls_was_expected(transport: Transport, greeting: bytes) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read(10)
            writer.write(greeting)
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConnectFailed):
        await get(transport, target_of(f"https://127.0.0.1:{port}"))
    server.close()


class Proxy:
    """An HTTP proxy that remembers what it was asked; `refuse` is answered instead of a tunnel."""

    def __init__(self, *, refuse: bytes = b"") -> None:
        self.asked: list[bytes] = []
        self.refuse = refuse

    async def start(self) -> str:
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        return f"http://us%65r:pass@127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        method, where, _ = head.split(b" ", 2)
        if self.refuse or method != b"CONNECT":
            writer.write(self.refuse or OK)
            with suppress(ConnectionError):
                await reader.read()
            writer.close()
            return
        port = int(where.rpartition(b":")[2])
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
        for byte in b"HTTP/1.1 200 Connection established\r\n\r\n":
            writer.write(bytes((byte,)))
            await asyncio.sleep(0)
        await asyncio.gather(self.pump(reader, there_writer), self.pump(there_reader, writer))

    async def pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
        except (ConnectionError, RuntimeError):
            pass
        finally:
            writer.close()


CREDENTIALS = b64encode(b"user:pass")


async def test_https_through_a_proxy_is_a_tunnel(transport: Transport, vendor: StartVendor) -> None:
    target, connections = await vendor()
    proxy = Proxy()
    url = await proxy.start()
    through = msgspec.structs.replace(target, proxy=url, address="")
    assert await get(transport, through) == b"hello"
    assert await get(transport, through) == b"hello"
    assert proxy.asked == [
        b"CONNECT vendor.example:%d HTTP/1.1\r\nHost: vendor.example:%d\r\nProxy-Authorization: Basic %s\r\n\r\n"
        % (target.port, target.port, CREDENTIALS)
    ]
    assert b"Proxy-Authorization" not in connections[0].seen
    await transport.close()
    proxy.server.close()


@pytest.mark.parametrize(
    "refuse",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 200 OK\r\n\r\ntoo early",
        b"SSH-2.0-x\r\n\r\n",
        b"x" * 300_000,
    ],
)
async def test_a_proxy_that_refuses_the_tunnel(transport: Transport, vendor: StartVendor, refuse: bytes) -> None:
    target, connections = await vendor()
    proxy = Proxy(refuse=refuse)
    url = await proxy.start()
    with pytest.raises(ConnectFailed) as failed:
        await get(transport, msgspec.structs.replace(target, proxy=url))
    assert not failed.value.sent
    assert "pass" not in str(failed.value)
    assert connections == []
    proxy.server.close()


async def test_http_through_a_proxy_is_asked_by_whole_url(transport: Transport) -> None:
    proxy = Proxy()
    target = target_of("http://vendor.example:8080", proxy=await proxy.start())
    assert await get(transport, target) == b"hello"
    assert proxy.asked == [
        b"GET http://vendor.example:8080/ HTTP/1.1\r\nHost: vendor.example:8080\r\nProxy-Authorization: Basic %s\r\n\r\n" % CREDENTIALS
    ]
    proxy.server.close()
