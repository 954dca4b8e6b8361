"""Pictures behind URLs that only who was told them can guess, for an hour, as the vendor keeps them. Bounded."""

import threading
from collections import OrderedDict

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from modelgate.core.clock import Clock
from modelgate.core.ids import random_text

URL_LIFE_S = 3_600.0
MAX_FILES_BYTES = 48 * 1024 * 1024
"""The oldest beyond this many bytes are forgotten before their hour is over."""

PATH = "openai/files/"
_NAME_LENGTH = 40


class PictureFiles:
    """PNGs by their random names. Safe to use from several threads."""

    def __init__(self, *, clock: Clock, limit_bytes: int = MAX_FILES_BYTES, shown_url: str = "") -> None:
        """`shown_url` is where callers find them, with a slash at its end; empty: where the request came to."""
        self._clock = clock
        self._limit_bytes = limit_bytes
        self._shown_url = shown_url
        self._files: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def keep(self, data: bytes, *, base_url: str) -> str:
        """Return the URL of a picture, which is kept."""
        name = random_text(_NAME_LENGTH)
        with self._lock:
            self._files[name] = (self._clock(), data)
            self._bytes += len(data)
            while len(self._files) > 1 and self._bytes > self._limit_bytes:
                self._bytes -= len(self._files.popitem(last=False)[1][1])
        return f"{self._shown_url or base_url}{PATH}{name}.png"

    def routes(self) -> list[Route]:
        """Return the route that serves the pictures; it asks for no key."""
        return [Route(f"/{PATH}{{name}}.png", self._serve, methods=["GET"])]

    async def _serve(self, request: Request) -> Response:
        made_at, data = self._files.get(request.path_params["name"], (0.0, b""))
        if not data or self._clock() >= made_at + URL_LIFE_S:
            return Response("The specified resource does not exist, or its URL has expired.", status_code=404, media_type="text/plain")
        return Response(data, media_type="image/png")
