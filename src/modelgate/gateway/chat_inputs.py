"""Pictures by address, fetched for upstreams that do not fetch them: through the URL guard, within bounds, all at once."""

import asyncio
import base64
from collections import Counter
from collections.abc import Mapping
from typing import Protocol

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.media_type import sniff
from modelgate.formats.chat.request import ChatRequest, Image, Part, ToolResult
from modelgate.tasks.outputs import Fetcher
from modelgate.transport.errors import BodyTooLong, TransportError
from modelgate.transport.guard import UrlRefused

MAX_IMAGES = 32
"""So many addresses of one request are fetched; more are refused."""
MAX_IMAGE_BYTES = 20 * 1024 * 1024
MAX_TOTAL_BYTES = 64 * 1024 * 1024
FETCH_TIMEOUT_S = 20.0
MAX_CONCURRENT_FETCHES = 8
NOT_FETCHED = ("gs://", "https://www.youtube.com/", "https://youtu.be/", "https://youtube.com/")
"""Addresses that mean something to a vendor as they are."""


class InlineImages(Protocol):
    async def inline(self, request: ChatRequest) -> ChatRequest:
        """Return the request with its pictures inside. Raises InvalidRequest."""
        ...


class FetchedImages:
    """`InlineImages` over the guarded fetcher. One per process."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self._room = asyncio.Semaphore(MAX_CONCURRENT_FETCHES)

    async def inline(self, request: ChatRequest) -> ChatRequest:
        """Return the request with its pictures inside.

        Raises:
            InvalidRequest: an address that may not be fetched, gives no picture, or more than is taken.
        """
        uses = Counter(image.url for message in request.messages for image in _images(message.parts))
        if len(uses) > MAX_IMAGES:
            raise InvalidRequest(f"At most {MAX_IMAGES} pictures by address are fetched for one request.", code="too_many_images")
        found = await self._fetched_all(uses)
        messages = tuple(msgspec.structs.replace(message, parts=_replaced(message.parts, found)) for message in request.messages)
        return msgspec.structs.replace(request, messages=messages)

    async def _fetched_all(self, uses: Mapping[str, int]) -> dict[str, Image]:
        """Return the picture at each address, which will be sent so often; the first that fails, or is too much, ends the others."""
        fetching = {url: asyncio.create_task(self._fetched(url)) for url in sorted(uses)}
        room = MAX_TOTAL_BYTES
        try:
            for fetched in asyncio.as_completed(fetching.values()):
                image = await fetched
                room -= len(image.data) * uses[image.url]
                if room < 0:
                    raise InvalidRequest("The pictures of this request are too large together.", code="image_too_large")
        finally:
            for task in fetching.values():
                task.cancel()
            await asyncio.gather(*fetching.values(), return_exceptions=True)
        return {url: task.result() for url, task in fetching.items()}

    async def _fetched(self, url: str) -> Image:
        shown = url[:200]
        async with self._room:
            try:
                fetched = await self._fetcher.fetch(
                    url, max_bytes=MAX_IMAGE_BYTES, timeout_s=FETCH_TIMEOUT_S, content_types=None, exempt={}
                )
            except UrlRefused as refused:
                raise InvalidRequest(f"The picture at '{shown}' is not fetched: {refused}.", code="invalid_image_url") from None
            except BodyTooLong:
                raise InvalidRequest(f"The picture at '{shown}' is larger than {MAX_IMAGE_BYTES} bytes.", code="image_too_large") from None
            except TransportError:
                raise InvalidRequest(f"The picture at '{shown}' could not be fetched.", code="invalid_image_url") from None
        media_type = sniff(fetched.body)
        if not media_type.startswith("image/"):
            raise InvalidRequest(f"What is at '{shown}' is not a picture.", code="invalid_image_url")
        return Image(url=url, data=base64.b64encode(fetched.body).decode(), media_type=media_type)


def _is_fetched(image: Image) -> bool:
    return bool(image.url) and not image.url.startswith(NOT_FETCHED)


def _images(parts: tuple[Part, ...]) -> list[Image]:
    found: list[Image] = []
    for part in parts:
        if isinstance(part, Image) and _is_fetched(part):
            found.append(part)
        elif isinstance(part, ToolResult):
            found += _images(part.parts)
    return found


def _replaced(parts: tuple[Part, ...], found: dict[str, Image]) -> tuple[Part, ...]:
    kept: list[Part] = []
    for part in parts:
        if isinstance(part, Image) and _is_fetched(part):
            fetched = found[part.url]
            kept.append(msgspec.structs.replace(part, url="", data=fetched.data, media_type=fetched.media_type))
        elif isinstance(part, ToolResult):
            inside = tuple(inner for inner in _replaced(part.parts, found) if not isinstance(inner, ToolResult))
            kept.append(msgspec.structs.replace(part, parts=inside))
        else:
            kept.append(part)
    return tuple(kept)
