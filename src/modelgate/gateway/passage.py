"""Passing a request on to the desk's socket, by the same transport that serves upstreams."""

from modelgate.core.errors import MethodNotAllowed, Overloaded
from modelgate.core.http import HOP_BY_HOP, HeaderBlock, HttpRequest, HttpResponse
from modelgate.transport.client import Transport
from modelgate.transport.errors import ConnectionBroken, TransportError
from modelgate.transport.framing import METHODS
from modelgate.transport.response import UpstreamResponse
from modelgate.transport.target import Target, Timeouts, target_of

REQUEST_ID_HEADER = b"x-modelgate-request-id"
CLIENT_HEADER = b"x-modelgate-client"
HOST_HEADER = b"x-modelgate-host"
INTERNAL_PREFIX = b"x-modelgate-"
RETRY_AFTER_S = 1.0
PROBE_TIMEOUTS = Timeouts(connect_s=1.0, head_s=2.0, idle_s=2.0)
MAX_PROBE_BYTES = 1024
TIMEOUTS = Timeouts(connect_s=2.0, head_s=120.0, idle_s=300.0)

_NOT_PASSED = HOP_BY_HOP | {b"host", b"expect", b"x-request-id", b"accept-encoding", REQUEST_ID_HEADER, CLIENT_HEADER}
_NOT_RETURNED = HOP_BY_HOP | {b"x-request-id", b"date", b"server"}


class Passage:
    """The way from a relay to the desk."""

    def __init__(self, *, transport: Transport, socket: str) -> None:
        self._transport = transport
        self._target: Target = target_of("http://desk", socket=socket)

    async def handle(self, request: HttpRequest, *, timeouts: Timeouts = TIMEOUTS) -> HttpResponse:
        """Return the desk's answer.

        Raises:
            MethodNotAllowed: a method that nothing here is served with. Overloaded: the desk is not there; it is being started again.
        """
        if request.method not in METHODS:
            raise MethodNotAllowed(f"{request.method} is not served here.", allowed=tuple(sorted(METHODS)))
        try:
            response = await self._send(request, timeouts)
            body = response.body_if_complete()
        except TransportError as error:
            raise Overloaded("This part of the gateway is starting. Try again shortly.", retry_after_s=RETRY_AFTER_S) from error
        headers = response.headers.without(_NOT_RETURNED)
        if body is not None and request.method != "HEAD":
            return HttpResponse(status=response.status, headers=headers, body=body)
        return HttpResponse(status=response.status, headers=headers, body=response, content_length=response.content_length)

    async def is_alive(self) -> bool:
        """Return whether the desk answers."""
        try:
            response = await self._transport.send(self._target, method="GET", path="/healthz", timeouts=PROBE_TIMEOUTS)
            await response.read(MAX_PROBE_BYTES)
        except TransportError:
            return False
        return response.status == 200

    async def _send(self, request: HttpRequest, timeouts: Timeouts) -> UpstreamResponse:
        lines = [line for line in request.headers.raw.split(b"\r\n") if line and not _is_private(line)]
        lines.append(REQUEST_ID_HEADER + b": " + request.id.encode())
        lines.append(CLIENT_HEADER + b": " + request.client.encode())
        lines.append(HOST_HEADER + b": " + (request.headers.get(b"host") or b""))  # whom a browser meant, and whose cookies it sends
        headers = HeaderBlock(b"".join(line + b"\r\n" for line in lines))
        path = f"{request.path}?{request.query}" if request.query else request.path
        body = bytes(request.body)
        try:
            return await self._transport.send(self._target, method=request.method, path=path, headers=headers, body=body, timeouts=timeouts)
        except ConnectionBroken as error:
            # The desk was started again and its old connections are gone. Only what changes nothing is said twice.
            if not error.reused or error.response_started or request.method not in ("GET", "HEAD"):
                raise
            return await self._transport.send(self._target, method=request.method, path=path, headers=headers, body=body, timeouts=timeouts)


def _is_private(line: bytes) -> bool:
    name = line.partition(b":")[0].lower()
    return name in _NOT_PASSED or name.startswith(INTERNAL_PREFIX)
