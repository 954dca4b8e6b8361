"""Who answers `POST /v1/images/generations`: the model decides. Whoever serves it in one call is asked by the relay itself; a model that is
only to be had by tasks is the desk's."""

from collections.abc import Callable

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest, HttpResponse
from modelgate.gateway.callers import authenticate
from modelgate.gateway.configuration import Configuration
from modelgate.gateway.passage import TIMEOUTS, Passage
from modelgate.identity.table import KeyTable

IMAGES_PATH = "/v1/images/generations"
NAME = "openai_images"
"""The dialect's name: in records and metrics, and the operation under which others serve it in one call."""
OPERATION = "image"
MARGIN_S = 60.0
"""What the desk may need besides the wait itself: for inputs before, for pictures in the answer."""


class _Glance(msgspec.Struct, frozen=True):
    model: str | None = None


_glance = msgspec.json.Decoder(_Glance).decode


class ImagesDoor:
    """The fork before the relay's pipeline."""

    def __init__(
        self, *, keys: KeyTable, configuration: Callable[[], Configuration | None], passage: Passage, clock: Clock, wait_s: float
    ) -> None:
        """`wait_s` is how long the desk waits for pictures."""
        self._keys = keys
        self._configuration = configuration
        self._passage = passage
        self._clock = clock
        self._timeouts = msgspec.structs.replace(TIMEOUTS, head_s=wait_s + MARGIN_S)

    async def handle(self, request: HttpRequest) -> HttpResponse | None:
        """Return the desk's answer; None: the relay answers, errors included."""
        if not await self._leads_to_desk(request):
            return None
        return await self._passage.handle(request, timeouts=self._timeouts)

    async def _leads_to_desk(self, request: HttpRequest) -> bool:
        configuration = self._configuration()
        if configuration is None:
            return False
        try:
            model = _glance(request.body).model or ""
            caller = await authenticate(request, keys=self._keys, clock=self._clock)
        except (ModelgateError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        routes, book = configuration.routes, caller.key.book
        if routes.is_named(book=book, operation=NAME, model=model):
            return False
        if routes.is_named(book=book, operation=OPERATION, model=model):
            return True
        by_any_name = routes.find(book=book, operation=NAME, model=model)  # servers of one's own take whatever they are asked for
        if by_any_name or routes.find(book=book, operation=OPERATION, model=model):
            return not by_any_name
        does = configuration.does(book, model)  # of one that nobody serves now, whoever could says so
        return OPERATION in does and NAME not in does
