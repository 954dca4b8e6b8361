"""What can go wrong between us and an upstream, and whether the upstream may have acted on the request.

    TransportError
    ├── ConnectFailed       never sent: no address, refused, TLS not accepted, proxy said no, no connection free
    ├── ConnectionBroken    sent, and the connection ended before the whole answer
    ├── TimedOut            `phase` connect or queue: never sent; send, head or body: sent
    ├── BadResponse         sent, and the answer breaks HTTP
    └── BodyTooLong         the answer is larger than the caller takes

Texts name the upstream's address, never a header or a body: they are for logs, not for callers.
"""

from typing import Literal

TimeoutPhase = Literal["connect", "queue", "send", "head", "body"]


class TransportError(Exception):
    """The root. Transport never repeats a request: these facts let the caller decide.

    `sent`: a byte of the request may have reached the upstream. `reused`: on a connection that had served an earlier
    exchange. `response_started`: a byte of the answer had arrived.
    """

    def __init__(self, text: str, *, sent: bool, reused: bool = False, response_started: bool = False) -> None:
        super().__init__(text)
        self.sent = sent
        self.reused = reused
        self.response_started = response_started


class ConnectFailed(TransportError):
    """No connection; the upstream saw nothing of the request."""

    def __init__(self, text: str) -> None:
        super().__init__(text, sent=False)


class ConnectionBroken(TransportError):
    """The connection ended before the whole answer was here: reset, closed or cut short."""


class TimedOut(TransportError):
    """A bound of `Timeouts` was passed; `phase` says which."""

    def __init__(self, text: str, *, phase: TimeoutPhase, reused: bool = False, response_started: bool = False) -> None:
        super().__init__(text, sent=phase not in ("connect", "queue"), reused=reused, response_started=response_started)
        self.phase = phase


class BadResponse(TransportError):
    """The answer is not HTTP/1.1 as we accept it."""

    def __init__(self, text: str, *, reused: bool = False) -> None:
        super().__init__(text, sent=True, reused=reused, response_started=True)


class BodyTooLong(TransportError):
    """The body passed the limit its reader gave."""

    def __init__(self, text: str) -> None:
        super().__init__(text, sent=True, response_started=True)
