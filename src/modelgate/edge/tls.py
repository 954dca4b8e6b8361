"""TLS between a connection and its plain transport.

Not uvloop's own TLS transport: that one loses unread data when the peer closes while reading is paused.
"""

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any, cast

from modelgate.core.tls import TlsFailed, TlsLayer


class TlsTransport(asyncio.Transport):
    """What the connection writes to: encrypts and passes on to the plain transport."""

    def __init__(self, plain: asyncio.Transport, layer: TlsLayer) -> None:
        super().__init__()
        self._plain = plain
        self._layer = layer
        self._closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send."""
        if self._closed or not data:
            return
        try:
            self._plain.write(self._layer.write(data))
        except TlsFailed:
            self.abort()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Encrypt and send the pieces in order."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Say close_notify and end our direction; reading goes on."""
        if not self._closed:
            self._closed = True
            self._say_goodbye()
            self._plain.write_eof()

    def can_write_eof(self) -> bool:
        """Half-closing works."""
        return True

    def close(self) -> None:
        """Say close_notify, flush, close."""
        if not self._closed:
            self._closed = True
            self._say_goodbye()
        self._plain.close()

    def abort(self) -> None:
        """Drop the connection at once."""
        self._closed = True
        self._plain.abort()

    def is_closing(self) -> bool:
        """Whether nothing more will be sent."""
        return self._closed or self._plain.is_closing()

    def is_reading(self) -> bool:
        """Whether the plain transport reads."""
        return self._plain.is_reading()

    def pause_reading(self) -> None:
        """Stop reading from the socket."""
        self._plain.pause_reading()

    def resume_reading(self) -> None:
        """Read from the socket again."""
        self._plain.resume_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes that wait for the socket, encrypted."""
        return self._plain.get_write_buffer_size()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See asyncio."""
        self._plain.set_write_buffer_limits(high, low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """See asyncio."""
        return self._plain.get_extra_info(name, default)

    def _say_goodbye(self) -> None:
        if self._layer.handshake_done:
            farewell = self._layer.close()
            if farewell:
                self._plain.write(farewell)


class TlsProtocol(asyncio.Protocol):
    """What the plain transport talks to: decrypts for the connection behind."""

    __slots__ = ("_inner", "_layer", "_plain", "_told_end")

    def __init__(self, inner: asyncio.Protocol, context: ssl.SSLContext) -> None:
        self._inner = inner
        self._layer = TlsLayer(context, server_side=True)
        self._told_end = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; the handshake's time counts towards the first head's."""
        self._plain = cast(asyncio.Transport, transport)  # uvloop's are none of asyncio's classes
        self._inner.connection_made(TlsTransport(self._plain, self._layer))

    def data_received(self, data: bytes) -> None:
        """Decrypt and pass on."""
        try:
            plaintext, to_send = self._layer.feed(data)
        except TlsFailed as failure:
            self._plain.write(failure.to_send)
            self._plain.close()
            return
        if to_send:
            self._plain.write(to_send)
        if plaintext:
            self._inner.data_received(plaintext)
        if self._layer.ended and not self._told_end:
            self._told_end = True
            self._inner.eof_received()

    def eof_received(self) -> bool | None:
        """The socket's end; without close_notify too, since every request has its own framing."""
        if self._told_end:
            return True
        self._told_end = True
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Pass it on."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Pass it on."""
        self._inner.resume_writing()
