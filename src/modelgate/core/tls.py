"""TLS without I/O: bytes in, bytes out, for the server's side and the client's.

uvloop's own TLS transport loses unread data when the peer closes while reading is paused, and cannot tell truncation from a
clean close. So both rims put this layer over a plain transport.
"""

import contextlib
import ssl

READ_BYTES = 256 * 1024
"""Room offered to one read; OpenSSL returns one record (16 KiB) at most."""


class TlsFailed(Exception):
    """The handshake or a record was not acceptable. `to_send` is the alert for the peer, to be written before the close."""

    def __init__(self, text: str, to_send: bytes) -> None:
        super().__init__(text)
        self.to_send = to_send


class TlsLayer:
    """One TLS connection. Every method returns the bytes to put on the wire; the caller owns the socket.

    `ended` is set by the peer's close_notify. An end of file while it is not set is a truncation.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "ended", "handshake_done")

    def __init__(
        self,
        context: ssl.SSLContext,
        *,
        server_side: bool = False,
        server_name: str | None = None,
        session: ssl.SSLSession | None = None,
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_name, session=session
        )
        self.handshake_done = False
        self.ended = False

    @property
    def session(self) -> ssl.SSLSession | None:
        """What a later connection to the same peer may resume; with TLS 1.3 it is useful only after the first data read."""
        return self._object.session

    @property
    def session_reused(self) -> bool:
        """Whether the handshake resumed an earlier session."""
        return bool(self._object.session_reused)

    def start(self) -> bytes:
        """Begin the handshake: the client's first flight; nothing on the server's side.

        Raises:
            TlsFailed: the context cannot make a handshake.
        """
        self._handshake()
        return self._outgoing.read()

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """Take bytes from the wire; return (plaintext, bytes to send). Either may be empty.

        Raises:
            TlsFailed: the peer broke the protocol, or its certificate is not accepted.
        """
        self._incoming.write(data)
        if not self.handshake_done and not self._handshake():
            return b"", self._outgoing.read()
        plaintext = self._read()
        return plaintext, self._outgoing.read() if self._outgoing.pending else b""

    def write(self, plaintext: bytes | bytearray | memoryview) -> bytes:
        """Return the records that carry the plaintext. Only after the handshake.

        Raises:
            TlsFailed: the connection is already closed or broken.
        """
        try:
            self._object.write(plaintext)
        except ssl.SSLError as error:
            raise self._failed(error) from error
        return self._outgoing.read()

    def close(self) -> bytes:
        """Return our close_notify, if one can still be said. The peer's is not waited for."""
        with contextlib.suppress(ssl.SSLError, ValueError):  # WantRead: our part is said; anything else: nothing left to say
            self._object.unwrap()
        return self._outgoing.read()

    def _handshake(self) -> bool:
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise self._failed(error) from error
        self.handshake_done = True
        return True

    def _read(self) -> bytes:
        pieces: list[bytes] = []
        try:
            while self._incoming.pending or self._object.pending():
                piece = self._object.read(READ_BYTES)
                if not piece:
                    self.ended = True
                    break
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise self._failed(error) from error
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _failed(self, error: ssl.SSLError) -> TlsFailed:
        text = getattr(error, "verify_message", "") or error.reason or "TLS failure"
        return TlsFailed(text, self._outgoing.read())
