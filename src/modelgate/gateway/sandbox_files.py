"""What make-believe vendors give their callers by address, at an address of this server: theirs is a socket that nobody else reaches."""

from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.core.sandbox import SHOWN_PREFIX
from modelgate.gateway.passage import Passage
from modelgate.transport.client import Transport

_LINES = ((b"x-content-type-options", b"nosniff"), (b"content-security-policy", b"default-src 'none'; sandbox"))


class SandboxFiles:
    """Passes on what is routed to it; the paths that may be asked are the router's to choose."""

    def __init__(self, transport: Transport, *, socket: str) -> None:
        self._passage = Passage(transport=transport, socket=socket)

    async def handle(self, request: HttpRequest) -> HttpResponse:
        """Return the sandbox's answer. Raises Overloaded: it is being started."""
        request.path = request.path.removeprefix(SHOWN_PREFIX)
        answer = await self._passage.handle(request)
        for name, value in _LINES:
            answer.headers = answer.headers.with_line(name, value)
        return answer
